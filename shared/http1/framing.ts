/**
 * How long a body is (RFC 9112 §6.3), decided from the head alone and without mercy: whatever two implementations could read
 * differently is refused. It reads no body.
 */
import { isToken, listElements, readDigits, withoutBlanks } from './grammar.ts';
import type { Fields } from './fields.ts';
import { ALIAS, Kind } from './hop.ts';
import { Refusal } from './refusal.ts';
import type { Version } from './start-line.ts';

/** `close`: up to the end of the connection, in responses only. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'sized'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export const NO_BODY: Framing = { kind: 'none' };
export const CHUNKED: Framing = { kind: 'chunked' };
export const UNTIL_CLOSE: Framing = { kind: 'close' };

interface FramingFields {
  readonly codings: readonly string[];
  readonly lengths: readonly string[];
  readonly alias: boolean;
}

const NO_VALUES: readonly string[] = [];
const NO_FRAMING_FIELDS: FramingFields = { codings: NO_VALUES, lengths: NO_VALUES, alias: false };

/** Whether the framing says that bytes follow the head. */
export function hasBody(framing: Framing): boolean {
  return framing.kind === 'sized' ? framing.length > 0 : framing.kind !== 'none';
}

/** Rules 15-18: at most one framing line, in exactly one spelling. Throws a Refusal. */
export function readRequestFraming(fields: Fields, version: Version, bodyBytes: number): Framing {
  const { codings, lengths, alias } = framingFields(fields);
  if (alias) throw new Refusal('framing_alias', 'request');
  if (codings.length > 0) {
    if (version === '1.0') throw new Refusal('te_in_1_0', 'request');
    if (lengths.length > 0) throw new Refusal('te_and_cl', 'request');
    if (isChunked(codings)) return CHUNKED;
    throw new Refusal(endsInChunked(codings) ? 'te_coding' : 'te_value', 'request');
  }
  if (lengths.length === 0) return NO_BODY;
  if (lengths.length > 1) throw new Refusal('two_cl', 'request');
  const length = readDigits(lengths[0]!);
  if (length === undefined) throw new Refusal('cl_value', 'request');
  if (length === Infinity) throw new Refusal('cl_overflow', 'request');
  if (length > bodyBytes) throw new Refusal('body_too_large', 'request');
  return { kind: 'sized', length };
}

/** Rules 39-41, for a response that may have a body. Throws a Refusal. */
export function readResponseFraming(fields: Fields, version: Version): Framing {
  const { codings, lengths } = framingFields(fields);
  if (codings.length > 0) {
    if (version === '1.0') throw new Refusal('response_te_in_1_0', 'response');
    if (lengths.length > 0) throw new Refusal('te_and_cl', 'response');
    if (isChunked(codings)) return CHUNKED;
    throw new Refusal('te_value', 'response');
  }
  if (lengths.length === 0) return UNTIL_CLOSE;
  return { kind: 'sized', length: sameLength(lengths) };
}

/** The Content-Length that a response without a body announces (HEAD, 304); undefined when there is none to go on. */
export function readAnnouncedLength(fields: Fields): number | undefined {
  const { codings, lengths } = framingFields(fields);
  return lengths.length === 0 || codings.length > 0 ? undefined : sameLength(lengths);
}

/** Rule 40: backends do repeat it, and identical digits cannot be read two ways. */
function sameLength(lines: readonly string[]): number {
  // Nearly always one line of digits.
  const only = lines.length === 1 ? readDigits(lines[0]!) : undefined;
  if (only !== undefined && only !== Infinity) return only;
  let same: string | undefined;
  for (const line of lines) {
    // An empty element is digits nowhere: `3,` is refused with the rest.
    for (const element of line.split(',')) {
      const value = withoutBlanks(element);
      same ??= value;
      if (value !== same) throw new Refusal('response_cl', 'response');
    }
  }
  const length = readDigits(same ?? '');
  if (length === undefined || length === Infinity) throw new Refusal('response_cl', 'response');
  return length;
}

function framingFields(fields: Fields): FramingFields {
  if (!fields.holds(Kind.transferEncoding) && !fields.holds(Kind.contentLength)) return NO_FRAMING_FIELDS;
  return {
    codings: fields.valuesOf(Kind.transferEncoding),
    lengths: fields.valuesOf(Kind.contentLength),
    alias:
      fields.indexOf(Kind.transferEncoding | ALIAS) !== -1 ||
      fields.indexOf(Kind.contentLength | ALIAS) !== -1,
  };
}

/** One line that says exactly `chunked`: the only coding whose end everyone finds at the same byte. */
function isChunked(codings: readonly string[]): boolean {
  return codings.length === 1 && codings[0]!.toLowerCase() === 'chunked';
}

/** Another coding, well-formed, with `chunked` last and once: no mistake, but none that we speak, which is a 501 (rule 15, RFC 9112 §6.1). */
function endsInChunked(codings: readonly string[]): boolean {
  if (codings.length !== 1) return false;
  const names = listElements(codings[0]!.toLowerCase());
  const last = names.pop();
  if (last !== 'chunked' || names.length === 0) return false;
  return names.every((name) => name !== 'chunked' && isToken(name, 0, name.length));
}
