/**
 * The grammar of the names an agent asks for and a token grants: backend ids, host patterns, path prefixes; and which
 * granted name covers which asked one. It knows neither tokens nor routes, only the names.
 *
 * Each `read…` gives the normal form, which is the one that is compared, or undefined for what is no such name.
 */

/** A backend id is short enough to be one label of a host name where it can be (RFC 1035 §2.3.4: 63; one more is tolerated). */
const maxIdLength = 64;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters in text. */
const maxHostLength = 253;
const maxLabelLength = 63;
/** Longer prefixes would make the upgrade's head outgrow its limit once an agent asks for `maxNames` of them. */
const maxPathLength = 255;

/** How many hosts, and how many paths, one agent may ask for or one token may name. */
export const maxNames = 32;

export const everyHost = '*';
export const everyPath = '/';

/** `[A-Za-z0-9._-]`, 1 to 64 of them, the first one a letter or a digit. Case counts. */
export function readBackendId(text: string): string | undefined {
  return text.length <= maxIdLength && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) ? text : undefined;
}

/**
 * A host pattern: `a.example.com`, `*.example.com` or `*`, given back in lower case and without one trailing dot.
 * Names are compared as ASCII; IDNs come in their `xn--` form (RFC 5890 §2.3.2.1). No port, no brackets.
 */
export function readHostPattern(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (lower === everyHost) return everyHost;
  const pattern = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern;
  return isHostName(name) && pattern.length <= maxHostLength ? pattern : undefined;
}

/** A host name without a wildcard, in lower case and without one trailing dot; IPv4 addresses are host names here. */
export function readHostName(text: string): string | undefined {
  const pattern = readHostPattern(text);
  return pattern === undefined || pattern.startsWith('*') ? undefined : pattern;
}

/**
 * What a Host line may say (RFC 9110 §7.2): a host name or an IPv6 address in brackets, with or without a port from 1 to
 * 65535. Given back in lower case; nothing that could end the line or begin another one is in the grammar.
 */
export function readAuthority(text: string): string | undefined {
  const parts = /^(\[[0-9a-f:.]{2,45}\]|[^:]{1,254})(?::([0-9]{1,5}))?$/.exec(text.toLowerCase());
  const host = parts?.[1];
  if (host === undefined || !(host.startsWith('[') || readHostName(host) !== undefined)) return undefined;
  const port = parts?.[2];
  if (port === undefined) return host;
  return Number(port) >= 1 && Number(port) <= 65_535 ? `${host}:${Number(port)}` : undefined;
}

/** `_` is no letter of a host name (RFC 952) but stands in real ones, so it is let pass; an empty label never is. */
function isHostName(lower: string): boolean {
  return (
    lower.length <= maxHostLength &&
    lower
      .split('.')
      .every((label) => label.length <= maxLabelLength && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label))
  );
}

/**
 * A path prefix starts with `/` and holds neither query nor fragment. It is kept byte for byte as it will be compared with
 * raw targets: nothing is decoded, no dot segment is merged. Trailing slashes go, so `/api/` is `/api`; `/` alone stays.
 */
export function readPathPrefix(text: string): string | undefined {
  if (text.length > maxPathLength || !/^\/[!"$->@-~]*$/.test(text)) return undefined;
  let end = text.length;
  while (end > 1 && text.charCodeAt(end - 1) === 0x2f) end -= 1;
  return text.slice(0, end);
}

/**
 * Whether a granted host pattern covers an asked one; both in normal form. A wildcard stands for exactly one label, as in
 * certificates (RFC 9525 §6.3): `*.example.com` covers `a.example.com` and itself, but neither `a.b.example.com`, nor
 * `example.com`, nor `*`. The pattern `*` alone covers everything.
 */
export function coversHost(granted: string, asked: string): boolean {
  if (granted === everyHost || granted === asked) return true;
  if (!granted.startsWith('*.') || asked.startsWith('*')) return false;
  const firstDot = asked.indexOf('.');
  return firstDot > 0 && asked.slice(firstDot) === granted.slice(1);
}

/** Whether a granted prefix covers an asked one, on segment borders: `/api` covers `/api` and `/api/v1`, not `/apis`. */
export function coversPath(granted: string, asked: string): boolean {
  if (granted === everyPath || granted === asked) return true;
  return asked.startsWith(granted) && asked.charCodeAt(granted.length) === 0x2f;
}
