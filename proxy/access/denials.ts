/**
 * What the gate tells a client that may not pass: one row a reason, with the status and the sentences for people. It
 * knows nothing of how the reasons are found.
 */
import type { Answer } from '../answer.ts';

export type DenialCode =
  | 'sign_in_required'
  | 'token_refused'
  | 'access_denied'
  | 'origin_refused'
  | 'path_ambiguous'
  | 'network_denied'
  | 'password_wrong'
  | 'passwords_busy'
  | 'sign_in_failed'
  | 'sign_in_unavailable'
  | 'no_page'
  | 'wrong_method';

type Denial = Pick<Answer, 'status' | 'sentence' | 'remedy' | 'retryAfterSeconds'>;

const denials: { readonly [Code in DenialCode]: Denial } = {
  sign_in_required: {
    status: 401,
    sentence: 'One has to be signed in to see this.',
    remedy: 'Sign in with a browser, or send a token or a password in the field Authorization.',
  },
  token_refused: {
    status: 401,
    sentence: 'The token in the field Authorization is of no use here.',
    remedy: 'Get a fresh one from the identity provider, for the audience of this proxy.',
  },
  access_denied: {
    status: 403,
    sentence: 'This account may not see this.',
    remedy: 'Whoever publishes it has to let this account in, or you have to use another one.',
  },
  origin_refused: {
    status: 403,
    sentence: 'A page of another site may not do this in your name.',
    remedy: 'Open it from a page of this site; a program has to send a token in the field Authorization.',
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
  sign_in_failed: {
    status: 400,
    sentence: 'The sign-in could not be completed.',
    remedy: 'Start again; if it goes on, the operator has to look at the log of the proxy.',
  },
  sign_in_unavailable: {
    status: 503,
    sentence: 'Nobody can sign in at the moment: the identity provider does not answer.',
    remedy: 'Try again in a few seconds; if it goes on, the operator has to look at the log of the proxy.',
    retryAfterSeconds: 5,
  },
  no_page: {
    status: 404,
    sentence: 'The proxy has no such page.',
    remedy: 'Check the address; what begins like this is of the proxy, not of the server behind it.',
  },
  wrong_method: {
    status: 405,
    sentence: 'This page of the proxy is not asked like this.',
    remedy: 'Open it with a browser.',
  },
};

export function denial(code: DenialCode, more: Partial<Answer> = {}): Answer {
  return { code, proxyStatus: 'http_request_denied', ...denials[code], ...more };
}
