/** The edge's bounds (RULES 1–5, 24, 26–33, 46–48), each a setting; times in milliseconds, sizes in bytes. */
import type { BodyLimits, HeadLimits } from '../../shared/http1/limits.ts';

export interface EdgeLimits {
  readonly head: HeadLimits;
  readonly body: BodyLimits;
  /** From accept to the first byte of a request, a TLS handshake included. Absolute, as all of these. */
  readonly firstByteTimeoutMs: number;
  /** From the first byte of a head to its end. */
  readonly headerTimeoutMs: number;
  /** From the end of an answer to the first byte of the next request. */
  readonly keepAliveTimeoutMs: number;
  /** Silence in the middle of a body, and the span over which its rate is measured. */
  readonly bodyTimeoutMs: number;
  readonly minBodyBytesPerSecond: number;
  /** A client that does not take its answer: at least this long, and longer for as much as the rate allows. */
  readonly sendTimeoutMs: number;
  readonly minSendBytesPerSecond: number;
  readonly maxRequestsPerConnection: number;
  /** What is held of the bytes behind a request that is being answered; then the socket is paused (RULES 24, 47). */
  readonly maxPipelinedBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** After a refusal: how much and how long the client may go on sending, so that it can read the answer (RFC 9112 §9.6). */
  readonly refusalDrain: DrainBounds;
  /** The same for one whose upload was answered before its end (RULES 32). */
  readonly earlyAnswerDrain: DrainBounds;
}

export interface DrainBounds {
  readonly bytes: number;
  readonly ms: number;
}
