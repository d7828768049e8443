/**
 * What the proxy tells a client when the tunnel cannot answer for the backend: one row a failure, from its code to the
 * status, the Proxy-Status error type (RFC 9209 §2.3) and a sentence for people. It knows nothing of how failures are
 * found, nor of refusals of the client's own bytes: those carry their status themselves.
 */

export type FailureCode =
  | 'no_route'
  | 'agent_offline'
  | 'agent_lost'
  | 'backend_unhealthy'
  | 'backend_refused'
  | 'backend_connect_timeout'
  | 'backend_timeout'
  | 'backend_protocol'
  | 'backend_tls'
  | 'backend_reset'
  | 'overloaded'
  | 'too_many_requests';

/** The error types of RFC 9209 §2.3 that the failures use. */
export type ProxyStatusError =
  | 'connection_limit_reached'
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'destination_not_found'
  | 'destination_unavailable'
  | 'http_protocol_error'
  | 'http_request_denied'
  | 'http_response_timeout'
  | 'tls_protocol_error';

export interface Failure {
  readonly status: 404 | 429 | 502 | 503 | 504;
  /** The value of Proxy-Status's `error` parameter. */
  readonly proxyStatus: ProxyStatusError;
  /** One plain sentence, without markup and without anything of the request. */
  readonly sentence: string;
  /** Who has to do what about it, in one more. */
  readonly remedy: string;
  /** Sent as Retry-After, in seconds, where coming back later is the right thing to do. */
  readonly retryAfterSeconds?: number;
}

/**
 * An agent dials again within 15 s at the latest (full jitter, 250 ms doubling to 15 s), so half of that is a fair guess
 * for whoever waits for one.
 */
const retryAfterSeconds = 8;

export const failures: { readonly [Code in FailureCode]: Failure } = {
  no_route: {
    status: 404,
    proxyStatus: 'destination_not_found',
    sentence: 'Nothing is published at this address.',
    remedy: 'Check the address; whoever publishes here has to give an agent this host and path.',
  },
  agent_offline: {
    status: 503,
    proxyStatus: 'destination_unavailable',
    sentence: 'The server behind this address is not connected at the moment.',
    remedy: 'Its operator has to start the agent or restore its connection; try again in a few seconds.',
    retryAfterSeconds,
  },
  agent_lost: {
    status: 502,
    proxyStatus: 'connection_terminated',
    sentence: 'The connection to the server behind this address was lost before it answered.',
    remedy: 'Try again; if it goes on, its operator has to look at the connection of the agent.',
  },
  backend_unhealthy: {
    status: 503,
    proxyStatus: 'destination_unavailable',
    sentence: 'The server behind this address is not well at the moment.',
    remedy: 'Its operator has to look at why the server fails its health check; try again in a few seconds.',
    retryAfterSeconds,
  },
  backend_refused: {
    status: 502,
    proxyStatus: 'connection_refused',
    sentence: 'The server behind this address does not accept connections.',
    remedy: 'Its operator has to start the server, or to correct the BACKEND setting of the agent.',
  },
  backend_connect_timeout: {
    status: 504,
    proxyStatus: 'connection_timeout',
    sentence: 'The server behind this address could not be reached in time.',
    remedy: 'Its operator has to see to it that the agent can reach the server.',
  },
  backend_timeout: {
    status: 504,
    proxyStatus: 'http_response_timeout',
    sentence: 'The server behind this address took too long to answer.',
    remedy: 'Try again later; its operator has to find out what the server waits for.',
  },
  backend_protocol: {
    status: 502,
    proxyStatus: 'http_protocol_error',
    sentence: 'The server behind this address answered with something that is not valid HTTP.',
    remedy: 'Its operator has to find out what listens at the BACKEND setting of the agent.',
  },
  backend_tls: {
    status: 502,
    proxyStatus: 'tls_protocol_error',
    sentence: 'A secure connection to the server behind this address could not be made.',
    remedy:
      'Its operator has to mend the certificate of the server, or the BACKEND_CA_FILE setting of the agent.',
  },
  backend_reset: {
    status: 502,
    proxyStatus: 'connection_terminated',
    sentence: 'The server behind this address closed the connection before it answered.',
    remedy: 'Try again; if it goes on, its operator has to look at the log of the server.',
  },
  overloaded: {
    status: 503,
    proxyStatus: 'connection_limit_reached',
    sentence: 'The server behind this address has too much to do at the moment.',
    remedy: 'Try again in a few seconds; if it goes on, its operator has to add agents or raise limits.',
    retryAfterSeconds,
  },
  too_many_requests: {
    status: 429,
    proxyStatus: 'http_request_denied',
    sentence: 'Too many requests came from here; please wait a moment.',
    remedy: 'Wait a moment before the next request.',
    retryAfterSeconds,
  },
};
