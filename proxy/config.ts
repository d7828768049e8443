/** The proxy's settings: their names, defaults and meaning, and the rules over several of them. Limits have a file of their own. */
import { adminChecks, adminSettings } from '../shared/admin/settings.ts';
import { readHostName } from '../shared/protocol/grammar.ts';
import { host, network, siteUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { list, scalar } from '../shared/config/format.ts';
import { boolean, oneOf, port, readableFile, text } from '../shared/config/formats.ts';
import type { Program } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { duration } from '../shared/config/measures.ts';
import { agentKeyChecks, agentKeySettings } from './agent-key-settings.ts';
import { accessSettings } from './access-settings.ts';
import { signInChecks, signInSettings } from './sign-in-settings.ts';
import { rateSettings } from './rate-settings.ts';
import { limitChecks, limitSettings } from './limit-settings.ts';

/** A domain agents' ids are put in front of, as in `shop.example.com`. */
const baseDomain = scalar({
  kind: 'domain',
  right: 'give a host name without wildcard and port',
  parse: (raw) => (/^[0-9.]*$/.test(raw) ? undefined : readHostName(raw)),
});

export const proxySettings = {
  host: { env: 'HOST', format: host(), default: '0.0.0.0', doc: 'The address to listen on.' },
  port: {
    env: 'PORT',
    format: port(),
    default: '8080',
    doc: 'The port to listen on, for clients and agents; 0 takes a free one.',
  },
  publicUrl: {
    env: 'PUBLIC_URL',
    format: siteUrl(),
    example: 'https://tunnel.example.com',
    doc: 'Where clients and agents reach this proxy; told to agents and printed. Without it, the address it listens on.',
  },
  tlsCertFile: {
    env: 'TLS_CERT_FILE',
    format: readableFile(),
    example: '/etc/tls/fullchain.pem',
    doc: 'The certificate chain (PEM); with TLS_KEY_FILE the port speaks TLS.',
  },
  tlsKeyFile: {
    env: 'TLS_KEY_FILE',
    format: readableFile(),
    example: '/etc/tls/key.pem',
    doc: 'The private key (PEM).',
  },
  ...agentKeySettings,
  baseDomain: {
    env: 'BASE_DOMAIN',
    format: baseDomain,
    example: 'tunnel.example.com',
    doc: 'With it, <id>.<BASE_DOMAIN> routes to the backend of that id.',
  },
  dataDir: {
    env: 'DATA_DIR',
    format: text('directory'),
    example: '/var/lib/inverting-proxy',
    doc: 'A directory for what outlives the proxy: the backends on record. Of one proxy alone. Without it, they are kept in memory.',
  },
  requireRecords: {
    env: 'REQUIRE_RECORDS',
    format: boolean(),
    default: 'false',
    doc: 'Whether only backends on record are served. Without it a token is enough, and a record narrows what it grants.',
  },
  trustedProxies: {
    env: 'TRUSTED_PROXIES',
    format: list(network()),
    default: '',
    example: '10.0.0.0/8,fd00::/8',
    doc: 'Networks of the balancers and proxies before this one: what they say of their clients (X-Forwarded-*) is kept.',
  },
  proxyProtocol: {
    env: 'PROXY_PROTOCOL',
    format: boolean(),
    default: 'false',
    doc: 'Whether each connection from TRUSTED_PROXIES begins with the PROXY protocol, version 1 or 2.',
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
  ...adminSettings('9090'),
  ...limitSettings,
  ...rateSettings,
  ...accessSettings,
  ...signInSettings,
  drainTimeoutMs: {
    env: 'DRAIN_TIMEOUT',
    format: duration({ allowsZero: true }),
    default: '30s',
    doc: 'How long a stopping proxy lets running requests end; 0 stops at once.',
  },
} as const;

export type ProxySettings = Settings<typeof proxySettings>;

export const proxyChecks: readonly Check<ProxySettings>[] = [
  {
    of: ['tlsCertFile', 'tlsKeyFile'],
    wrong: ({ tlsCertFile, tlsKeyFile }) => {
      if ((tlsCertFile === undefined) === (tlsKeyFile === undefined)) return undefined;
      const [given, missing] =
        tlsKeyFile === undefined ? ['TLS_CERT_FILE', 'TLS_KEY_FILE'] : ['TLS_KEY_FILE', 'TLS_CERT_FILE'];
      return `${given} is given without ${missing}: give both or neither`;
    },
  },
  {
    of: ['proxyProtocol', 'trustedProxies'],
    wrong: ({ proxyProtocol, trustedProxies }) =>
      proxyProtocol && trustedProxies.length === 0
        ? 'PROXY_PROTOCOL is on without TRUSTED_PROXIES: name the networks of your balancers'
        : undefined,
  },
  ...agentKeyChecks,
  ...adminChecks,
  ...limitChecks,
  ...signInChecks,
];

export const proxyProgram: Program = {
  name: 'inverting-proxy',
  summary: 'the public end of the tunnel: takes requests and sends them to the agents that dialled in.',
  usage: [
    '[--NAME VALUE | -e NAME=VALUE]…',
    'token --backend ID …   (prints a token for an agent; see token --help)',
    'keygen …               (makes a pair of keys that sign such tokens; see keygen --help)',
  ],
  settings: proxySettings,
};

/** @throws SettingError */
export function loadProxySettings(sources: Sources): ProxySettings {
  return loadSettings(proxySettings, sources, { checks: proxyChecks });
}
