/**
 * Judges what somebody wrote of a backend: parsed JSON becomes a record in normal form, or an error that names the field,
 * its value and what would be right. Unknown fields are refused: a misspelt limit would be no limit. Every list and every
 * text is bounded. It knows no file and no request.
 */
import { readNetwork } from '../../shared/config/addresses.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import {
  maxNames,
  readBackendId,
  readHostName,
  readHostPattern,
  readPathPrefix,
} from '../../shared/protocol/grammar.ts';
import type { AccessRule, BackendRecord, RecordLimits } from './record.ts';

/** Where in the JSON something stands: names of members, and places in lists. */
export type FieldPath = readonly (string | number)[];

/** What is wrong with a record; the message is whole and for people. */
export class RecordViolation extends TunnelError<'record_malformed', { readonly status: 400 }> {
  readonly path: FieldPath;

  constructor(path: FieldPath, message: string) {
    super(message, {
      code: 'record_malformed',
      scope: 'exchange',
      initiator: 'remote',
      answer: { status: 400 },
    });
    this.path = path;
  }
}

/** People, groups, networks of one backend: beyond, a group at the identity provider is the right tool. */
const maxListed = 1_000;
/** As long as the subject of a token may be: these end up in logs and in lists that are searched. */
const maxNameLength = 256;
/** RFC 5321 §4.5.3.1.3 leaves 254 characters for an address. */
const maxEmailLength = 254;
/** Shown of a wrong value. */
const maxShownLength = 80;
const maxShownDepth = 3;
/** Far beyond what one proxy can do, and exact in every calculation with it. */
const maxCount = 1_000_000_000;

type Read<T> = (value: unknown, path: FieldPath) => T;

/** @throws RecordViolation */
export function readRecord(value: unknown, path: FieldPath = []): BackendRecord {
  const fields = membersOf(value, path, recordFields);
  const part = <T>(name: string, read: Read<T>): T | undefined => optional(fields, path, name, read);
  const agentSubjects = part('agentSubjects', listOf(name, maxListed, 1));
  const access = part('access', readAccess);
  return {
    id: required(fields, path, 'id', backendId),
    hosts: part('hosts', listOf(hostPattern, maxNames)) ?? [],
    paths: part('paths', listOf(pathPrefix, maxNames)) ?? [],
    ...(agentSubjects === undefined ? {} : { agentSubjects }),
    ...(access === undefined ? {} : { access }),
    forwardIdentity: part('forwardIdentity', flag) ?? false,
    keepAuthorization: part('keepAuthorization', flag) ?? false,
    networks: part('networks', readNetworks) ?? { allow: [], deny: [] },
    limits: part('limits', readLimits) ?? {},
  };
}

/** The record as JSON says it, and as `readRecord` takes it. */
export function writeRecord(record: BackendRecord): Readonly<Record<string, unknown>> {
  return { ...record, access: record.access === undefined ? undefined : writeAccess(record.access) };
}

const recordFields = [
  'id',
  'hosts',
  'paths',
  'agentSubjects',
  'access',
  'forwardIdentity',
  'keepAuthorization',
  'networks',
  'limits',
];
const limitFields: readonly (keyof RecordLimits)[] = [
  'requestsPerSecond',
  'concurrentRequests',
  'requestsPerSecondPerAddress',
  'concurrentRequestsPerAddress',
  'requestsPerSecondPerUser',
  'concurrentRequestsPerUser',
  'maxBodyBytes',
  'maxLinks',
];

function readAccess(value: unknown, path: FieldPath): AccessRule {
  if (value === 'public' || value === 'signed-in') return { kind: value };
  if (typeof value === 'string') {
    throw wrong(path, value, 'give "public", "signed-in", or lists of emails, domains, groups or subjects');
  }
  const fields = membersOf(value, path, ['emails', 'domains', 'groups', 'subjects']);
  const list = (field: string, read: Read<string>): readonly string[] =>
    optional(fields, path, field, listOf(read, maxListed)) ?? [];
  const rule = {
    kind: 'listed',
    emails: list('emails', email),
    domains: list('domains', domain),
    groups: list('groups', name),
    subjects: list('subjects', name),
  } as const;
  const { emails, domains, groups, subjects } = rule;
  if (emails.length + domains.length + groups.length + subjects.length === 0) {
    throw wrong(path, value, 'name somebody in emails, domains, groups or subjects, or nobody may use it');
  }
  return rule;
}

function writeAccess(rule: AccessRule): unknown {
  if (rule.kind !== 'listed') return rule.kind;
  const { kind: _, ...lists } = rule;
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

function readNetworks(value: unknown, path: FieldPath): BackendRecord['networks'] {
  const fields = membersOf(value, path, ['allow', 'deny']);
  const list = (field: string): readonly string[] =>
    optional(fields, path, field, listOf(networkText, maxListed)) ?? [];
  return { allow: list('allow'), deny: list('deny') };
}

function readLimits(value: unknown, path: FieldPath): RecordLimits {
  const fields = membersOf(value, path, limitFields);
  const limits: { -readonly [Name in keyof RecordLimits]: number } = {};
  for (const field of limitFields) {
    const isBytes = field === 'maxBodyBytes';
    const limit = optional(fields, path, field, count(isBytes ? Number.MAX_SAFE_INTEGER : maxCount));
    if (limit !== undefined) limits[field] = limit;
  }
  return limits;
}

// The shapes.

type Members = ReadonlyMap<string, unknown>;

function membersOf(value: unknown, path: FieldPath, known: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(path, value, `give an object of ${known.join(', ')}`);
  }
  const members = new Map<string, unknown>(Object.entries(value));
  for (const field of members.keys()) {
    if (known.includes(field)) continue;
    const message = `${nameOf([...path, shown(field)])} is not a field: there are ${known.join(', ')}`;
    throw new RecordViolation([...path, field], message);
  }
  return members;
}

/** A null is what some programs write for nothing. */
function optional<T>(fields: Members, path: FieldPath, field: string, read: Read<T>): T | undefined {
  const value = fields.get(field);
  return value === undefined || value === null ? undefined : read(value, [...path, field]);
}

function required<T>(fields: Members, path: FieldPath, field: string, read: Read<T>): T {
  const value = optional(fields, path, field, read);
  if (value === undefined) throw new RecordViolation(path, `${nameOf([...path, field])} is missing`);
  return value;
}

/** Without what stands in it twice. */
function listOf(read: Read<string>, max: number, min = 0): Read<readonly string[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, value, `give a list of at most ${max}`);
    if (value.length > max || value.length < min) {
      const right = value.length > max ? `at most ${max}` : `at least ${min}, or leave it out`;
      throw new RecordViolation(path, `${nameOf(path)} has ${value.length} entries: give ${right}`);
    }
    return [...new Set(value.map((item: unknown, index) => read(item, [...path, index])))];
  };
}

// The values.

function textOf(parse: (text: string) => string | undefined, right: string): Read<string> {
  return (value, path) => {
    const text = typeof value === 'string' ? parse(value) : undefined;
    if (text === undefined) throw wrong(path, value, right);
    return text;
  };
}

const backendId = textOf(
  readBackendId,
  'give 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first',
);
const hostPattern = textOf(readHostPattern, 'give a host as in a.example.com, *.example.com or *');
const pathPrefix = textOf(readPathPrefix, 'give a path as in /api, without query');
const name = textOf(
  (text) => (text.length <= maxNameLength && isName(text) ? text : undefined),
  `give 1 to ${maxNameLength} characters on one line`,
);
const domain = textOf(
  (text) => (text.length <= maxEmailLength ? readHostName(text) : undefined),
  'give the domain of e-mail addresses, as in example.com',
);
/** In lower case: to every provider of mail they are the same. */
const email = textOf(
  (text) => (isEmail(text) ? text.toLowerCase() : undefined),
  'give an e-mail address, as in ada@example.com',
);
const networkText = textOf(
  // The longest address in text has 45 characters (RFC 4291 §2.2), and a prefix length four more.
  (text) => (text.length <= 49 && readNetwork(text) !== undefined ? text : undefined),
  'give an address or a network, as in 10.0.0.0/8',
);

const flag: Read<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, value, 'give true or false');
  return value;
};

function count(max: number): Read<number> {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw wrong(path, value, `give a whole number from 1 to ${max}, or leave it out for no limit`);
  };
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const isWhole = at > 0 && text.length <= maxEmailLength && isName(text) && !text.includes(' ');
  return isWhole && readHostName(text.slice(at + 1)) !== undefined;
}

/** Nothing that would break a line, and not only blanks. */
function isName(text: string): boolean {
  if (text.trim() === '') return false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}

// What a person reads.

function wrong(path: FieldPath, value: unknown, right: string): RecordViolation {
  return new RecordViolation(path, `${nameOf(path)} is ${shown(value)}: ${right}`);
}

/** `limits.maxLinks`, `hosts[2]`; the whole is the record. */
function nameOf(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text === '' ? 'the record' : text;
}

function shown(value: unknown): string {
  const text = written(value);
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text;
}

/** As JSON, but not deeper than anybody looks: it may be deeper than JSON.stringify can go. */
function written(value: unknown, depth = 0): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  if (depth === maxShownDepth) return '…';
  if (Array.isArray(value)) return `[${value.map((item: unknown) => written(item, depth + 1)).join(',')}]`;
  const fields = Object.entries(value).map(
    ([field, inner]) => `${JSON.stringify(field)}:${written(inner, depth + 1)}`,
  );
  return `{${fields.join(',')}}`;
}
