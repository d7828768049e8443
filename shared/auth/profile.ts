/**
 * Who somebody is, read from the claims of a token or of the userinfo endpoint. Claims are whatever the provider lets
 * its users say of themselves: each is bounded, and what is not well-formed is not taken. It knows no token.
 */

export interface Profile {
  readonly subject: string;
  readonly email: string | undefined;
  readonly groups: readonly string[];
}

export interface ClaimNames {
  readonly email: string;
  /** With dots for a claim within another, as in `realm_access.roles`. */
  readonly groups: string;
}

export type Claims = Readonly<Record<string, unknown>>;

/** RFC 5321 §4.5.3.1: 64 characters, @, 255. */
const maxEmailLength = 320;
/** OpenID Connect Core §2. */
const maxSubjectLength = 255;
const maxGroups = 500;
const maxGroupLength = 256;

/** Undefined: they say nobody. */
export function readProfile(claims: Claims, names: ClaimNames): Profile | undefined {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > maxSubjectLength) return undefined;
  // UTF-8 has no half of a character: in what backends are told, two such subjects would be one.
  if (!sub.isWellFormed()) return undefined;
  return { subject: sub, email: readEmail(claims, names.email), groups: readGroups(claims, names.groups) };
}

/** What a rule can ask for and these claims do not say: the userinfo endpoint may. */
export function isComplete(claims: Claims, names: ClaimNames): boolean {
  return claims[names.email] !== undefined && findClaim(claims, names.groups) !== undefined;
}

/** An address of which the provider says anything but that it has verified it could be anybody's. */
function readEmail(claims: Claims, name: string): string | undefined {
  const email = claims[name];
  if (typeof email !== 'string' || email.length > maxEmailLength) return undefined;
  const verified = claims['email_verified'];
  if (name === 'email' && verified !== undefined && verified !== true && verified !== 'true')
    return undefined;
  return /^[^\s@]+@[^\s@]+$/.test(email) && !isUnprintable(email) ? email : undefined;
}

function readGroups(claims: Claims, name: string): readonly string[] {
  const value = findClaim(claims, name);
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items
    .slice(0, maxGroups)
    .filter((item) => typeof item === 'string')
    .filter((item) => item !== '' && item.length <= maxGroupLength && !isUnprintable(item));
}

function findClaim(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

/** Controls, what is not seen, what turns the direction of writing: a name with them is read as another one. */
const unprintable =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

function isUnprintable(text: string): boolean {
  return !text.isWellFormed() || unprintable.test(text);
}
