/**
 * Who a client is by `Authorization: Bearer` (RFC 6750): a JWT of the identity provider that people sign in at, for this
 * proxy. A token of anybody else is none of the gate's affair: it goes on to the backend, if something else lets it.
 */
import { claimedIssuer } from '../../shared/auth/provider-tokens.ts';
import { ProviderError } from '../../shared/auth/provider-error.ts';
import type { IdentityProvider } from '../../shared/auth/identity-provider.ts';
import { readBearerToken } from '../../shared/auth/verifier.ts';
import type { Answer } from '../answer.ts';
import { denial } from './denials.ts';
import type { Authenticator, Identity } from './visit.ts';

export interface BearerOptions {
  readonly provider: Pick<IdentityProvider, 'verifyBearer'>;
  readonly issuer: string;
}

const challenge = 'Bearer';

export function createBearer({ provider, issuer }: BearerOptions): Authenticator {
  return {
    challenge,
    identify: ({ exchange }) => {
      const values = exchange.request.fields.all('authorization');
      if (values.length === 0) return undefined;
      const token = readBearerToken(values[0]);
      if (token === undefined || !isSameIssuer(claimedIssuer(token), issuer)) return undefined;
      // With two of them, the backend could read another one than we do.
      if (values.length > 1) return { kind: 'refused', answer: refusal() };
      return verify(provider, token, issuer);
    },
  };
}

async function verify(
  provider: BearerOptions['provider'],
  token: string,
  issuer: string,
): Promise<NonNullable<Identity>> {
  try {
    const profile = await provider.verifyBearer(token);
    return { kind: 'user', user: { ...profile, issuer }, byAuthorization: true };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const isAway = error.code === 'provider_away';
    return { kind: 'refused', answer: isAway ? denial('sign_in_unavailable') : refusal() };
  }
}

/** Why it is refused is for the operator: to a stranger it would tell what to try next. */
function refusal(): Answer {
  return denial('token_refused', { challenge: `${challenge} error="invalid_token"` });
}

/** Providers are not of one mind on the slash at the end. */
function isSameIssuer(claimed: string | undefined, issuer: string): boolean {
  return claimed !== undefined && claimed.replace(/\/$/, '') === issuer.replace(/\/$/, '');
}
