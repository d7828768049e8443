/**
 * `npm start`: the whole tunnel on this machine, from source. Starts the proxy and the agent as two processes on loopback,
 * in front of BACKEND or of the demo backend in a third, and prints the address to open. It knows only what a user knows:
 * the programs' settings and the lines that they log.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { printLine, printReady } from './print.ts';

const run = promisify(execFile);
const proxyMain = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url));
const agentMain = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const demoMain = fileURLToPath(new URL('backend.ts', import.meta.url));

/** As the images run the programs: docs/architecture.md, "Memory". */
const shippedFlags = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=500',
  '--scavenger-max-new-space-capacity-mb=2',
  '--no-maglev-destroy-on-background',
];

const backendId = 'default';
/** What a start may take, all in all. */
const startWithinMs = 20_000;

/**
 * Settings of the user's environment that belong to one of the programs in another place, and would break the pair made
 * here: the address, the keys and the certificates are this run's own.
 */
const ownedHere =
  /^(?:CONFIG|PROXY_URL|PROXY_CA|TOKEN|AGENT_SECRET|BACKEND_ID|HOSTS|PATHS|BASE_DOMAIN|PUBLIC_URL|TLS_CERT|TLS_KEY|HTTPS_PROXY|PORT|HOST|ADMIN_HOST|ADMIN_PORT|ADMIN_TOKEN)(?:_FILE)?$/i;

/** The port asked for; else 8080, or any free one where that is taken. */
async function choosePort(host: string): Promise<string> {
  const asked = process.env['PORT'];
  if (asked !== undefined && asked !== '') return asked;
  const probe = createServer().listen(8080, host);
  try {
    await once(probe, 'listening');
    probe.close();
    await once(probe, 'close');
    return '8080';
  } catch {
    return '0';
  }
}

class Demo {
  readonly #children: Child[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Everything up and linked; resolves with the port to open. */
  async start(): Promise<{ host: string; port: number; backend: string }> {
    const env: NodeJS.ProcessEnv = { DRAIN_TIMEOUT: '1s', ...process.env, LOG_FORMAT: 'json' };
    for (const name of Object.keys(env)) if (ownedHere.test(name)) delete env[name];
    const host = process.env['HOST'] ?? '127.0.0.1';
    const secret = randomBytes(32).toString('base64url');

    const address = { HOST: host, PORT: await choosePort(host), ADMIN_PORT: '0' };
    const proxyEnv = { ...env, ...address, AGENT_SECRET: secret };
    const proxy = this.#spawn('proxy', [...shippedFlags, proxyMain], proxyEnv);
    const [{ port }, { stdout: token }, backend] = await Promise.all([
      this.#listening(proxy),
      run(process.execPath, [proxyMain, 'token', '--backend', backendId], { env: proxyEnv }),
      this.#backend(env),
    ]);

    const near = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    const agent = this.#spawn('agent', [...shippedFlags, agentMain], {
      ...env,
      PROXY_URL: `ws://${near.includes(':') ? `[${near}]` : near}:${port}`,
      TOKEN: token.trim(),
      BACKEND: backend,
      BACKEND_ID: backendId,
    });
    await agent.line('link up', this.#signal);
    return { host: near, port, backend };
  }

  /** Settles when the first child ends, with its name and how. */
  async firstEnd(): Promise<string> {
    return Promise.race(this.#children.map(async (child) => `${child.name} ended (${await child.ended})`));
  }

  /** The last started stops first: the agent says goodbye to a proxy that is still there. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).toReversed()) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
      await child.stop();
    }
  }

  #spawn(name: string, argv: string[], env: NodeJS.ProcessEnv): Child {
    const child = new Child({ name, argv, env, onLine: printLine });
    this.#children.push(child);
    return child;
  }

  async #listening(child: Child): Promise<{ port: number }> {
    const { port } = await child.line('listening', this.#signal);
    if (typeof port !== 'number') throw new Error(`${child.name} listens and does not say where`);
    return { port };
  }

  async #backend(env: NodeJS.ProcessEnv): Promise<string> {
    const given = process.env['BACKEND'];
    if (given !== undefined && given !== '') return given;
    const { port } = await this.#listening(this.#spawn('backend', [demoMain], { ...env, PORT: '0' }));
    return `127.0.0.1:${port}`;
  }
}

async function main(): Promise<void> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const asked = once(stopped.signal, 'abort').then(() => undefined);

  const demo = new Demo(AbortSignal.any([stopped.signal, AbortSignal.timeout(startWithinMs)]));
  try {
    const started = demo.start().then((place) => {
      printReady(place);
      return demo.firstEnd();
    });
    const failure = await Promise.race([asked, started]);
    if (failure !== undefined) throw new Error(failure);
  } catch (error) {
    if (!stopped.signal.aborted) {
      console.error(
        `npm start: ${error instanceof Error ? error.message : String(error)}; everything is stopped`,
      );
      process.exitCode = 1;
    }
  } finally {
    await demo.stop();
  }
}

if (import.meta.main) await main();
