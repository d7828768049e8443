/**
 * What a server behind the proxy could take a path for. Routing compares raw paths (RULES 14), and servers do not: they
 * decode, merge slashes, resolve dots, drop parameters, ignore case. Where one server is published under two rules, a path
 * that is written oddly could be routed by the weaker and served under the stronger. Pure; it knows no route.
 */

/** More readings than any honest path has. */
const maxReadings = 64;
/** Of all of them in characters: some milliseconds of work, and enough for the readings of an honest path of 8 KiB. */
const maxCharacters = 32 * 1024;

/** Nothing in it that two servers could read differently, but for the case of letters. */
export function isPlain(path: string): boolean {
  if (/[^\w/.~!$&'()*+,=:@-]/.test(path) || path.endsWith('.')) return false;
  return !path.includes('//') && !path.includes('/.') && !path.includes('./');
}

/** Every reading, the raw one first; undefined where there are too many, which no honest path needs. */
export function readingsOf(path: string): ReadonlySet<string> | undefined {
  const readings = new Set([path]);
  let characters = path.length;
  // A set is walked in the order of insertion, what is added on the way included.
  for (const reading of readings) {
    for (const step of steps) {
      if (readings.size > maxReadings || characters > maxCharacters) return undefined;
      const made = step(reading);
      if (readings.has(made)) continue;
      readings.add(made);
      characters += made.length;
    }
  }
  return readings;
}

/** One thing that some servers do; done in any order and any number of times. */
const steps: readonly ((path: string) => string)[] = [
  decode,
  mergeSlashes,
  resolveDots,
  withoutParameters,
  withoutTails,
  withoutQuery,
];

function decode(path: string): string {
  const decoded = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // Overlong UTF-8 of dot, slash and backslash, which old decoders take.
  return decoded
    .replaceAll('\u00c0\u00ae', '.')
    .replaceAll('\u00c0\u00af', '/')
    .replaceAll('\u00c1\u009c', '\\');
}

function mergeSlashes(path: string): string {
  return path.replaceAll(/[/\\]+/g, '/');
}

/** RFC 3986 §5.2.4. */
function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  return `/${kept.join('/')}${(last === '.' || last === '..') && kept.length > 0 ? '/' : ''}`;
}

/** `/admin;x=1` is `/admin` to a servlet container. */
function withoutParameters(path: string): string {
  return path.replaceAll(/;[^/]*/g, '');
}

/** `/admin.` and `/admin ` are `/admin` to file systems of Windows. */
function withoutTails(path: string): string {
  return path
    .split('/')
    .map((segment) => (/^\.{1,2}$/.test(segment) ? segment : withoutTail(segment)))
    .join('/');
}

function withoutTail(segment: string): string {
  let end = segment.length;
  while (end > 0 && (segment[end - 1] === '.' || segment[end - 1] === ' ')) end -= 1;
  return segment.slice(0, end);
}

/** What was encoded and is not a part of the path once it is decoded. */
function withoutQuery(path: string): string {
  // oxlint-disable-next-line no-control-regex -- a NUL ends a text in C
  const end = path.search(/[?#\u0000]/);
  return end === -1 ? path : path.slice(0, end);
}
