/**
 * The request target (RFC 9112 §3.2): which of its forms it has, and the form that goes to the backend. The path is never decoded,
 * merged or normalised (rule 14): what routing sees is what the backend gets. It knows no route.
 */
import { Refusal } from './refusal.ts';

export interface Target {
  /** Origin-form or `*`, to be sent on. */
  readonly target: string;
  /** The target up to its query, as sent; `*` for the asterisk-form. */
  readonly path: string;
}

/** `http` or `https`, colon, two slashes; bounded, and anchored at the start. */
const SCHEME = /^https?:\/\//i;

/** `authority` is the value of Host as sent. Throws a Refusal (rule 13). */
export function readTarget(target: string, method: string, authority: string): Target {
  if (target.includes('#')) throw new Refusal('fragment', 'request');
  if (target.startsWith('/')) return originForm(target);
  if (target === '*') {
    if (method !== 'OPTIONS') throw new Refusal('asterisk', 'request');
    return { target, path: target };
  }
  return absoluteForm(target, method, authority);
}

function originForm(target: string): Target {
  const query = target.indexOf('?');
  return { target, path: query === -1 ? target : target.slice(0, query) };
}

function absoluteForm(target: string, method: string, authority: string): Target {
  const scheme = SCHEME.exec(target);
  if (scheme === null) throw new Refusal('target_form', 'request');
  const start = scheme[0].length;
  const end = endOfAuthority(target, start);
  // Userinfo makes the two differ as well, since Host has been found free of it.
  if (target.slice(start, end).toLowerCase() !== authority.toLowerCase())
    throw new Refusal('authority', 'request');
  const rest = target.slice(end);
  if (rest.startsWith('/')) return originForm(rest);
  // RFC 9112 §3.2.4: OPTIONS for the server as a whole, when neither path nor query is there.
  if (rest === '' && method === 'OPTIONS') return { target: '*', path: '*' };
  return originForm(`/${rest}`);
}

function endOfAuthority(target: string, start: number): number {
  let end = start;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++;
  return end;
}
