/** From where the settings say the token comes to whoever gives it. */
import type { Log } from '../../shared/log/log.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { TokenOrigin } from '../token-settings.ts';
import { fetchWith, IssuedToken } from './issued-token.ts';
import { TokenFile } from './token-file.ts';
import { fixedToken } from './token-source.ts';
import type { TokenSource } from './token-source.ts';

export function createTokenSource(origin: TokenOrigin, log: Log): TokenSource {
  switch (origin.kind) {
    case 'fixed':
      return fixedToken(origin.token);
    case 'file':
      return new TokenFile({ path: origin.path, clock: systemClock, log });
    case 'issued':
      return new IssuedToken({ clock: systemClock, log, fetch: fetchWith(origin) });
    default:
      return origin satisfies never;
  }
}
