/**
 * The one error of control messages: a text message that no peer of this protocol sends. The link ends with the close
 * code it carries.
 */
import { TunnelError } from '../errors/tunnel-error.ts';
import { closeCode } from './close-code.ts';

export type ControlViolationCode = 'control_too_long' | 'control_malformed' | 'control_field';

export interface ControlAnswer {
  readonly closeCode: typeof closeCode.protocolError;
}

export class ControlViolation extends TunnelError<ControlViolationCode, ControlAnswer> {
  constructor(code: ControlViolationCode, message: string) {
    super(message, {
      code,
      scope: 'link',
      initiator: 'remote',
      answer: { closeCode: closeCode.protocolError },
    });
  }
}
