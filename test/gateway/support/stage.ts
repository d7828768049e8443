/** A proxy and agents as real programs, with tokens made here: what they grant and when they end is the test's to say. */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { Test } from 'tap';
import { signAgentToken } from '../../../shared/auth/sign.ts';
import type { TokenOrder, TokenSigner } from '../../../shared/auth/sign.ts';
import { ask } from '../../admin/support/ask.ts';
import type { Answer } from '../../admin/support/ask.ts';
import { listen } from '../../e2e/support/listen.ts';
import type { Program } from '../../e2e/support/program.ts';
import { createSecret, startAgent, startProxy } from '../../e2e/support/tunnel.ts';
import type { Env, Proxy } from '../../e2e/support/tunnel.ts';

/** Both programs say all they can, and a token ends when it says. */
export const loud: Env = { LOG_LEVEL: 'debug' };
export const adminToken = 'an admin token of more than 32 bytes';

export interface Stage {
  readonly proxy: Proxy;
  readonly backend: number;
  /** Every token that was made, and what else no log may hold. */
  readonly secrets: string[];
  token(order: Partial<TokenOrder> & { readonly ttlMs: number }, signer?: TokenSigner): Promise<string>;
  agent(token: string, env?: Env): Program;
  get(path?: string): Promise<Answer>;
}

export async function setStage(
  t: Test,
  proxyEnv: Env = {},
  listener: RequestListener = (_request, response) => response.end('ok'),
): Promise<Stage> {
  const server = createServer(listener);
  const backend = await listen(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const secret = createSecret();
  const env = { ...loud, AGENT_CLOCK_SKEW: '0', ADMIN_TOKEN: adminToken, ...proxyEnv };
  const proxy = await startProxy(t, { secret, env });
  const secrets = [secret, adminToken];
  return {
    proxy,
    backend,
    secrets,
    token: async (order, signer = { secret }) => {
      const token = await signAgentToken({ backends: ['default'], nowMs: Date.now(), ...signer, ...order });
      secrets.push(token);
      return token;
    },
    agent: (token, agentEnv = {}) => startAgent(t, { proxy, token, backend, env: { ...loud, ...agentEnv } }),
    get: (path = '/') => ask(proxy.port, path),
  };
}

/** Requests one after the other until it is stopped; gives how often each outcome came. */
export function load(stage: Stage, path = '/'): { stop(): Promise<Map<string, number>> } {
  const outcomes = new Map<string, number>();
  const stopping = new AbortController();
  const one = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let outcome: string;
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const { status, body } = await stage.get(path);
        outcome = `${status} ${status === 200 ? '' : body}`.trim();
      } catch (error) {
        outcome = String(error);
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      // oxlint-disable-next-line no-await-in-loop -- as a client does that waits a moment
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const all = Promise.all([one(), one(), one()]);
  return {
    stop: async () => {
      stopping.abort();
      await all;
      return outcomes;
    },
  };
}

/** Everything the programs have written holds none of the stage's secrets, nor a part of a token by which it could be used. */
export function saysNothing(t: Test, stage: Stage, ...agents: readonly Program[]): void {
  for (const program of [stage.proxy.program, ...agents]) {
    t.ok(program.lines.length > 1, `${program.name} has said something`);
    const said = `${JSON.stringify(program.lines)}\n${program.output}`;
    for (const secret of stage.secrets) {
      const parts = secret.startsWith('eyJ') ? [secret, ...secret.split('.').slice(1)] : [secret];
      for (const part of parts) t.notOk(said.includes(part), `${program.name} says no secret`);
    }
  }
}
