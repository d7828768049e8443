/**
 * What a peer can do that yamux forbids. Every one of them ends the link: after it the two ends no longer agree on
 * what the bytes mean, or the peer takes more than it was granted. It knows nothing of how the session answers.
 */
import { TunnelError } from '../errors/tunnel-error.ts';
import { goAwayCode, type GoAwayCode } from './codes.ts';

export type MuxViolationCode =
  /** The version field is not 0. */
  | 'bad_version'
  /** The type field is none of data, window update, ping, go away. */
  | 'bad_type'
  /** A data or window update frame on id 0, which is the session's own. */
  | 'stream_zero'
  /** A SYN with an id that is ours to give. */
  | 'syn_parity'
  /** A SYN on an id that is in use. */
  | 'syn_duplicate'
  /** A frame for a stream that nobody has opened. */
  | 'unknown_stream'
  /** Payload behind the sender's own FIN. */
  | 'data_after_fin'
  /** More payload than the window had left. */
  | 'window_exceeded'
  /** A window update that takes our send window over 2^32-1. */
  | 'window_overflow'
  /** More frames that demand an answer than answers could be sent. */
  | 'control_flood';

export class MuxViolation extends TunnelError<MuxViolationCode, GoAwayCode> {
  constructor(code: MuxViolationCode, message: string) {
    super(message, { code, scope: 'link', initiator: 'remote', answer: goAwayCode.protocolError });
  }
}
