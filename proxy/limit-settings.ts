/**
 * The proxy's limits and deadlines as settings: how much, how many and how long of what clients and backends send. The
 * defaults are those of the HTTP rules that the proxy keeps. It does not know which room holds which of them.
 */
import type { Check, Settings } from '../shared/config/declaration.ts';
import { integer } from '../shared/config/formats.ts';
import { duration, size } from '../shared/config/measures.ts';
import { memoryBudget } from '../shared/config/memory.ts';

export const limitSettings = {
  maxHeaderBytes: {
    env: 'MAX_HEADER_BYTES',
    format: size({ minBytes: 256, maxBytes: 2 ** 20 }),
    default: '32KiB',
    doc: 'The head of a request; beyond, 431.',
  },
  maxHeaderLineBytes: {
    env: 'MAX_HEADER_LINE_BYTES',
    format: size({ minBytes: 128, maxBytes: 2 ** 20 }),
    example: '8KiB',
    doc: 'One line of the head of a request; beyond, 414 or 431. Without it, as much as MAX_HEADER_BYTES.',
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
  firstByteTimeoutMs: {
    env: 'FIRST_BYTE_TIMEOUT',
    format: duration(),
    default: '10s',
    doc: 'From accepting a connection to the first byte of its first request, TLS included; then it is closed.',
  },
  headerTimeoutMs: {
    env: 'HEADER_TIMEOUT',
    format: duration(),
    default: '10s',
    doc: 'From the first byte of a request to the end of its head; beyond, 408.',
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
    doc: 'How long a client may take nothing of the response that waits for it; then it is reset. MIN_SEND_RATE may allow more.',
  },
  minSendRate: {
    env: 'MIN_SEND_RATE',
    format: integer(0, 2 ** 30),
    default: '500',
    doc: 'Bytes a second that a client must take of what waits for it; it may take nothing for as long as 256 KiB need at this rate. 0 is no limit.',
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
  maxPipelinedBytes: {
    env: 'MAX_PIPELINED_BYTES',
    format: size({ minBytes: 1, maxBytes: 2 ** 20 }),
    default: '16KiB',
    doc: 'What is held of the bytes behind a request that is being answered; then its client is not read on.',
  },
  refusalDrainBytes: {
    env: 'REFUSAL_DRAIN_BYTES',
    format: size(),
    default: '64KiB',
    doc: 'What a refused client may still send, unread, so that it can read the answer.',
  },
  refusalDrainTimeoutMs: {
    env: 'REFUSAL_DRAIN_TIMEOUT',
    format: duration({ allowsZero: true }),
    default: '2s',
    doc: 'How long a refused client may go on sending.',
  },
  earlyAnswerDrainBytes: {
    env: 'EARLY_ANSWER_DRAIN_BYTES',
    format: size(),
    default: '256KiB',
    doc: 'What a client may still send when its upload was answered before the end.',
  },
  earlyAnswerDrainTimeoutMs: {
    env: 'EARLY_ANSWER_DRAIN_TIMEOUT',
    format: duration({ allowsZero: true }),
    default: '5s',
    doc: 'How long a client whose upload was answered early may go on sending.',
  },
  maxConnections: {
    env: 'MAX_CONNECTIONS',
    format: integer(1, 10_000_000),
    default: '10000',
    doc: 'Client connections at the same time; one more is reset.',
  },
  maxConnectionsPerAddress: {
    env: 'MAX_CONNECTIONS_PER_ADDRESS',
    format: integer(1, 10_000_000),
    example: '500',
    doc: 'Client connections of one IPv4 address or one IPv6 /64, not of TRUSTED_PROXIES; one more is reset. Without it, a quarter of MAX_CONNECTIONS.',
  },
  ...memoryBudget(),
  maxStreamsPerLink: {
    env: 'MAX_STREAMS_PER_LINK',
    format: integer(1, 10_000),
    default: '10000',
    doc: 'Requests at the same time through one link of an agent, which takes no more than 10000.',
  },
  queueTimeoutMs: {
    env: 'QUEUE_TIMEOUT',
    format: duration({ allowsZero: true }),
    default: '5s',
    doc: 'How long requests wait for a backend whose agents have just left, counted from then; beyond, 503. 0 is not at all.',
  },
  maxQueuedRequests: {
    env: 'MAX_QUEUED_REQUESTS',
    format: integer(0, 1_000_000),
    default: '1000',
    doc: 'Requests that wait for a returning agent at the same time; beyond, 503.',
  },
  maxQueuedBytes: {
    env: 'MAX_QUEUED_BYTES',
    format: size(),
    default: '16MiB',
    doc: 'What is held of all waiting requests together, bodies being left unread; beyond, 503.',
  },
  maxInterimResponses: {
    env: 'MAX_INTERIM_RESPONSES',
    format: integer(0, 1_000),
    default: '10',
    doc: 'Interim answers (1xx) of a backend to one request; beyond, 502.',
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
} as const;

export const limitChecks: readonly Check<Settings<typeof limitSettings>>[] = [
  {
    of: ['maxHeaderLineBytes', 'maxHeaderBytes'],
    wrong: ({ maxHeaderLineBytes: line, maxHeaderBytes: head }) =>
      line === undefined || line <= head
        ? undefined
        : `MAX_HEADER_LINE_BYTES (${line}) is over MAX_HEADER_BYTES (${head}): one line is part of the whole`,
  },
  {
    of: ['maxChunkExtensionLineBytes', 'maxChunkExtensionBytes'],
    wrong: ({ maxChunkExtensionLineBytes: line, maxChunkExtensionBytes: message }) =>
      line <= message
        ? undefined
        : `MAX_CHUNK_EXTENSION_LINE_BYTES (${line}) is over MAX_CHUNK_EXTENSION_BYTES (${message}): one line is part of the whole`,
  },
];
