/**
 * The bytes and the small words of HTTP/1.1 (RFC 9110 §5.6, RFC 9112 §2): which byte may stand where, what a token is, how a list and
 * a number are read. It knows no field by name and no message. Text here is latin1: every char code is one byte (rule 10).
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;
export const UNDERSCORE = 0x5f;
export const DELETE = 0x7f;

const TOKEN_MARKS = "!#$%&'*+-.^_`|~";
export const HYPHEN = 0x2d;
const NOT_HEX = 0xff;

/**
 * For each byte 0 where it is no tchar (RFC 9110 §5.6.2), else the byte as names are compared here: letters lower, and `_` read as
 * `-`, because CGI-like backends cannot tell the two apart (rule 18).
 */
export const FOLDED_TCHAR = foldedTchars();

/** For each byte its value as a hexadecimal digit, or above 15. */
export const HEX_VALUE = hexValues();

function foldedTchars(): Uint8Array {
  const table = new Uint8Array(256);
  for (const mark of TOKEN_MARKS) table[mark.charCodeAt(0)] = mark.charCodeAt(0);
  table[UNDERSCORE] = HYPHEN;
  for (let digit = 0x30; digit <= 0x39; digit++) table[digit] = digit;
  for (let letter = 0x61; letter <= 0x7a; letter++) {
    table[letter] = letter;
    table[letter - 0x20] = letter;
  }
  return table;
}

function hexValues(): Uint8Array {
  const table = new Uint8Array(256).fill(NOT_HEX);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}

/** Whether a field value may not hold this byte: a control other than HTAB (RFC 9110 §5.5). */
export function isControl(byte: number): boolean {
  return (byte < SP && byte !== HTAB) || byte === DELETE;
}

/** Whether text[start, end) is a token: one tchar or more. */
export function isToken(text: string, start: number, end: number): boolean {
  if (start === end) return false;
  for (let at = start; at < end; at++) if (FOLDED_TCHAR[text.charCodeAt(at)] === 0) return false;
  return true;
}

/** `1*DIGIT` as a number: undefined when it is anything else, Infinity when it is above 2^53-1 and so not exact. */
export function readDigits(text: string): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
}

/** The elements of a comma-separated list (RFC 9110 §5.6.1), without their OWS; empty ones are left out. Linear in the text. */
export function listElements(text: string): string[] {
  const elements: string[] = [];
  let start = 0;
  while (start <= text.length) {
    const comma = text.indexOf(',', start);
    const border = comma === -1 ? text.length : comma;
    const element = withoutBlanks(text.slice(start, border));
    if (element !== '') elements.push(element);
    start = border + 1;
  }
  return elements;
}

/** What stands between the first run of blanks and the second, of a text that does not begin with one; '' when nothing does. */
export function secondWord(text: string): string {
  let start = 0;
  while (start < text.length && !isBlank(text.charCodeAt(start))) start++;
  while (start < text.length && isBlank(text.charCodeAt(start))) start++;
  let end = start;
  while (end < text.length && !isBlank(text.charCodeAt(end))) end++;
  return text.slice(start, end);
}

/** OWS is made of these two (RFC 9110 §5.6.3). */
export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/** Without the OWS around it. Not `trim`, which takes 0xA0 for a blank too. */
export function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}
