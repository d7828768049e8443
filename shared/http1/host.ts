/**
 * The value of Host (RFC 9112 §3.2, RFC 3986 §3.2.2): checked, and brought into the one form in which hosts are compared. It knows
 * no route.
 */
import { HEX_VALUE } from './grammar.ts';

const PORT_MAX = 65535;
const PORT_DIGITS = 5;
const PERCENT = 0x25;
const LOWER_AND_DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const PLAIN = bytesOf(`${LOWER_AND_DIGITS}-.`);
/** unreserved and sub-delims of RFC 3986, without the comma, which would make one host look like a list of two. */
const REG_NAME = bytesOf(`${LOWER_AND_DIGITS}${LOWER_AND_DIGITS.toUpperCase()}-._~!$&'()*+;=`);

function bytesOf(letters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const letter of letters) table[letter.charCodeAt(0)] = 1;
  return table;
}

/** The host of `host[:port]`: lower case, one trailing dot and the port removed. Undefined when the value is not valid (rule 12). */
export function readHost(value: string): string | undefined {
  if (isPlain(value)) return withoutTrailingDot(value);
  if (value.startsWith('[')) return readBracketed(value);
  const colon = value.indexOf(':');
  const name = colon === -1 ? value : value.slice(0, colon);
  if (colon !== -1 && !isPort(value.slice(colon + 1))) return undefined;
  if (!isRegName(name)) return undefined;
  return withoutTrailingDot(name.toLowerCase());
}

/** Lower-case letters, digits, hyphens and dots: what nearly every host is. */
function isPlain(value: string): boolean {
  for (let at = 0; at < value.length; at++) if (PLAIN[value.charCodeAt(at)] !== 1) return false;
  return value.length > 0;
}

/** `1*( unreserved / pct-encoded / sub-delims )`. */
function isRegName(name: string): boolean {
  let at = 0;
  while (at < name.length) {
    const char = name.charCodeAt(at);
    if (REG_NAME[char] === 1) at += 1;
    else if (char === PERCENT && isHexDigit(name, at + 1) && isHexDigit(name, at + 2)) at += 3;
    else return false;
  }
  return at > 0;
}

function isHexDigit(text: string, at: number): boolean {
  return at < text.length && HEX_VALUE[text.charCodeAt(at)]! <= 15;
}

function withoutTrailingDot(name: string): string | undefined {
  const host = name.endsWith('.') ? name.slice(0, -1) : name;
  return host.length === 0 ? undefined : host;
}

function readBracketed(value: string): string | undefined {
  const close = value.indexOf(']');
  if (close === -1 || !isIpv6(value.slice(1, close))) return undefined;
  const behind = value.slice(close + 1);
  if (behind !== '' && !(behind.startsWith(':') && isPort(behind.slice(1)))) return undefined;
  return value.slice(0, close + 1).toLowerCase();
}

function isPort(text: string): boolean {
  if (text.length === 0 || text.length > PORT_DIGITS) return false;
  for (let at = 0; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return false;
  const port = Number(text);
  return port >= 1 && port <= PORT_MAX;
}

/** IPv6address of RFC 3986: eight groups, one `::` for the zero ones, perhaps an IPv4 address at the end; no zone. */
function isIpv6(text: string): boolean {
  const halves = text.split('::', 3);
  if (halves.length > 2) return false;
  const left = groupsOf(halves[0]!, halves.length === 1);
  const right = halves.length === 2 ? groupsOf(halves[1]!, true) : 0;
  if (left === undefined || right === undefined) return false;
  return halves.length === 1 ? left === 8 : left + right <= 7;
}

/** How many 16-bit groups stand here, separated by single colons; undefined when something else does. */
function groupsOf(text: string, mayEndInIpv4: boolean): number | undefined {
  if (text === '') return 0;
  const groups = text.split(':', 9);
  let count = 0;
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index]!;
    if (isHexGroup(group)) count += 1;
    else if (mayEndInIpv4 && index === groups.length - 1 && isIpv4(group)) count += 2;
    else return undefined;
  }
  return count;
}

function isHexGroup(group: string): boolean {
  if (group.length === 0 || group.length > 4) return false;
  for (let at = 0; at < group.length; at++) if (!isHexDigit(group, at)) return false;
  return true;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.', 5);
  return parts.length === 4 && parts.every(isOctet);
}

/** 0 to 255 without leading zeros (RFC 3986 dec-octet). */
function isOctet(part: string): boolean {
  if (part.length === 0 || part.length > 3 || (part.length > 1 && part.startsWith('0'))) return false;
  for (let at = 0; at < part.length; at++) if (!isDigit(part.charCodeAt(at))) return false;
  return Number(part) <= 255;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}
