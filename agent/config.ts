/** The agent's settings: their names, defaults and meaning, and the rules over several of them. */
import { adminChecks, adminSettings } from '../shared/admin/settings.ts';
import { hideCredentials, readUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { list, scalar } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';
import { integer, oneOf, readableFile, text } from '../shared/config/formats.ts';
import type { Program } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { duration } from '../shared/config/measures.ts';
import { memoryBudget } from '../shared/config/memory.ts';
import {
  maxNames,
  readAuthority,
  readBackendId,
  readHostPattern,
  readPathPrefix,
} from '../shared/protocol/grammar.ts';
import { backendAddress } from './backend-address.ts';
import { proxyAddress } from './proxy-address.ts';
import { tokenChecks, tokenOriginOf, tokenSettings } from './token-settings.ts';
import type { TokenOrigin } from './token-settings.ts';

const backendId = scalar({
  kind: 'id',
  right: 'give 1 to 64 letters, digits, dots, underscores or dashes, the first a letter or a digit',
  parse: readBackendId,
});

const hostPattern = scalar({
  kind: 'host',
  right: 'give hosts as a.example.com, *.example.com or *',
  parse: readHostPattern,
});

const pathPrefix = scalar({
  kind: 'path',
  right: 'give paths that start with /, without query and fragment',
  parse: readPathPrefix,
});

const authority = scalar({ kind: 'host', right: 'give HOST or HOST:PORT', parse: readAuthority });

const healthPath = scalar({
  kind: 'path',
  right: 'give a path that starts with /, as in /healthz; it may have a query',
  parse: (raw) => (/^\/[!-~]{0,1023}$/.test(raw) && !raw.includes('#') ? raw : undefined),
});

/** The HTTP proxy that the way out goes through; it may carry credentials. */
const forwardProxy: Format<URL> = scalar({
  kind: 'URL',
  right: 'give http:// or https:// and a host, as in http://proxy.example.com:3128',
  show: hideCredentials,
  parse: (raw) => {
    // Many a HTTPS_PROXY holds HOST:PORT alone, and every tool takes that for http.
    const url = readUrl(raw.includes('://') ? raw : `http://${raw}`);
    return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
  },
});

export const agentSettings = {
  proxy: {
    env: 'PROXY_URL',
    format: proxyAddress(),
    isRequired: true,
    example: 'wss://tunnel.example.com',
    doc: 'Where the proxy is; wss://TOKEN@host carries the token.',
  },
  ...tokenSettings,
  backend: {
    env: 'BACKEND',
    format: backendAddress(),
    isRequired: true,
    example: 'localhost:3000',
    doc: 'The private server: 3000, HOST:PORT, http://…, https://… or unix:/PATH.',
  },
  backendId: {
    env: 'BACKEND_ID',
    format: backendId,
    default: 'default',
    doc: 'The id under which this backend is known; agents of one id share its requests.',
  },
  hosts: {
    env: 'HOSTS',
    format: list(hostPattern),
    default: '',
    example: 'a.example.com,*.b.example.com',
    doc: 'The hosts it asks to serve; without any, whatever its token and id give.',
  },
  paths: {
    env: 'PATHS',
    format: list(pathPrefix),
    default: '',
    example: '/api,/docs',
    doc: 'The path prefixes it asks to serve; without any, every path.',
  },
  links: {
    env: 'LINKS',
    format: integer(1, 16),
    default: '2',
    doc: 'Connections to the proxy that are kept at the same time.',
  },
  hostHeader: {
    env: 'HOST_HEADER',
    format: authority,
    example: 'localhost:3000',
    doc: "The Host the backend gets; without it, the client's.",
  },
  connectTimeoutMs: {
    env: 'CONNECT_TIMEOUT',
    format: duration(),
    default: '5s',
    doc: 'How long connecting to the backend may take, its TLS handshake included.',
  },
  poolSize: {
    env: 'POOL_SIZE',
    format: integer(0, 65_536),
    default: '128',
    doc: 'Idle backend connections that are kept for reuse; more than these for two seconds at most, and 0 keeps none.',
  },
  poolIdleTimeoutMs: {
    env: 'POOL_IDLE_TIMEOUT',
    format: duration(),
    default: '60s',
    doc: 'How long an idle backend connection is kept.',
  },
  ...memoryBudget(),
  healthPath: {
    env: 'HEALTH_PATH',
    format: healthPath,
    example: '/healthz',
    doc: 'What is asked of the backend to see whether it is well: 2xx or 3xx is. Without it, that it takes a connection.',
  },
  healthIntervalMs: {
    env: 'HEALTH_INTERVAL',
    format: duration({ allowsZero: true }),
    default: '10s',
    doc: 'How long to wait between two looks at the backend; 0 never looks.',
  },
  healthTimeoutMs: {
    env: 'HEALTH_TIMEOUT',
    format: duration(),
    default: '3s',
    doc: 'How long one look may take.',
  },
  healthFailures: {
    env: 'HEALTH_FAILURES',
    format: integer(1, 1_000),
    default: '3',
    doc: 'Failed looks in a row after which the backend gets no requests; the very first alone decides.',
  },
  healthPasses: {
    env: 'HEALTH_PASSES',
    format: integer(1, 1_000),
    default: '2',
    doc: 'Good looks in a row after which it gets requests again.',
  },
  proxyCaFile: {
    env: 'PROXY_CA_FILE',
    format: readableFile(),
    example: '/etc/tls/ca.pem',
    doc: "Authorities (PEM) that may have signed the proxy's certificate, in place of the usual ones.",
  },
  backendCaFile: {
    env: 'BACKEND_CA_FILE',
    format: readableFile(),
    example: '/etc/tls/ca.pem',
    doc: "Authorities (PEM) that may have signed the backend's certificate, in place of the usual ones.",
  },
  forwardProxy: {
    env: 'HTTPS_PROXY',
    alsoEnv: 'https_proxy',
    format: forwardProxy,
    example: 'http://proxy.example.com:3128',
    doc: 'The HTTP proxy through which the tunnel is dialled.',
  },
  noForwardProxy: {
    env: 'NO_PROXY',
    alsoEnv: 'no_proxy',
    format: list(text('host')),
    default: '',
    example: 'example.com,10.0.0.1',
    doc: 'Hosts that are dialled without HTTPS_PROXY, with what is below them; * is every host.',
  },
  logLevel: {
    env: 'LOG_LEVEL',
    format: oneOf('debug', 'info', 'warn', 'error'),
    default: 'info',
    doc: 'The least that is logged.',
  },
  logFormat: {
    env: 'LOG_FORMAT',
    format: oneOf('json', 'pretty'),
    doc: 'How it is logged; without it, pretty on a terminal and json elsewhere.',
  },
  ...adminSettings('off'),
  drainTimeoutMs: {
    env: 'DRAIN_TIMEOUT',
    format: duration({ allowsZero: true }),
    default: '30s',
    doc: 'How long a stopping agent lets running requests end; 0 stops at once.',
  },
} as const;

type LoadedSettings = Settings<typeof agentSettings>;

/** As they are loaded, with the token taken from wherever it was. */
export type AgentSettings = LoadedSettings & {
  /** ws: or wss:, with the agents' path and without the token. */
  readonly proxyUrl: string;
  readonly tokenOrigin: TokenOrigin;
};

export const agentChecks: readonly Check<LoadedSettings>[] = [
  ...tokenChecks,
  {
    of: ['hosts'],
    wrong: ({ hosts }) =>
      hosts.length > maxNames ? `HOSTS names ${hosts.length} hosts: give at most ${maxNames}` : undefined,
  },
  {
    of: ['paths'],
    wrong: ({ paths }) =>
      paths.length > maxNames ? `PATHS names ${paths.length} paths: give at most ${maxNames}` : undefined,
  },
  ...adminChecks,
];

export const agentProgram: Program = {
  name: 'inverting-agent',
  summary: 'the private end of the tunnel: dials the proxy and serves one backend through it.',
  usage: [
    '[--NAME VALUE | -e NAME=VALUE]…',
    '-e PROXY_URL=wss://TOKEN@tunnel.example.com -e BACKEND=localhost:3000',
  ],
  settings: agentSettings,
};

/** @throws SettingError */
export function loadAgentSettings(sources: Sources): AgentSettings {
  const loaded = loadSettings(agentSettings, sources, { checks: agentChecks });
  return { ...loaded, proxyUrl: loaded.proxy.url, tokenOrigin: tokenOriginOf(loaded) };
}
