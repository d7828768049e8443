/** What a link tells whoever uses it, and how it ends. It knows nothing of how a link works. */
import type { MuxStream } from '../mux/stream.ts';
import type { MuxViolation } from '../mux/violation.ts';

/** Close codes a link uses by itself (RFC 6455 §7.4.1); 4000 is ours: nothing was heard for too long. */
export const linkClose = { normal: 1000, goingAway: 1001, protocolError: 1002, silent: 4000 } as const;

export interface LinkEnd {
  readonly code: number;
  readonly reason: string;
  /** The violation that ended it, where the peer broke the protocol. */
  readonly violation: MuxViolation | undefined;
}

export interface LinkHandler {
  onStream(stream: MuxStream): void;
  onControl(text: string): void;
  /** The peer takes no new streams. */
  onGoAway(code: number): void;
  /** Stream ids come to their end: a new link is due. */
  onIdsLow(): void;
  /** Called once, last. All streams have been reset before it. */
  onEnd(end: LinkEnd): void;
}
