/**
 * The Connection field (RFC 9110 §7.6.1): which options a message lists, and so which of its fields end at this hop. It does not
 * remove anything itself.
 */
import { isToken, listElements } from './grammar.ts';
import type { Fields } from './fields.ts';
import { Kind } from './hop.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind } from './refusal.ts';

/** The lower-case names that all Connection lines of a message list together. */
export type ConnectionNames = ReadonlySet<string>;

const NONE: ConnectionNames = new Set();
const KEEP_ALIVE: ConnectionNames = new Set(['keep-alive']);
const CLOSE: ConnectionNames = new Set(['close']);
const UPGRADE: ConnectionNames = new Set(['upgrade']);

/** Without these three a message cannot be delimited or routed: a list that names one is an attack (rule 19). */
const NEVER_LISTED = ['host', 'content-length', 'transfer-encoding'];

/** Throws `connection_value` for an element that is no token. */
export function readConnection(fields: Fields, kind: MessageKind): ConnectionNames {
  if (!fields.holds(Kind.connection)) return NONE;
  const first = fields.indexOf(Kind.connection);
  const second = fields.indexOf(Kind.connection, first + 1);
  if (second === -1) {
    const common = commonNames(fields.value(first));
    if (common !== undefined) return common;
  }
  // One set for all lines: a set copied a line would be work of lines times names.
  const names = new Set<string>();
  for (let index = first; index !== -1; index = fields.indexOf(Kind.connection, index + 1)) {
    addElements(names, fields.value(index), kind);
  }
  return names;
}

/** Whether the list could name a field that is in the message and is not dropped or rewritten anyway. */
export function listsFields(names: ConnectionNames): boolean {
  return names !== NONE && names !== KEEP_ALIVE && names !== CLOSE && names !== UPGRADE;
}

/** Throws `connection_lists_framing` (rule 19). */
export function refuseFramingNames(names: ConnectionNames): void {
  if (!listsFields(names)) return;
  for (const name of NEVER_LISTED)
    if (names.has(name)) throw new Refusal('connection_lists_framing', 'request');
}

/** Nearly every message says one of these: no set is made for them. */
function commonNames(value: string): ConnectionNames | undefined {
  switch (value) {
    case 'keep-alive':
    case 'Keep-Alive':
      return KEEP_ALIVE;
    case 'close':
    case 'Close':
      return CLOSE;
    case 'Upgrade':
    case 'upgrade':
      return UPGRADE;
    default:
      return undefined;
  }
}

function addElements(names: Set<string>, value: string, kind: MessageKind): void {
  for (const element of listElements(value)) {
    if (!isToken(element, 0, element.length)) throw new Refusal('connection_value', kind);
    names.add(element.toLowerCase());
  }
}
