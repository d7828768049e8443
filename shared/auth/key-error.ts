/** A key that is of no use here, and why: the message follows what names the key, as in `the file holds a private key`. */
import { TunnelError } from '../errors/tunnel-error.ts';

export class KeyError extends TunnelError<'key_unusable', undefined> {
  /** @param message without anything of the key */
  constructor(message: string) {
    super(message, { code: 'key_unusable', scope: 'setting', initiator: 'local', answer: undefined });
  }
}
