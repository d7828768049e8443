/**
 * The product as a scenario needs it: a proxy on a free port and an agent in front of a backend, each a real process, with
 * every link up before the first request. With E2E_DIRECT=1 a plain relay stands there instead (relay.ts).
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { randomBytes } from 'node:crypto';
import type { Owner } from './owner.ts';
import { buildPrograms, type BuiltPrograms } from './built.ts';
import { patienceMs } from './deadline.ts';
import { type LogLine, Program, says } from './program.ts';
import { listenRelay } from './relay.ts';
import type { Target } from './wire.ts';

export const isDirect = process.env['E2E_DIRECT'] === '1';

/** Options of a test that means nothing without the product in the path. */
export const productOnly = isDirect ? { skip: 'the product is not in the path (E2E_DIRECT)' } : {};

export type Env = Readonly<Record<string, string>>;

export interface Proxy extends Target {
  readonly program: Program;
  readonly secret: string;
  /** What an agent is given as PROXY_URL. */
  readonly url: string;
}

export interface Tunnel extends Target {
  readonly proxy: Program | undefined;
  readonly agent: Program | undefined;
}

export interface TunnelOptions {
  /** A port on 127.0.0.1, or what BACKEND takes. */
  readonly backend: number | string;
  readonly proxyEnv?: Env;
  readonly agentEnv?: Env;
  /** Memory or time is measured: the programs as they are shipped, without the runner's coverage. */
  readonly measured?: boolean;
}

export async function startTunnel(t: Owner, options: TunnelOptions): Promise<Tunnel> {
  if (isDirect) {
    const backend =
      typeof options.backend === 'string' ? options.backend.replace(/^unix:/, '') : options.backend;
    return { host: '127.0.0.1', port: await listenRelay(t, backend), proxy: undefined, agent: undefined };
  }
  const built = options.measured === true ? await buildPrograms(t) : undefined;
  const secret = createSecret();
  // The token needs only the secret: both start together.
  const [proxy, token] = await Promise.all([
    startProxy(t, { secret, built, env: options.proxyEnv ?? {} }),
    mintToken(t, secret, ['--backend', options.agentEnv?.['BACKEND_ID'] ?? 'default']),
  ]);
  const agent = startAgent(t, {
    proxy,
    token,
    backend: options.backend,
    built,
    env: options.agentEnv ?? {},
  });
  await linksUp(agent, Number(options.agentEnv?.['LINKS'] ?? 2));
  return { host: proxy.host, port: proxy.port, proxy: proxy.program, agent };
}

/** A secret as a user makes one: 32 bytes, as text. */
export function createSecret(): string {
  return randomBytes(32).toString('hex');
}

export async function startProxy(
  t: Owner,
  options: { secret: string; port?: number; env?: Env; built?: BuiltPrograms | undefined },
): Promise<Proxy> {
  const program = Program.start(t, options.built?.proxy ?? 'proxy/main.ts', {
    measured: options.built !== undefined,
    env: {
      HOST: '127.0.0.1',
      PORT: String(options.port ?? 0),
      // Proxies of many tests run at once.
      ADMIN_PORT: '0',
      LOG_FORMAT: 'json',
      AGENT_SECRET: options.secret,
      ...options.env,
    },
  });
  const { port } = await program.line(says('listening'));
  if (typeof port !== 'number') throw new Error(`"listening" without its port:\n${program.output}`);
  const scheme = options.env?.['TLS_CERT_FILE'] === undefined ? 'ws' : 'wss';
  return { program, host: '127.0.0.1', port, secret: options.secret, url: `${scheme}://127.0.0.1:${port}` };
}

/** A token as the owner of a proxy makes one: printed by `proxy token`. */
export async function mintToken(t: Owner, secret: string, args: readonly string[]): Promise<string> {
  const program = Program.start(t, 'proxy/main.ts', {
    args: ['token', ...args],
    env: { AGENT_SECRET: secret },
  });
  const { code } = await program.end();
  const token = /^[\w-]+\.[\w-]+\.[\w-]+$/m.exec(program.output)?.[0];
  if (code !== 0 || token === undefined)
    throw new Error(`proxy token ended with ${code}:\n${program.output}`);
  return token;
}

export interface AgentOptions {
  readonly proxy: Pick<Proxy, 'url'>;
  readonly token: string;
  readonly backend: number | string;
  readonly env?: Env;
  readonly built?: BuiltPrograms | undefined;
}

/** An agent that has been started and may not have a link yet. */
export function startAgent(t: Owner, options: AgentOptions): Program {
  const { backend } = options;
  return Program.start(t, options.built?.agent ?? 'agent/main.ts', {
    measured: options.built !== undefined,
    env: {
      PROXY_URL: options.proxy.url,
      TOKEN: options.token,
      BACKEND: typeof backend === 'number' ? `127.0.0.1:${backend}` : backend,
      LOG_FORMAT: 'json',
      // Probes would be seen by backends that count their connections.
      HEALTH_INTERVAL: '0s',
      ...options.env,
    },
  });
}

/** Waits until that many links have come up since line `from` of the agent's log. */
export async function linksUp(agent: Program, links: number, from = 0, withinMs = patienceMs): Promise<void> {
  let index = from;
  for (let up = 0; up < links; up += 1) {
    const line: LogLine = await agent.line(says('link up'), index, withinMs);
    index = agent.lines.indexOf(line, index) + 1;
  }
}
