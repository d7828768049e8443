/**
 * Whoever asks a provider that answers with anything: each answer is taken, or is an error that says what is wrong with the
 * provider. Any other error would end the proxy. In this process, since a proxy asks for metadata once in an hour.
 */
/* oxlint-disable no-await-in-loop -- one provider, which gives one answer after the other */
import { AuthError } from '../../../shared/auth/auth-error.ts';
import { IdentityProvider } from '../../../shared/auth/identity-provider.ts';
import { ProviderError } from '../../../shared/auth/provider-error.ts';
import { RemoteKeys } from '../../../shared/auth/remote-keys.ts';
import { KeyVerifier } from '../../../shared/auth/verifier.ts';
import { Random } from '../random.ts';
import { clientId } from './provider.ts';
import type { OddProvider } from './provider.ts';
import { honestToken, oddToken } from './tokens.ts';

export interface Asked {
  readonly cases: number;
  /** How many were answered in order: without any, nothing behind the metadata has been tried. */
  readonly taken: number;
  readonly wrong: readonly string[];
}

export async function askOddProvider(provider: OddProvider, seed: number, cases: number): Promise<Asked> {
  const random = new Random(seed);
  const wrong: string[] = [];
  let taken = 0;
  const attempt = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
    try {
      await ask();
      taken += 1;
    } catch (error) {
      if (error instanceof ProviderError || error instanceof AuthError) return;
      wrong.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  };
  for (let played = 0; played < cases && wrong.length === 0; played += 1) {
    provider.odd = random;
    provider.oddMetadata = random.below(3) === 0 ? undefined : random;
    await playOne(provider, random, played, attempt);
  }
  provider.odd = undefined;
  provider.oddMetadata = undefined;
  return { cases, taken, wrong };
}

async function playOne(
  provider: OddProvider,
  random: Random,
  played: number,
  attempt: (what: string, ask: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const asking = new IdentityProvider({
    issuer: provider.issuer,
    clientId,
    clientSecret: random.below(2) === 0 ? undefined : 'kept-secret-of-the-client',
    scopes: ['openid'],
    audience: [clientId],
    claimNames: { email: 'email', groups: random.below(2) === 0 ? 'groups' : 'a.b' },
  });
  const transaction = {
    state: `state-${played}-0123456789`,
    nonce: `nonce-${played}`,
    verifier: 'v'.repeat(43),
  };
  const back = new URL('http://shop.example.com/.well-known/inverting-proxy/callback');
  back.search = String(new URLSearchParams({ state: transaction.state, code: `code.${transaction.nonce}` }));
  await attempt('begin', () => asking.begin(back.origin));
  await attempt('finish', () => asking.finish(back, transaction));
  await attempt('refresh', () => asking.refresh('kept-secret', 'alice'));
  await attempt('bearer', () => asking.verifyBearer(oddToken(random, provider.tokens)));
  await attempt('sign-out', () => asking.signOutUrl('x'));
  const source = new RemoteKeys({ url: `${provider.issuer}/jwks`, onProblem: () => undefined });
  const verifier = new KeyVerifier(source, { issuer: provider.issuer, audience: clientId });
  const token =
    random.below(2) === 0
      ? honestToken(provider.signer, provider.claims())
      : oddToken(random, provider.tokens);
  await attempt("agents' keys", () => verifier.verify(token));
}
