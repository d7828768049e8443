/** The results as two tables in Markdown, which are read as they are printed: what was measured, and what was to be reached. */
import { valuesOf } from './reach.ts';
import type { Verdict } from './reach.ts';
import type { Outcome, RowOutcome } from './run.ts';
import { ratioOf, spreadOf } from './statistics.ts';
import type { Spread } from './statistics.ts';

/** Whose figures are 1 in the columns of ratios. */
const reference = 'nginx';

const maxRemarkChars = 160;

const heading = [
  'row',
  'target',
  'figure',
  '× nginx',
  'p50 ms',
  'p99 ms',
  'processor time',
  '× nginx',
  'remark',
];

export function resultTable(results: readonly RowOutcome[]): string {
  const lines = results.flatMap((result) =>
    result.outcomes.map((outcome, place) => [
      place === 0 ? `${result.row.name}: ${result.row.title}` : '',
      ...cellsOf(result, outcome),
    ]),
  );
  return layOut([heading, ...lines]);
}

function cellsOf({ row, outcomes }: RowOutcome, { target, remark }: Outcome): string[] {
  const spread = (of: Parameters<typeof valuesOf>[2]): Spread | undefined =>
    spreadOf(valuesOf(outcomes, target, of).filter((value) => value !== undefined));
  const ratio = (of: 'figure' | 'cpuUs'): string =>
    target === reference || row.hasNoRatio === true
      ? ''
      : showSpread(ratioOf(valuesOf(outcomes, target, of), valuesOf(outcomes, reference, of)));
  const cpu = spread('cpuUs');
  return [
    target,
    withUnit(spread('figure'), row.unit),
    ratio('figure'),
    showSpread(spread('p50Ms')),
    showSpread(spread('p99Ms')),
    withUnit(cpu, `µs a ${row.cpuUnit ?? ''}`),
    ratio('cpuUs'),
    [oneLine(remark ?? ''), ...besideOf(outcomes, target)].filter((text) => text !== '').join('; '),
  ];
}

/** An error may bring the whole output of a process; the report in JSON has all of it. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > maxRemarkChars ? `${line.slice(0, maxRemarkChars)}…` : line;
}

function besideOf(outcomes: readonly Outcome[], target: string): string[] {
  const samples = outcomes.find((outcome) => outcome.target === target)?.samples ?? [];
  const names = Object.keys(samples.find((sample) => sample?.beside !== undefined)?.beside ?? {});
  return names.map((name) => {
    const values = samples.map((sample) => sample?.beside?.[name]).filter((value) => value !== undefined);
    return `${name} ${showSpread(spreadOf(values))}`;
  });
}

/** What this run has not measured is left out; empty where that is all. */
export function reachTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts
    .filter(({ ours }) => ours !== undefined)
    .map(({ goal, ours, isReached }) => [
      goal.title,
      `${goal.bound} ${goal.value} ${goal.unit}`,
      withUnit(ours, goal.unit),
      isReached === true ? 'reached' : 'NOT reached',
    ]);
  return lines.length === 0 ? '' : `${layOut([['figure', 'to be reached', 'ours', ''], ...lines])}\n`;
}

function withUnit(spread: Spread | undefined, unit: string): string {
  return spread === undefined ? '' : `${showSpread(spread)} ${unit}`;
}

/** The median, and how far the rounds were apart where there were several. */
function showSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const { median, min, max } = spread;
  return min === max ? show(median) : `${show(median)} (${show(min)}–${show(max)})`;
}

/** Three digits that mean something. */
function show(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function layOut(lines: readonly (readonly string[])[]): string {
  const [head = []] = lines;
  const widths = head.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)));
  const write = (line: readonly string[]): string =>
    `| ${widths.map((width, column) => (line[column] ?? '').replaceAll('|', '/').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [write(head), rule, ...lines.slice(1).map(write)].join('\n');
}
