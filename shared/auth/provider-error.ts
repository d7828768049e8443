/** Why an identity provider, or a token that says to be of it, is of no use. It knows no protocol. */
import { TunnelError } from '../errors/tunnel-error.ts';

export type ProviderErrorCode =
  /** It cannot be reached, answers too late, or says that something is wrong with it. */
  | 'provider_away'
  /** It says no: to the person, or to this proxy. */
  | 'provider_refused'
  /** What came back is not the answer to what was asked. */
  | 'sign_in_invalid'
  /** A token that its issuer did not sign, not for us, or not for now. */
  | 'token_invalid';

export class ProviderError extends TunnelError<ProviderErrorCode, undefined> {
  /** The provider's own code where it said one, as in RFC 6749 §5.2: `invalid_grant`. */
  readonly said: string | undefined;

  /** @param message for the log; it holds nothing that a person or the provider keeps secret */
  constructor(code: ProviderErrorCode, message: string, cause?: unknown, said?: string) {
    super(message, { code, scope: 'exchange', initiator: 'remote', answer: undefined, cause });
    this.said = said;
  }
}
