/** A tunnel as forwarding sees it: routing's, carrying mux streams, with what its agent asked of the proxy. */
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { StreamHandler } from '../../shared/mux/session.ts';
import type { Tunnel } from '../routing/tunnel.ts';

export interface StreamTunnel extends Tunnel<MuxStream, StreamHandler> {
  /** The Host line the backend gets in place of the client's. */
  readonly hostHeader: string | undefined;
  /** The agent's own name for this run of it; for logs. */
  readonly agentInstance: string | undefined;
  /** False once its link is lost: a reset then is the link's, not the backend's. */
  readonly isAlive: boolean;
}
