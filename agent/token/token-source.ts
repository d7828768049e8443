/**
 * Where the agent has its token from: asked for at each dial, and telling when there is a fresh one for the links that
 * live. It knows no links and no proxy.
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { maxTokenLength } from '../../shared/protocol/ask.ts';

export interface TokenSource {
  /**
   * The token to dial with now.
   *
   * @throws TokenUnavailable
   */
  take(signal: AbortSignal): Promise<string>;
  /** From now on `onFresh` hears of each token that follows the one before. */
  start(onFresh: (token: string) => void): void;
  stop(): void;
  /** The proxy would not have the last one: it is not to be given again where another can be had. */
  refused(): void;
}

/** There is no token now; the message says why, and nothing of any secret. */
export class TokenUnavailable extends TunnelError<'token_unavailable', undefined> {
  constructor(message: string, cause?: unknown) {
    super(message, {
      code: 'token_unavailable',
      scope: 'link',
      initiator: 'local',
      answer: undefined,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** One token for ever. */
export function fixedToken(token: string): TokenSource {
  return { take: async () => token, start: doNothing, stop: doNothing, refused: doNothing };
}

function doNothing(): void {
  // Nothing ever changes.
}

/** It stands in a header: printable, without blanks, and no longer than a proxy reads. */
export function isOneWord(token: string): boolean {
  for (let index = 0; index < token.length; index += 1) {
    const code = token.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return token.length > 0 && token.length <= maxTokenLength;
}
