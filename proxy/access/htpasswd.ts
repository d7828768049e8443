/**
 * The users of a file in htpasswd's format, `name:hash` a line, with bcrypt and nothing else: every other kind of hash it
 * may hold can be tried out by the million. Pure; problems are said by line, and no hash stands in them.
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';

/** Each name with its hash. */
export type PasswordHashes = ReadonlyMap<string, string>;

export class HtpasswdError extends TunnelError<'htpasswd_broken', undefined> {
  constructor(message: string) {
    super(message, { code: 'htpasswd_broken', scope: 'setting', initiator: 'local', answer: undefined });
  }
}

/** Of a file for the simplest case; each of them is held, and looked for at requests. */
export const maxUsers = 10_000;
/** Of a name, in bytes: it stands in logs and in fields for backends. */
export const maxNameBytes = 255;
/** 2^15 rounds are about two seconds of one processor, for each sign-in. */
const maxCost = 15;
const bcryptHash = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/;

/** What other hashes begin with, and what they are. */
const otherHashes: readonly (readonly [prefix: string, name: string])[] = [
  ['$apr1$', 'MD5'],
  ['$1$', 'MD5'],
  ['$5$', 'SHA-256'],
  ['$6$', 'SHA-512'],
  ['{SHA}', 'SHA-1'],
  ['{SSHA}', 'SHA-1'],
  ['$argon2', 'Argon2'],
  ['$2x$', 'the broken bcrypt of 2011'],
];

/** @throws HtpasswdError */
export function readHtpasswd(text: string): PasswordHashes {
  const hashes = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const wrong = (what: string): HtpasswdError => new HtpasswdError(`line ${String(index + 1)} ${what}`);
    const colon = line.indexOf(':');
    if (colon === -1) throw wrong('has no colon: give name:hash');
    const name = line.slice(0, colon);
    const hash = line.slice(colon + 1);
    if (name === '') throw wrong('has no name before its colon');
    if (!isUserName(name))
      throw wrong(`has a name of more than ${maxNameBytes} bytes, or with control characters`);
    if (hashes.has(name)) throw wrong('names somebody who stands in a line before it');
    const problem = whatIsWrong(hash);
    if (problem !== undefined) throw wrong(problem);
    hashes.set(name, hash);
    if (hashes.size > maxUsers) throw wrong(`is one user too many: at most ${maxUsers} can be in the file`);
  }
  if (hashes.size === 0) throw new HtpasswdError('names nobody');
  return hashes;
}

/** RFC 7617 §2: neither a colon, which ends it, nor control characters. */
export function isUserName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return Buffer.byteLength(name) <= maxNameBytes && !/[\u0000-\u001f\u007f-\u009f]/.test(name);
}

function whatIsWrong(hash: string): string | undefined {
  const cost = bcryptHash.exec(hash)?.[1];
  if (cost === undefined) {
    const other = otherHashes.find(([prefix]) => hash.startsWith(prefix))?.[1];
    const what = other === undefined ? 'a password that is no bcrypt hash' : `a hash of the kind ${other}`;
    return `has ${what}: only bcrypt is taken, as \`htpasswd -B\` makes it`;
  }
  const isWithin = Number(cost) >= 4 && Number(cost) <= maxCost;
  return isWithin ? undefined : `has a bcrypt hash of the cost ${cost}: give one from 4 to ${maxCost}`;
}
