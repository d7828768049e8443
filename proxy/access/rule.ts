/** Who may use a backend: rules as they are written, and whether a user is within one. Pure; it knows no request. */
import type { User } from '../exchange.ts';
import type { AccessRule } from '../records/record.ts';

/** Entries of one list, and characters of one entry: rules are read at every request. */
export const maxEntries = 1_000;
const maxEntryLength = 320;

/**
 * A rule as CLIENT_ACCESS says it: `public`, `signed-in`, or a list of `alice@example.com`, `@example.com`, `group:staff`
 * and `subject:123`. Gives the first item that is none of these, where there is one.
 */
export function readAccessRule(items: readonly string[]): AccessRule | { readonly wrong: string } {
  const [only = ''] = items;
  if (items.length === 1 && (only === 'public' || only === 'signed-in')) return { kind: only };
  const emails: string[] = [];
  const domains: string[] = [];
  const groups: string[] = [];
  const subjects: string[] = [];
  if (items.length === 0 || items.length > maxEntries) return { wrong: '' };
  for (const item of items) {
    const [kind, name] = readEntry(item);
    if (kind === undefined) return { wrong: item };
    ({ email: emails, domain: domains, group: groups, subject: subjects })[kind].push(name);
  }
  return { kind: 'listed', emails, domains, groups, subjects };
}

type EntryKind = 'email' | 'domain' | 'group' | 'subject';

function readEntry(item: string): readonly [EntryKind, string] | readonly [undefined] {
  if (item.length > maxEntryLength) return [undefined];
  if (item.startsWith('group:') && item.length > 6) return ['group', item.slice(6)];
  if (item.startsWith('subject:') && item.length > 8) return ['subject', item.slice(8)];
  const at = item.indexOf('@');
  if (at === -1 || at !== item.lastIndexOf('@') || /[\s:]/.test(item)) return [undefined];
  const domain = foldEmail(item.slice(at + 1));
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?$/.test(domain)) return [undefined];
  return at === 0 ? ['domain', domain] : ['email', foldEmail(item)];
}

/** Undefined: nobody has to say who they are. */
export type Standing = 'allowed' | 'unknown' | 'not_listed';

/** How a user stands to a rule: nobody known is `unknown`, somebody known who is in no list is `not_listed`. */
export function standingOf(rule: AccessRule, user: User | undefined): Standing {
  if (rule.kind === 'public') return 'allowed';
  if (user === undefined) return 'unknown';
  if (rule.kind === 'signed-in') return 'allowed';
  return isListed(rule, user) ? 'allowed' : 'not_listed';
}

function isListed(rule: Extract<AccessRule, { kind: 'listed' }>, user: User): boolean {
  const { subject, groups } = user;
  if (rule.subjects.includes(subject) || groups.some((group) => rule.groups.includes(group))) return true;
  if (user.email === undefined) return false;
  const email = foldEmail(user.email);
  if (rule.emails.some((listed) => foldEmail(listed) === email)) return true;
  // Exactly one @: what stands behind another one is no domain of the address.
  const at = email.indexOf('@');
  if (at < 1 || at !== email.lastIndexOf('@')) return false;
  const domain = email.slice(at + 1);
  return rule.domains.some((listed) => foldEmail(listed) === domain);
}

/**
 * As addresses are compared: ASCII letters in lower case, as providers do with the part before the @ and DNS with the one behind.
 * No other letter is folded, so that no two addresses that differ in another script become one.
 */
function foldEmail(email: string): string {
  return email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
