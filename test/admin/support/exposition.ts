/**
 * The text format of Prometheus (0.0.4), read as strictly as it can be: what its own parser would only tolerate is an
 * error here. Written apart from the product and from its library, so that the two can disagree.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface Series {
  /** As it stands: of a histogram with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly series: readonly Series[];
}

interface Draft extends Family {
  readonly series: Series[];
}

/** @throws Error for the first thing that is wrong, with its line */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) throw new Error('the last line ends in one line feed');
  const families = new Map<string, Draft>();
  let help: readonly [name: string, help: string] | undefined;
  let current: Draft | undefined;
  const seen = new Set<string>();
  for (const [at, line] of text.slice(0, -1).split('\n').entries()) {
    const fail = (what: string): never => {
      throw new Error(`line ${at + 1}, ${what}: ${line}`);
    };
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, word, name = '', rest = ''] =
        /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? [];
      if (word === 'HELP') {
        if (help !== undefined || families.has(name)) fail('a second HELP, or one without its TYPE');
        help = [name, unescape(rest, /\\[\\n]/g, fail)];
      } else if (word === 'TYPE') {
        if (help?.[0] !== name) fail('TYPE follows the HELP of the same name');
        current = { name, type: typeOf(rest, fail), help: help?.[1] ?? '', series: [] };
        families.set(name, current);
        help = undefined;
      } else fail('neither HELP nor TYPE');
      continue;
    }
    const series = readSeries(line, fail);
    if (current === undefined || help !== undefined) return fail('a sample without its family');
    if (!namesOf(current).includes(series.name)) fail(`not of the family ${current.name}`);
    const identity = identityOf(series.name, series.labels);
    if (seen.has(identity)) fail('the same series twice');
    seen.add(identity);
    current.series.push(series);
  }
  if (help !== undefined) throw new Error(`HELP of ${help[0]} without its TYPE`);
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** The value of one series; an error where it is not there. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = identityOf(name, labels);
  const found = Array.from(families.values())
    .flatMap(({ series }) => series)
    .find((series) => identityOf(series.name, series.labels) === wanted);
  if (found === undefined) throw new Error(`no series ${name} ${JSON.stringify(labels)}`);
  return found.value;
}

function namesOf({ name, type }: Family): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function typeOf(text: string, fail: (what: string) => never): MetricType {
  if (text === 'counter' || text === 'gauge' || text === 'histogram') return text;
  return fail('an unknown type');
}

function readSeries(line: string, fail: (what: string) => never): Series {
  const parts = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (parts === null) return fail('no sample');
  const [, name = '', inside, number = ''] = parts;
  if (!/^(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]Inf|NaN)$/.test(number)) fail('no number');
  const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number);
  return { name, labels: inside === undefined ? {} : readLabels(inside, fail), value };
}

function readLabels(inside: string, fail: (what: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = inside;
  while (rest !== '') {
    const parts = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,(?=.)|$)/.exec(rest);
    if (parts === null) return fail('no label');
    const [whole, name = '', value = ''] = parts;
    if (name in labels || name.startsWith('__')) fail(`the label ${name}`);
    labels[name] = unescape(value, /\\[\\n"]/g, fail);
    rest = rest.slice(whole.length);
  }
  return labels;
}

function unescape(text: string, known: RegExp, fail: (what: string) => never): string {
  if (text.replaceAll(known, '').includes('\\')) fail('an unknown escape');
  return text.replaceAll(known, (escape) => (escape === '\\n' ? '\n' : escape.slice(1)));
}

function checkFamily(family: Family): void {
  const { name, type, series } = family;
  const fail = (what: string): never => {
    throw new Error(`${name}: ${what}`);
  };
  if ((type === 'counter') !== name.endsWith('_total')) fail('counters, and they alone, end in _total');
  const labelSets = new Set(
    series.map(({ labels }) =>
      Object.keys(labels)
        .filter((label) => label !== 'le')
        .join(),
    ),
  );
  if (labelSets.size > 1) fail('series with different labels');
  for (const { value } of series) if (Number.isNaN(value)) fail('NaN');
  if (type !== 'gauge' && series.some(({ value }) => value < 0)) fail('a negative count');
  if (type === 'histogram') checkHistogram(series, fail);
}

function checkHistogram(series: readonly Series[], fail: (what: string) => never): void {
  const groups = Map.groupBy(series, ({ labels }) => identityOf('', { ...labels, le: '' }));
  for (const group of groups.values()) {
    const buckets = group.filter(({ name }) => name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels: { le = '' } }) => (le === '+Inf' ? Infinity : Number(le)));
    const counts = buckets.map(({ value }) => value);
    if (bounds.at(-1) !== Infinity || !isAscending(bounds, Number.MIN_VALUE))
      fail('bounds that do not ascend to +Inf');
    if (!isAscending(counts, 0)) fail('counts that do not add up');
    const rest = group.filter(({ name }) => !name.endsWith('_bucket'));
    const count = rest.find(({ name }) => name.endsWith('_count'))?.value;
    if (rest.length !== 2 || count !== counts.at(-1)) fail('sum and count');
  }
}

function isAscending(values: readonly number[], gap: number): boolean {
  return values.every((value, at) => at === 0 || value - (values[at - 1] ?? 0) >= gap);
}

/** Labels have no order. */
function identityOf(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted]);
}
