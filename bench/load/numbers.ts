/** The result of a helper process: one line of JSON, an object of numbers, the last line of what it said. */

/** Those numbers of the line. Throws where there is no such line or a number is missing. */
export function numbersOf<N extends string>(output: string, names: readonly N[]): Record<N, number> {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const parsed: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`no result in: ${output}`);
  const found = new Map<string, unknown>(Object.entries(parsed));
  const numbers: Record<string, number> = {};
  for (const name of names) {
    const value = found.get(name);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`no ${name} in: ${line}`);
    numbers[name] = value;
  }
  return numbers;
}
