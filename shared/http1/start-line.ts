/**
 * The first line of a head: request line (RFC 9112 §3) or status line (§4). It knows the grammar, not what a method, a target or a
 * status means. The line is delimited already: no CR and no LF stand in it.
 */
import { FOLDED_TCHAR, SP } from './grammar.ts';
import { holdsControl } from './fields.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind, RefusalCode } from './refusal.ts';
import type { Section } from './section.ts';

export type Version = '1.1' | '1.0';

/** Offsets into the section's text. */
export interface RequestLine {
  readonly methodEnd: number;
  readonly targetEnd: number;
  readonly version: Version;
}

export interface StatusLine {
  readonly version: Version;
  readonly status: number;
  readonly reasonStart: number;
}

const HTTP_NAME = [0x48, 0x54, 0x54, 0x50, 0x2f];
const VERSION_BYTES = 8;
const DOT = 0x2e;
const DIGIT_ZERO = 0x30;
const DIGIT_ONE = 0x31;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;
/** `HTTP/1.1 200` */
const STATUS_END = VERSION_BYTES + 4;

/** `token SP target SP HTTP/d.d` (rules 6, 7). Throws `request_line` or `version`. */
export function readRequestLine(section: Section): RequestLine {
  const { bytes, start } = section;
  const lineEnd = start + section.lineEnds[0]! - 2;
  let at = start;
  while (FOLDED_TCHAR[bytes[at]!] !== 0) at++;
  const methodEnd = at;
  if (methodEnd === start || bytes[at] !== SP) throw new Refusal('request_line', 'request');
  at++;
  const targetStart = at;
  while (isVisible(bytes[at]!)) at++;
  if (at === targetStart || bytes[at] !== SP || lineEnd - at - 1 !== VERSION_BYTES) {
    throw new Refusal('request_line', 'request');
  }
  const version = readVersion(bytes, at + 1, 'request', 'request_line');
  return { methodEnd: methodEnd - start, targetEnd: at - start, version };
}

/** `HTTP/d.d SP 3DIGIT [SP reason]` (rule 35). Throws `status_line`, `version` or `status_range`. */
export function readStatusLine(section: Section): StatusLine {
  const { bytes, start } = section;
  const lineLength = section.lineEnds[0]! - 2;
  const behind = bytes[start + STATUS_END];
  if (lineLength < STATUS_END || (lineLength > STATUS_END && behind !== SP))
    throw new Refusal('status_line', 'response');
  const version = readVersion(bytes, start, 'response', 'status_line');
  let status = 0;
  for (let at = start + VERSION_BYTES + 1; at < start + STATUS_END; at++) {
    const byte = bytes[at]!;
    if (!isDigit(byte)) throw new Refusal('status_line', 'response');
    status = status * 10 + byte - DIGIT_ZERO;
  }
  if (bytes[start + VERSION_BYTES] !== SP) throw new Refusal('status_line', 'response');
  if (status < 100 || status > 599) throw new Refusal('status_range', 'response');
  if (section.hasControls && holdsControl(bytes, start + STATUS_END, start + lineLength)) {
    throw new Refusal('status_line', 'response');
  }
  return { version, status, reasonStart: Math.min(STATUS_END + 1, lineLength) };
}

/** `HTTP/d.d` at `at`; a well-formed version that is not 1.1 or 1.0 has a refusal of its own. */
function readVersion(bytes: Uint8Array, at: number, kind: MessageKind, malformed: RefusalCode): Version {
  for (let index = 0; index < HTTP_NAME.length; index++) {
    if (bytes[at + index] !== HTTP_NAME[index]) throw new Refusal(malformed, kind);
  }
  const major = bytes[at + 5]!;
  const minor = bytes[at + 7]!;
  if (!isDigit(major) || bytes[at + 6] !== DOT || !isDigit(minor)) throw new Refusal(malformed, kind);
  if (major === DIGIT_ONE && minor === DIGIT_ONE) return '1.1';
  if (major === DIGIT_ONE && minor === DIGIT_ZERO) return '1.0';
  throw new Refusal('version', kind);
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_ZERO && byte <= 0x39;
}

function isVisible(byte: number): boolean {
  return byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE;
}
