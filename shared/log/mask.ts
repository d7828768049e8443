/** Keeps secrets out of log lines: fields by their names, tokens anywhere by their shape. */

const masked = '(masked)';

/** Names that end like these have no harmless value; compared in lower case, without dashes and underscores. */
const secretEndings = ['token', 'secret', 'password', 'authorization', 'cookie'] as const;

/** Deeper objects are cut: what is logged is flat, and work on a line stays bounded. */
const maxDepth = 4;

/** The fields of one line, with secrets masked at any depth and errors as plain objects. Nothing given is changed. */
export function maskFields(fields: object): Record<string, unknown> {
  return maskObject(fields, 0);
}

function maskObject(object: object, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    result[name] = isSecretName(name) ? masked : maskValue(value, depth);
  }
  return result;
}

function maskValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '(deeper)';
  if (value instanceof Error) return maskObject(describeError(value), depth + 1);
  if (value instanceof Map) return maskObject(Object.fromEntries(value), depth + 1);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (Array.isArray(value)) return maskArray(value, depth);
  if ('toJSON' in value) return value;
  return maskObject(value, depth + 1);
}

/** A field of a message may come as a pair: `['Cookie', 'a=b']`. */
function maskArray(array: readonly unknown[], depth: number): unknown[] {
  const [name] = array;
  if (array.length === 2 && typeof name === 'string' && isSecretName(name)) return [name, masked];
  return array.map((item) => maskValue(item, depth + 1));
}

/** Its own fields, such as `code`, and those that an error does not list. */
function describeError(error: Error): object {
  const { name, message, stack, cause } = error;
  const own = Object.fromEntries(Object.entries(error));
  return { name, message, ...own, stack, ...(cause === undefined ? {} : { cause }) };
}

function isSecretName(name: string): boolean {
  const folded = name.toLowerCase().replaceAll(separators, '');
  return secretEndings.some((ending) => folded.endsWith(ending));
}

const separators = /[-_]/g;

/** A JWT begins with a base64url `{"`. */
const jwt = /eyJ[\w-]{8,}(?:\.[\w-]*)*/g;

/** Other tokens are told by what stands around them: behind `Bearer`, or the user part of a URL. */
const placed = /(?<=\bBearer )[^\s"\\]+|(?<=:\/\/)[^\s"/@\\]+(?=@)/gi;

/** A text with every JWT in it masked. */
export function maskJwts(text: string): string {
  return text.replace(jwt, masked);
}

/** What any of them begins with. Most lines have none, and looking costs a tenth of replacing. */
const suspect = /eyJ|bearer |:\/\//i;

/** A whole line with every token in it masked. */
export function maskTokens(line: string): string {
  return suspect.test(line) ? maskJwts(line).replace(placed, masked) : line;
}
