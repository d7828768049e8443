/**
 * The one base of everything a peer can do wrong: a literal code, how far the damage reaches, who began it
 * and the answer it deserves on the wire. It knows no protocol; each protocol fills in its own codes.
 * Code decides by `code`, never by the message, which is for people.
 */

/** How far a failure reaches: one stream, one exchange, one client connection, a whole link, or one setting at start. */
export type ErrorScope = 'stream' | 'exchange' | 'connection' | 'link' | 'setting';

/** Who began it: this program, or whoever is at the other end. */
export type ErrorInitiator = 'local' | 'remote';

export interface TunnelErrorDetails<Code extends string, Answer> {
  readonly code: Code;
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;
  /** What goes out on the wire because of it: a status, a reset code, a close code. */
  readonly answer: Answer;
  readonly cause?: unknown;
}

export class TunnelError<Code extends string = string, Answer = unknown> extends Error {
  readonly code: Code;
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;
  readonly answer: Answer;

  constructor(message: string, details: TunnelErrorDetails<Code, Answer>) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.scope = details.scope;
    this.initiator = details.initiator;
    this.answer = details.answer;
  }
}
