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
  },
  agent_offline: {
    status: 503,
    proxyStatus: 'destination_unavailable',
    sentence: 'The server behind this address is not connected at the moment.',
    retryAfterSeconds,
  },
  agent_lost: {
    status: 502,
    proxyStatus: 'connection_terminated',
    sentence: 'The connection to the server behind this address was lost before it answered.',
  },
  backend_unhealthy: {
    status: 503,
    proxyStatus: 'destination_unavailable',
    sentence: 'The server behind this address is not well at the moment.',
    retryAfterSeconds,
  },
  backend_refused: {
    status: 502,
    proxyStatus: 'connection_refused',
    sentence: 'The server behind this address does not accept connections.',
  },
  backend_connect_timeout: {
    status: 504,
    proxyStatus: 'connection_timeout',
    sentence: 'The server behind this address could not be reached in time.',
  },
  backend_timeout: {
    status: 504,
    proxyStatus: 'http_response_timeout',
    sentence: 'The server behind this address took too long to answer.',
  },
  backend_protocol: {
    status: 502,
    proxyStatus: 'http_protocol_error',
    sentence: 'The server behind this address answered with something that is not valid HTTP.',
  },
  backend_tls: {
    status: 502,
    proxyStatus: 'tls_protocol_error',
    sentence: 'A secure connection to the server behind this address could not be made.',
  },
  backend_reset: {
    status: 502,
    proxyStatus: 'connection_terminated',
    sentence: 'The server behind this address closed the connection before it answered.',
  },
  overloaded: {
    status: 503,
    proxyStatus: 'connection_limit_reached',
    sentence: 'The server behind this address has too much to do at the moment.',
    retryAfterSeconds,
  },
  too_many_requests: {
    status: 429,
    proxyStatus: 'http_request_denied',
    sentence: 'Too many requests came from here; please wait a moment.',
    retryAfterSeconds,
  },
};
