/**
 * What routing sees of whoever can carry an exchange to a backend: an agent's link here, a peer node later.
 * Routing decides by these few words and knows nothing else of it.
 */
export interface Tunnel<Stream, Handler> {
  /** Unique in this process; for logs. */
  readonly id: string;
  readonly backendId: string;
  /** Exchanges in flight. */
  load(): number;
  /** False once it takes no new exchanges (GoAway, closing); those that are open go on. */
  readonly isAccepting: boolean;
  /** False while its agent says that the backend does not answer. */
  readonly isHealthy: boolean;
  /** Opens a stream to the backend, or undefined where that is not possible any more. */
  open(handler: Handler): Stream | undefined;
}
