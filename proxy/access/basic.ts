/**
 * Users with a name and a password (RFC 7617), of the file BASIC_AUTH_FILE: for the simplest case, without anybody else who
 * would have to be asked. It reads the field and the file; whether a password is right it asks `Passwords`.
 */
import type { Log } from '../../shared/log/log.ts';
import type { Attempts } from './attempts.ts';
import { denial } from './denials.ts';
import { isUserName, readHtpasswd } from './htpasswd.ts';
import type { PasswordHashes } from './htpasswd.ts';
import { Passwords } from './passwords.ts';
import type { Compare, PasswordVerdict } from './passwords.ts';
import { tooMany } from './rates.ts';
import { isFromOtherSite, siteOf } from './site.ts';
import type { Authenticator, Identity } from './visit.ts';
import { WatchedFile } from './watched-file.ts';

export interface BasicOptions {
  readonly file: string;
  readonly log: Log;
  readonly compare?: Compare;
  readonly now?: () => number;
  /** Failures of addresses; without it, nobody is slowed. */
  readonly attempts?: Pick<Attempts, 'waitSeconds' | 'failed'>;
  readonly publicUrl?: string | undefined;
}

/** One for the whole proxy: who has signed in to one backend has to do so for no other on the same host. */
export const basicChallenge = 'Basic realm="inverting-proxy", charset="UTF-8"';

/** 72 bytes of password and 255 of name are far less. */
const maxFieldLength = 2_048;
const basic = /^basic +([A-Za-z0-9+/]{1,2048}={0,2}) *$/i;

/** Throws where the file cannot be read or is no good. */
export function createBasic(options: BasicOptions): Authenticator {
  const { file, log, compare = createCompare(), now, attempts, publicUrl } = options;
  const users = new WatchedFile({ path: file, read: readHtpasswd, log, now });
  const passwords = new Passwords({ compare, now });
  return {
    challenge: basicChallenge,
    identify({ exchange }) {
      const sent = readBasic(exchange.request.fields.get('authorization'));
      if (sent === undefined) return undefined;
      if (sent === 'malformed') return refused('wrong');
      // A browser sends a password that it knows with whatever a page asks for, and any page can read an upgrade's answer.
      if (exchange.meaning.upgrade !== undefined && isFromOtherSite(exchange, siteOf(exchange, publicUrl)))
        return { kind: 'refused', answer: denial('origin_refused') };
      const address = exchange.record.clientAddress;
      const find = async (hashes: PasswordHashes): Promise<Identity> => {
        const seconds = (await attempts?.waitSeconds(address)) ?? 0;
        if (seconds > 0) return { kind: 'refused', answer: tooMany(seconds) };
        const verdict = await passwords.check(hashes, sent.name, sent.password, address);
        if (verdict === 'wrong') await attempts?.failed(address);
        return identityOf(sent.name, verdict);
      };
      // What is known is no guess, right or wrong: whoever has signed in does not wait for others of the same address.
      const check = (hashes: PasswordHashes): Identity | Promise<Identity> => {
        const known = passwords.known(hashes, sent.name, sent.password);
        return known === undefined ? find(hashes) : identityOf(sent.name, known);
      };
      const hashes = users.current();
      return hashes instanceof Promise ? hashes.then(check) : check(hashes);
    },
  };
}

function identityOf(name: string, verdict: PasswordVerdict): Identity {
  if (verdict !== 'right') return refused(verdict);
  const email = looksLikeEmail(name) ? name : undefined;
  return {
    kind: 'user',
    user: { subject: name, issuer: 'basic', email, groups: [] },
    byAuthorization: true,
  };
}

/** Who wrote the file has vouched for the names in it: one that is an address is in the lists of addresses. */
function looksLikeEmail(name: string): boolean {
  return /^[^@\s]{1,190}@[^@\s]{1,64}$/.test(name);
}

function refused(verdict: 'wrong' | 'busy'): Identity {
  const answer =
    verdict === 'wrong'
      ? denial('password_wrong', { challenge: basicChallenge })
      : denial('passwords_busy', { retryAfterSeconds: 2 });
  return { kind: 'refused', answer };
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Undefined: it is of another scheme, or none is there. */
function readBasic(field: string | undefined): Credentials | 'malformed' | undefined {
  const scheme = field?.split(' ', 1)[0];
  if (field === undefined || scheme?.toLowerCase() !== 'basic') return undefined;
  const encoded = field.length > maxFieldLength ? undefined : basic.exec(field)?.[1];
  if (encoded === undefined) return 'malformed';
  const text = decodeUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 1) return 'malformed';
  const name = text.slice(0, colon);
  return isUserName(name) ? { name, password: text.slice(colon + 1) } : 'malformed';
}

/** The challenge asks for UTF-8 (RFC 7617 §2.1). */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Native code that only those load who have such a file. `$2y$` is what others call its `$2b$`: the letter tells apart who has
 * mended an old mistake (crypt_blowfish), and both have.
 */
function createCompare(): Compare {
  const loading = import('bcrypt');
  return async (password, hash) => (await loading).compare(password, hash.replace(/^\$2y\$/, '$2b$'));
}
