/**
 * What is said when a message breaks the rules: one literal code for each, the words a person reads, the status a client gets.
 * A request is answered with that status and the connection closed; a response that breaks them is always a 502. The words are
 * constants: nothing of the input is ever in them. Who sends the answer, and how the connection ends, is not known here.
 */
import { TunnelError } from '../errors/tunnel-error.ts';

export type RefusalStatus = 400 | 404 | 405 | 408 | 413 | 414 | 417 | 431 | 501 | 502 | 505 | 508;

export interface RefusalAnswer {
  readonly status: RefusalStatus;
}

/** Whose message it is that was refused. */
export type MessageKind = 'request' | 'response';

interface RefusalRow {
  readonly status: RefusalStatus;
  readonly reason: string;
}

const ROWS = {
  // The bytes of a head (rules 1-9, 34, 35).
  first_byte: { status: 400, reason: 'first byte' },
  bare_cr: { status: 400, reason: 'bare CR' },
  bare_lf: { status: 400, reason: 'bare LF' },
  request_line_too_long: { status: 414, reason: 'request line too long' },
  head_too_large: { status: 431, reason: 'head too large' },
  too_many_fields: { status: 431, reason: 'too many fields' },
  request_line: { status: 400, reason: 'request line' },
  status_line_too_long: { status: 502, reason: 'status line too long' },
  status_line: { status: 400, reason: 'status line' },
  status_range: { status: 400, reason: 'status range' },
  version: { status: 505, reason: 'version' },
  obs_fold: { status: 400, reason: 'obs-fold' },
  no_colon: { status: 400, reason: 'no colon / empty name' },
  field_name: { status: 400, reason: 'field name' },
  field_value: { status: 400, reason: 'field value' },
  eof_in_head: { status: 400, reason: 'EOF in head' },
  head_timeout: { status: 408, reason: 'head too slow' },
  // The meaning of a request head (rules 11-25).
  connect: { status: 501, reason: 'CONNECT' },
  trace: { status: 405, reason: 'TRACE' },
  host_count: { status: 400, reason: 'Host count' },
  host_value: { status: 400, reason: 'Host value' },
  fragment: { status: 400, reason: 'fragment' },
  asterisk: { status: 400, reason: 'asterisk' },
  target_form: { status: 400, reason: 'target form' },
  authority: { status: 400, reason: 'authority differs from Host' },
  connection_value: { status: 400, reason: 'Connection value' },
  connection_lists_framing: { status: 400, reason: 'Connection lists a framing/routing field' },
  framing_alias: { status: 400, reason: 'alias of a framing field' },
  te_and_cl: { status: 400, reason: 'TE and CL' },
  te_value: { status: 400, reason: 'TE value' },
  te_coding: { status: 501, reason: 'TE value' },
  te_in_1_0: { status: 400, reason: 'TE in HTTP/1.0' },
  two_cl: { status: 400, reason: 'two CL lines' },
  cl_value: { status: 400, reason: 'CL value' },
  cl_overflow: { status: 400, reason: 'CL overflow' },
  expect: { status: 417, reason: 'Expect' },
  loop: { status: 508, reason: 'loop' },
  // The meaning of a response head (rules 36-42).
  response_te_in_1_0: { status: 502, reason: 'TE in 1.0' },
  response_cl: { status: 502, reason: 'CL' },
  too_many_interim: { status: 502, reason: 'too many interim responses' },
  switching: { status: 502, reason: '101 without Upgrade' },
  // Bodies (rules 16, 26-33, 43, 44).
  body_too_large: { status: 413, reason: 'body too large' },
  chunk_line: { status: 400, reason: 'chunk line' },
  chunk_extension_too_large: { status: 413, reason: 'chunk extension too large' },
  chunk_end: { status: 400, reason: 'no CRLF after chunk' },
  trailer_too_large: { status: 431, reason: 'trailer too large' },
  trailer_framing: { status: 400, reason: 'framing field in trailer' },
  truncated_sized: { status: 400, reason: 'truncated sized body' },
  truncated_chunked: { status: 400, reason: 'truncated chunked body' },
  body_timeout: { status: 408, reason: 'body too slow' },
} as const satisfies Record<string, RefusalRow>;

export type RefusalCode = keyof typeof ROWS;

/** A message that is not accepted. `reason` says why in a few constant words; `answer.status` is what a client may be told. */
export class Refusal extends TunnelError<RefusalCode, RefusalAnswer> {
  readonly reason: string;

  constructor(code: RefusalCode, kind: MessageKind) {
    const row: RefusalRow = ROWS[code];
    super(`${kind} refused: ${row.reason}`, {
      code,
      scope: 'connection',
      initiator: 'remote',
      answer: { status: kind === 'response' ? 502 : row.status },
    });
    this.reason = row.reason;
  }
}
