/**
 * Where cases are played: the real proxy, and for each backend a real agent, each a process of its own. Every backend is
 * reached under hosts of its own. It knows no case.
 */
import { type Backend, installedBackends, startBackend } from './backends.ts';
import { Child, portOf, stopAll } from './child.ts';
import { createSecret } from '../e2e/support/tunnel.ts';
import { hostsOf } from './marker.ts';
import type { BackendName } from './options.ts';
import type { BackendRecord } from './record.ts';

export interface Arena {
  readonly backends: readonly Backend[];
  readonly isDirect: boolean;
  /** Where a client connects for a backend: the edge, or in direct mode the backend itself. */
  portFor(backend: Backend): number;
  stop(): Promise<void>;
}

export interface ArenaOptions {
  readonly backends: readonly BackendName[] | undefined;
  /** Without proxy and agents. */
  readonly direct: boolean;
  readonly onRecord: (name: BackendName, record: BackendRecord) => void;
}

/** An answer that never comes must be an answer in this run; a head that comes byte by byte on a busy machine is none. */
const timeouts = { RESPONSE_TIMEOUT: '10s', HEADER_TIMEOUT: '60s' };

export async function startArena(options: ArenaOptions): Promise<Arena> {
  const names = await installedBackends(options.backends);
  const children: Child[] = [];
  try {
    const backends = await Promise.all(names.map((name) => startBackend(name, children, options.onRecord)));
    const edgePort = options.direct ? undefined : await startTunnel(backends, children);
    return {
      backends,
      isDirect: options.direct,
      portFor: (backend) => edgePort ?? backend.port,
      stop: () => stopAll(children),
    };
  } catch (error) {
    await stopAll(children);
    throw error;
  }
}

export interface Behind {
  readonly name: string;
  readonly code: string;
  readonly port: number;
  /** More settings of its agent. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A proxy, and an agent with one link for each backend; resolves with the proxy's port when every link is up. Adds the
 * processes to `children` as soon as they are started.
 */
export async function startTunnel(backends: readonly Behind[], children: Child[]): Promise<number> {
  const secret = createSecret();
  const proxy = program('proxy', 'proxy/main.ts', [], {
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    AGENT_SECRET: secret,
    ...timeouts,
  });
  children.push(proxy);
  const [port, token] = await Promise.all([proxy.ready, mintToken(secret, backends)]);
  const agents = backends.map((backend) => startAgent(backend, port, token));
  children.push(...agents);
  await Promise.all(agents.map((agent) => agent.ready));
  return port;
}

/** One token for all: what an agent serves, its own settings say. */
async function mintToken(secret: string, backends: readonly Behind[]): Promise<string> {
  let token = '';
  const args = backends.flatMap(({ name, code }) => ['--backend', name, '--host', hostsOf(code)]);
  const command = new Child('proxy token', process.execPath, ['proxy/main.ts', 'token', ...args], {
    env: { AGENT_SECRET: secret },
    onLine: (line) => {
      token = /^[\w-]+\.[\w-]+\.[\w-]+$/.exec(line)?.[0] ?? token;
      return token === '' ? undefined : 0;
    },
  });
  await command.ready;
  await command.stop();
  return token;
}

function startAgent({ name, code, port, env }: Behind, proxyPort: number, token: string): Child {
  return program('agent', 'agent/main.ts', ['"link up"'], {
    PROXY_URL: `ws://127.0.0.1:${proxyPort}`,
    TOKEN: token,
    BACKEND_ID: name,
    HOSTS: hostsOf(code),
    BACKEND: `127.0.0.1:${port}`,
    LINKS: '1',
    ...env,
  });
}

/** Ready with its port, or with a line that holds one of `words`. */
function program(
  name: string,
  path: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Child {
  return new Child(name, process.execPath, [path], {
    env: { LOG_FORMAT: 'json', ...env },
    isQuiet: true,
    onLine: (line) => (words.some((word) => line.includes(word)) ? 0 : portOf(line)),
  });
}
