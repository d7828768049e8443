/**
 * The tunnel of this repository: the built programs, each with the flags of its image, as a user has them. Access log on, to a
 * file; metrics on and scraped. The proxy listens on a port of its own, so that it comes back where it was.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { serves } from '../load/probe.ts';
import type { Child } from '../machine/child.ts';
import { freePort } from '../machine/ports.ts';
import { until } from '../machine/waiting.ts';
import type { BuiltPrograms } from './build.ts';
import type { BackendKind, Ends, Ground, Place, Target, TargetKind } from './target.ts';

/** How the images run the programs: see Dockerfile.proxy. */
const shippedFlags = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=500',
  '--scavenger-max-new-space-capacity-mb=2',
  '--no-maglev-destroy-on-background',
];
const startWithinMs = 10_000;
/** The interval of Prometheus, in most of its examples. */
const scrapeEveryMs = 15_000;
/** Links of an agent by default; all of them are up before anything is measured. */
const links = 2;

export function ours(programs: () => Promise<BuiltPrograms>): TargetKind {
  return {
    name: 'ours',
    async start(ground: Ground, backend: BackendKind, place: Place, label: string): Promise<Target> {
      const setting = { ground, place, label, programs: await programs() };
      const [port, proxyAdmin, agentAdmin] = [await freePort(), await freePort(), await freePort()];
      const tunnel = new OurTunnel(setting, { port, proxyAdmin, agentAdmin });
      await tunnel.mintToken();
      await tunnel.startProxy();
      await tunnel.startAgent(ground.ports[backend]);
      await tunnel.ready();
      return tunnel;
    },
  };
}

interface Setting {
  readonly ground: Ground;
  readonly place: Place;
  readonly label: string;
  readonly programs: BuiltPrograms;
}

interface Ports {
  readonly port: number;
  readonly proxyAdmin: number;
  readonly agentAdmin: number;
}

class OurTunnel implements Target {
  readonly url: URL;
  readonly #setting: Setting;
  readonly #ports: Ports;
  readonly #secret = randomBytes(32).toString('hex');
  #token = '';
  #agentEnv: Readonly<Record<string, string>> = {};
  #proxy: Child | undefined;
  #agent: Child | undefined;
  #scraper: NodeJS.Timeout | undefined;

  constructor(setting: Setting, ports: Ports) {
    this.#setting = setting;
    this.#ports = ports;
    this.url = new URL(`${setting.place === 'tls' ? 'https' : 'http'}://127.0.0.1:${ports.port}/`);
  }

  get pids(): number[] {
    return [this.#proxy, this.#agent].flatMap((child) => (child === undefined ? [] : [child.pid]));
  }

  get ends(): Ends {
    return {
      stopAgent: async () => {
        await this.#agent?.stop();
      },
      startAgent: () => Promise.resolve(this.#spawnAgent()),
      killProxy: async () => {
        await this.#proxy?.kill();
      },
      startProxy: () => Promise.resolve(this.#spawnProxy()),
    };
  }

  async mintToken(): Promise<void> {
    const { ground, programs } = this.#setting;
    const args = [programs.proxy, 'token', '--backend', 'default'];
    const env = { AGENT_SECRET: this.#secret };
    const output = await ground.bench.run(process.execPath, args, startWithinMs, env);
    const token = /^[\w-]+\.[\w-]+\.[\w-]+$/m.exec(output)?.[0];
    if (token === undefined) throw new Error(`no token: ${output}`);
    this.#token = token;
  }

  async startProxy(): Promise<void> {
    this.#spawnProxy();
    await this.#said('proxy', '"msg":"listening"', 1);
  }

  async startAgent(backendPort: number): Promise<void> {
    const { ground, place } = this.#setting;
    const port = place === 'far' ? await ground.startLine(this.#ports.port) : this.#ports.port;
    this.#agentEnv = {
      PROXY_URL: `${place === 'tls' ? 'wss' : 'ws'}://127.0.0.1:${port}`,
      TOKEN: this.#token,
      BACKEND: `127.0.0.1:${backendPort}`,
      ADMIN_PORT: String(this.#ports.agentAdmin),
      ...(place === 'tls' ? { PROXY_CA_FILE: ground.certificate.cert } : {}),
    };
    this.#spawnAgent();
  }

  /** All links are up, it serves, and somebody watches it. */
  async ready(): Promise<void> {
    await this.#said('agent', '"msg":"link up"', links);
    await until(
      startWithinMs,
      () => `the first answer at ${this.url.href}`,
      async () => (await serves(this.url)) || undefined,
    );
    await this.#scrape();
    // Restarted programs are not there for a moment.
    this.#scraper = setInterval(() => void this.#scrape().catch(() => undefined), scrapeEveryMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#scraper);
    await this.#agent?.stop();
    await this.#proxy?.stop();
  }

  #spawnProxy(): void {
    const { certificate } = this.#setting.ground;
    this.#proxy = this.#spawn('proxy', {
      HOST: '127.0.0.1',
      PORT: String(this.#ports.port),
      ADMIN_PORT: String(this.#ports.proxyAdmin),
      AGENT_SECRET: this.#secret,
      ...(this.#setting.place === 'tls'
        ? { TLS_CERT_FILE: certificate.cert, TLS_KEY_FILE: certificate.key }
        : {}),
    });
  }

  #spawnAgent(): void {
    this.#agent = this.#spawn('agent', this.#agentEnv);
  }

  #spawn(program: keyof BuiltPrograms, env: Readonly<Record<string, string>>): Child {
    const { ground, label, programs } = this.#setting;
    const folder = ground.profileFolder;
    const name = `${label}-${program}`;
    const profiling =
      folder === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];
    return ground.bench.spawn(process.execPath, [...shippedFlags, ...profiling, programs[program]], {
      env: { NODE_ENV: 'production', ...env },
      logFile: this.#logFile(program),
    });
  }

  #logFile(program: keyof BuiltPrograms): string {
    return this.#setting.ground.bench.path(`${this.#setting.label}-${program}.log`);
  }

  /** Waits until a program has logged that text so often. */
  async #said(program: keyof BuiltPrograms, text: string, times: number): Promise<void> {
    const read = (): string => readFileSync(this.#logFile(program), 'utf8');
    const child = program === 'proxy' ? this.#proxy : this.#agent;
    await until(
      startWithinMs,
      () => `${text} of the ${program}: ${read()}`,
      () => {
        if (child?.isRunning === false) throw new Error(`the ${program} has ended: ${read()}`);
        return read().split(text).length > times || undefined;
      },
    );
  }

  async #scrape(): Promise<void> {
    const scrapes = [this.#ports.proxyAdmin, this.#ports.agentAdmin].map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`/metrics answered ${response.status}: ${text}`);
    });
    await Promise.all(scrapes);
  }
}
