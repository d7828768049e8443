/** The WebSocket close codes the two programs use on a link (RFC 6455 §7.4.1 and the IANA registry), and nothing else. */

export const closeCode = {
  /** The link has done its work: the agent stops, or a newer link took over. */
  normal: 1000,
  /** The proxy stops; the agent dials again elsewhere or later. */
  goingAway: 1001,
  /** The peer broke yamux or the control messages: a defect, said once and dialled again slowly. */
  protocolError: 1002,
  /** The token ran out or was withdrawn on the living link; only a fresh one helps. */
  policyViolation: 1008,
  /** The proxy starts anew: dial again at once, with jitter. */
  serviceRestart: 1012,
  /** The proxy has no room for this link: dial again later. */
  tryAgainLater: 1013,
} as const;

/** What is said beside `policyViolation` of a token: a code of ours, not a sentence. */
export const closeReason = {
  tokenExpired: 'token_expired',
  tokenRevoked: 'token_revoked',
} as const;

export type CloseCode = (typeof closeCode)[keyof typeof closeCode];
