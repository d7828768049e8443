/**
 * What routing sees of whoever can carry an exchange to a backend: an agent's link here, a peer node later.
 * Routing decides by these few words and knows nothing else of it.
 */
import type { Route } from './routes.ts';

export interface Tunnel<Stream, Handler> {
  /** Unique in this process; for logs. */
  readonly id: string;
  readonly backendId: string;
  /** Exchanges in flight. */
  load(): number;
  /** It has a little to say that waits for company. */
  readonly hasUnsaid: boolean;
  /** False once it takes no new exchanges (GoAway, closing); those that are open go on. */
  readonly isAccepting: boolean;
  /** False while its agent says that the backend does not answer. */
  readonly isHealthy: boolean;
  /** Opens a stream to the backend, or undefined where that is not possible any more. */
  open(handler: Handler): Stream | undefined;
  /** For whoever watches: looks at every stream. */
  report(): TunnelReport;
}

/** What a tunnel says of itself. */
export interface TunnelReport {
  readonly id: string;
  readonly backendId: string;
  /** Of the program at its other end: its own name for this run of it, and its version. */
  readonly instance: string | undefined;
  readonly version: string | undefined;
  /** Wall-clock time, in milliseconds. */
  readonly sinceMs: number;
  /** Where it comes from. */
  readonly address: string;
  readonly routes: readonly Route[];
  /** Exchanges in flight. */
  readonly load: number;
  readonly isAccepting: boolean;
  /** Its agent was told to dial another one. */
  readonly isGoingAway: boolean;
  readonly isHealthy: boolean;
  /** Of the last ping; undefined before the first. */
  readonly roundTripMs: number | undefined;
  /** Queued for the tunnel, and delivered by it and waiting for a client. */
  readonly heldBytes: number;
  /** Streams whose sender waits for a reader, by the way their bytes go. */
  readonly stalledWindows: { readonly toBackend: number; readonly toClient: number };
}
