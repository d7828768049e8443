/**
 * What the gate tells a client that may not pass: one row a reason, with the status and the sentences for people. It
 * knows nothing of how the reasons are found.
 */
import type { Answer } from '../answer.ts';

export type DenialCode =
  | 'sign_in_required'
  | 'access_denied'
  | 'path_ambiguous'
  | 'network_denied'
  | 'password_wrong'
  | 'passwords_busy';

type Denial = Pick<Answer, 'status' | 'sentence' | 'remedy' | 'retryAfterSeconds'>;

const denials: { readonly [Code in DenialCode]: Denial } = {
  sign_in_required: {
    status: 401,
    sentence: 'One has to be signed in to see this.',
    remedy: 'Sign in with a browser, or send a token or a password in the field Authorization.',
  },
  access_denied: {
    status: 403,
    sentence: 'This account may not see this.',
    remedy: 'Its owner has to let this account in, or you have to use another one.',
  },
  network_denied: {
    status: 403,
    sentence: 'This may not be seen from this network.',
    remedy: 'Use another network, or ask its owner to let this one in.',
  },
  password_wrong: {
    status: 401,
    sentence: 'The name or the password is wrong.',
    remedy: 'Try again with another name or password.',
  },
  passwords_busy: {
    status: 503,
    sentence: 'Too many people sign in at once.',
    remedy: 'Try again in a moment.',
  },
  path_ambiguous: {
    status: 400,
    sentence: 'The path of this address can be read in more than one way.',
    remedy: 'Write the path plainly: without empty or dotted segments and without needless percent-encoding.',
  },
};

export function denial(code: DenialCode, more: Partial<Answer> = {}): Answer {
  return { code, proxyStatus: 'http_request_denied', ...denials[code], ...more };
}
