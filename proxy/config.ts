/**
 * The proxy's settings: their names, defaults and meaning, and the rules over several of them. The numbers of the rules
 * are those of the HTTP rules the proxy keeps; RFC sections are named where a limit comes from one.
 */
import { minSecretBytes } from '../shared/auth/secret.ts';
import { readHostName } from '../shared/protocol/grammar.ts';
import { host, siteUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { scalar } from '../shared/config/format.ts';
import { integer, oneOf, port, readableFile, secret } from '../shared/config/formats.ts';
import type { Program } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { duration, size } from '../shared/config/measures.ts';

/** A domain agents' ids are put in front of, as in `shop.example.com`. */
const baseDomain = scalar({
  kind: 'domain',
  right: 'give a host name without wildcard and port',
  parse: (text) => (/^[0-9.]*$/.test(text) ? undefined : readHostName(text)),
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
  agentSecret: {
    env: 'AGENT_SECRET',
    format: secret(minSecretBytes),
    doc: "The key that signs agents' tokens (HS256). Without it the proxy makes one for this run and prints an agent command.",
  },
  baseDomain: {
    env: 'BASE_DOMAIN',
    format: baseDomain,
    example: 'tunnel.example.com',
    doc: 'With it, <id>.<BASE_DOMAIN> routes to the backend of that id.',
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
  maxHeaderBytes: {
    env: 'MAX_HEADER_BYTES',
    format: size({ minBytes: 256, maxBytes: 2 ** 20 }),
    default: '32KiB',
    doc: 'The head of a request, and any one line of it; beyond, 431 or 414.',
  },
  maxHeaderFields: {
    env: 'MAX_HEADER_FIELDS',
    format: integer(1, 10_000),
    default: '100',
    doc: 'Fields in the head of a request; beyond, 431.',
  },
  maxResponseHeaderBytes: {
    env: 'MAX_RESPONSE_HEADER_BYTES',
    format: size({ minBytes: 256, maxBytes: 2 ** 20 }),
    default: '64KiB',
    doc: 'The head of a response; beyond, 502.',
  },
  maxResponseHeaderFields: {
    env: 'MAX_RESPONSE_HEADER_FIELDS',
    format: integer(1, 10_000),
    default: '200',
    doc: 'Fields in the head of a response; beyond, 502.',
  },
  maxBodyBytes: {
    env: 'MAX_BODY_BYTES',
    format: size(),
    default: '0',
    doc: 'The body of a request, decoded; beyond, 413. 0 is no limit.',
  },
  maxTrailerBytes: {
    env: 'MAX_TRAILER_BYTES',
    format: size({ minBytes: 256, maxBytes: 2 ** 20 }),
    default: '8KiB',
    doc: 'The trailers of a message; beyond, 431 or 502.',
  },
  maxTrailerFields: {
    env: 'MAX_TRAILER_FIELDS',
    format: integer(0, 10_000),
    default: '32',
    doc: 'Fields in the trailers of a message.',
  },
  maxChunkExtensionLineBytes: {
    env: 'MAX_CHUNK_EXTENSION_LINE_BYTES',
    format: size({ maxBytes: 2 ** 16 }),
    default: '256',
    doc: 'Extensions of one chunk; beyond, 413 or 502.',
  },
  maxChunkExtensionBytes: {
    env: 'MAX_CHUNK_EXTENSION_BYTES',
    format: size({ maxBytes: 2 ** 20 }),
    default: '16KiB',
    doc: 'Chunk extensions of a whole message; beyond, 413 or 502.',
  },
  headerTimeoutMs: {
    env: 'HEADER_TIMEOUT',
    format: duration(),
    default: '10s',
    doc: 'From the first byte of a request to the end of its head, and from accepting a connection to that byte; beyond, 408.',
  },
  bodyTimeoutMs: {
    env: 'BODY_TIMEOUT',
    format: duration(),
    default: '30s',
    doc: 'Silence in the body of a request; beyond, 408.',
  },
  minBodyRate: {
    env: 'MIN_BODY_RATE',
    format: integer(0, 2 ** 30),
    default: '500',
    doc: 'Bytes a second that the body of a request must keep up over BODY_TIMEOUT; 0 is no limit.',
  },
  sendTimeoutMs: {
    env: 'SEND_TIMEOUT',
    format: duration(),
    default: '30s',
    doc: 'How long a client may take nothing of the response that waits for it; then it is reset.',
  },
  minSendRate: {
    env: 'MIN_SEND_RATE',
    format: integer(0, 2 ** 30),
    default: '500',
    doc: 'Bytes a second that a client must take of what waits for it, over SEND_TIMEOUT or longer; 0 is no limit.',
  },
  keepAliveTimeoutMs: {
    env: 'KEEP_ALIVE_TIMEOUT',
    format: duration(),
    default: '60s',
    doc: "How long a client's connection may wait for its next request.",
  },
  maxRequestsPerConnection: {
    env: 'MAX_REQUESTS_PER_CONNECTION',
    format: integer(1),
    default: '1000',
    doc: 'Requests on one client connection; the last is answered with Connection: close.',
  },
  maxConnections: {
    env: 'MAX_CONNECTIONS',
    format: integer(1, 10_000_000),
    default: '10000',
    doc: 'Client connections at the same time.',
  },
  maxStreamsPerLink: {
    env: 'MAX_STREAMS_PER_LINK',
    format: integer(1, 1_000_000),
    default: '10000',
    doc: 'Requests at the same time through one link of an agent.',
  },
  responseTimeoutMs: {
    env: 'RESPONSE_TIMEOUT',
    format: duration(),
    default: '60s',
    doc: 'From the whole request to the head of its response; beyond, 504. Bodies have no such limit.',
  },
  idleTimeoutMs: {
    env: 'IDLE_TIMEOUT',
    format: duration(),
    default: '5m',
    doc: 'An exchange without a byte either way; then it is reset. Never for upgraded connections.',
  },
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
    of: ['maxChunkExtensionLineBytes', 'maxChunkExtensionBytes'],
    wrong: ({ maxChunkExtensionLineBytes: line, maxChunkExtensionBytes: message }) =>
      line <= message
        ? undefined
        : `MAX_CHUNK_EXTENSION_LINE_BYTES (${line}) is over MAX_CHUNK_EXTENSION_BYTES (${message}): one line is part of the whole`,
  },
];

export const proxyProgram: Program = {
  name: 'inverting-proxy',
  summary: 'the public end of the tunnel: takes requests and sends them to the agents that dialled in.',
  usage: [
    '[--NAME VALUE | -e NAME=VALUE]…',
    'token --backend ID …   (prints a token for an agent; see token --help)',
  ],
  settings: proxySettings,
};

/** @throws SettingError */
export function loadProxySettings(sources: Sources): ProxySettings {
  return loadSettings(proxySettings, sources, { checks: proxyChecks });
}
