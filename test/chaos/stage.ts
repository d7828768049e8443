/**
 * What a run plays on: a backend, two proxies behind one balancer, and for each proxy two agents that dial it through a
 * relay of their own. So each proxy always has an agent, also while one of them is restarted, which is what an
 * operator who wants no request lost has to set up (docs/operations.md). It starts and ends things and breaks nothing.
 */
/* oxlint-disable no-await-in-loop -- one after the other, so that the start of many programs is no storm */
import { request } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { Balancer } from '../e2e/support/balancer.ts';
import type { BuiltPrograms } from '../e2e/support/built.ts';
import { patienceMs, within } from '../e2e/support/deadline.ts';
import type { Owner } from '../e2e/support/owner.ts';
import { Program, says } from '../e2e/support/program.ts';
import { createSecret, type Env, linksUp, mintToken, startAgent, startProxy } from '../e2e/support/tunnel.ts';
import { Random } from '../fuzz/random.ts';
import { Member, pause, stagePatienceMs } from './member.ts';

const links = 2;
const agentsPerProxy = 2;
const proxyCount = 2;

/** Below the ports that the kernel gives to connections: a proxy that is away for a moment finds its own again. */
const ports = { first: 20_000, count: 10_000 } as const;

export interface Agent {
  readonly member: Member;
  /** Between it and its proxy. */
  readonly relay: Balancer;
  readonly proxy: Member;
}

export interface StageOptions {
  readonly built?: BuiltPrograms | undefined;
  readonly proxyEnv?: Env;
}

export class Stage {
  readonly proxies: Member[] = [];
  readonly agents: Agent[] = [];
  /** What went wrong that nobody has brought about. */
  readonly faults: string[] = [];
  readonly #owner: Owner;
  #balancer: Balancer | undefined;
  #backendPort = 0;

  private constructor(owner: Owner) {
    this.#owner = owner;
  }

  static async create(owner: Owner, options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(owner);
    await stage.#build(options);
    return stage;
  }

  get members(): Member[] {
    return [...this.proxies, ...this.agents.map(({ member }) => member)];
  }

  /** Where clients come in. */
  get balancer(): Balancer {
    if (this.#balancer === undefined) throw new Error('the stage is not built');
    return this.#balancer;
  }

  /** How often a proxy was killed so far. */
  get proxyKills(): number {
    return this.proxies.reduce((sum, { kills }) => sum + kills, 0);
  }

  agentsOf(proxy: Member): Agent[] {
    return this.agents.filter((agent) => agent.proxy === proxy);
  }

  /** Restarts it in order; resolves when all its links are up again. */
  async restart(member: Member): Promise<void> {
    const agents = this.agents.filter((agent) => agent.member === member || agent.proxy === member);
    const known = agents.map(({ member: agent }) => agent.program.lines.length);
    await member.restart();
    for (const [index, agent] of agents.entries()) {
      const from = agent.member === member ? 0 : (known[index] ?? 0);
      await linksUp(agent.member.program, links, from, stagePatienceMs);
    }
  }

  /** Resolves when every proxy has the links of its agents and no others. What does not come back is a fault. */
  async whole(): Promise<void> {
    const untilMs = performance.now() + stagePatienceMs;
    for (const proxy of this.proxies) {
      while (!(await this.#isWhole(proxy))) {
        if (performance.now() > untilMs) {
          this.faults.push(`${proxy.name} has not its agents back after ${stagePatienceMs / 1000} s`);
          return;
        }
        await pause(100);
      }
    }
  }

  /** Who has ended by itself is a fault. */
  checkRunning(): void {
    for (const member of this.members) member.checkRunning();
  }

  /** How many bodies came to a clean end at the backend that were not what had been sent: asked past the product. */
  async backendFaults(): Promise<number> {
    return Number(await get(this.#backendPort, '/faults'));
  }

  async #isWhole(proxy: Member): Promise<boolean> {
    const { port } = await proxy.program.line(says('admin listening'));
    const serving = (await get(Number(port), '/api/tunnels')).match(/"state":\s*"serving"/g) ?? [];
    return serving.length === links * this.agentsOf(proxy).length;
  }

  async #build({ built, proxyEnv = {} }: StageOptions): Promise<void> {
    const secret = createSecret();
    const backend = Program.start(this.#owner, 'test/chaos/backend.ts', { measured: true });
    const [token, line] = await Promise.all([
      mintToken(this.#owner, secret, ['--backend', 'default']),
      backend.line(says('listening'), 0, stagePatienceMs),
    ]);
    this.#backendPort = Number(line['port']);
    const targets: number[] = [];
    for (let index = 0; index < proxyCount; index += 1) {
      const port = await freePort();
      targets.push(port);
      const name = `proxy ${'AB'[index] ?? ''}`;
      const proxy = this.#member('proxy', name, async (owner) => {
        const started = await startProxy(owner, { secret, port, built, env: proxyEnv });
        return started.program;
      });
      await proxy.start();
      this.proxies.push(proxy);
      for (let count = 1; count <= agentsPerProxy; count += 1)
        await this.#addAgent(proxy, port, `agent ${'AB'[index] ?? ''}${count}`, token, built);
    }
    this.#balancer = await Balancer.listen(this.#owner, targets);
  }

  async #addAgent(
    proxy: Member,
    port: number,
    name: string,
    token: string,
    built: BuiltPrograms | undefined,
  ): Promise<void> {
    const relay = await Balancer.listen(this.#owner, [port]);
    const url = `ws://127.0.0.1:${relay.port}`;
    const env = { LINKS: String(links) };
    const member = this.#member('agent', name, async (owner) => {
      const program = startAgent(owner, { proxy: { url }, token, backend: this.#backendPort, built, env });
      // A process that has not come so far has no ear for signals yet: it would end by the first one, and not with 0.
      await program.line(says('dialling'), 0, stagePatienceMs);
      return program;
    });
    await member.start();
    await linksUp(member.program, links, 0, stagePatienceMs);
    this.agents.push({ member, relay, proxy });
  }

  #member(role: 'proxy' | 'agent', name: string, start: (owner: Owner) => Promise<Program>): Member {
    return new Member(this.#owner, { role, name, start, onFault: (what) => this.faults.push(what) });
  }
}

async function get(port: number, path: string): Promise<string> {
  const answer = Promise.withResolvers<string>();
  const asking = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
    text(response).then(answer.resolve, answer.reject);
  });
  asking.once('error', answer.reject);
  asking.end();
  return within(patienceMs, () => `an answer to ${path}`, answer.promise);
}

async function freePort(): Promise<number> {
  const random = new Random(Date.now() ^ process.pid);
  for (let tries = 0; tries < 100; tries += 1) {
    const port = ports.first + random.below(ports.count);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(true));
    });
  });
}
