/**
 * Which of our three kinds of body a client would rather have (RFC 9110 §12.5.1). Linear in the field's length, which
 * the head's limit bounds. It knows no answer.
 */
export type BodyKind = 'html' | 'json' | 'text';

/** By these media ranges a kind is asked for by name; by the wildcards all are alike, and plain text is taken. */
const kindOfRange: ReadonlyMap<string, BodyKind> = new Map([
  ['text/html', 'html'],
  ['application/xhtml+xml', 'html'],
  ['application/json', 'json'],
  ['application/problem+json', 'json'],
  ['text/plain', 'text'],
]);

/** The kind with the highest weight, of equals the first named. Nothing that we have: plain text. */
export function preferredKind(accept: string | undefined): BodyKind {
  let best: BodyKind = 'text';
  let bestWeight = 0;
  for (const item of accept?.split(',') ?? []) {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const kind = kindOfRange.get(range);
    if (kind === undefined) continue;
    const weight = weightOf(parameters);
    if (weight <= bestWeight) continue;
    best = kind;
    bestWeight = weight;
  }
  return best;
}

/** A weight that is none counts as 1, as if it had not been given. */
function weightOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return text !== undefined && /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 1;
}
