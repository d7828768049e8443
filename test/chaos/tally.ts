/** The outcomes of a run, counted: by kind of load and verdict, and how often each thing was seen. */
import { type Outcome, type Verdict, verdicts } from './outcome.ts';

/** What a client that goes wrong at every byte may fill the memory with. */
const maxDetails = 200;

export class Tally {
  readonly #counts = new Map<string, Map<Verdict, number>>();
  readonly #details = new Map<string, number>();

  /** Every kind that is expected has a row, whether anything came of it or not. */
  constructor(kinds: readonly string[]) {
    for (const kind of kinds) this.#counts.set(kind, new Map());
  }

  add(kind: string, { verdict, detail }: Outcome): void {
    const row = this.#counts.get(kind) ?? new Map<Verdict, number>();
    this.#counts.set(kind, row);
    row.set(verdict, (row.get(verdict) ?? 0) + 1);
    if (verdict === 'right') return;
    const said = `${verdict}: ${kind}: ${detail}`;
    if (this.#details.has(said) || this.#details.size < maxDetails)
      this.#details.set(said, (this.#details.get(said) ?? 0) + 1);
  }

  get kinds(): string[] {
    return [...this.#counts.keys()];
  }

  /** Of one kind, or of all. */
  count(verdict: Verdict, kind?: string): number {
    const rows = kind === undefined ? [...this.#counts.values()] : [this.#counts.get(kind)];
    return rows.reduce((sum, row) => sum + (row?.get(verdict) ?? 0), 0);
  }

  /** A heading, a row a kind, a row for all. */
  table(): string[] {
    return [
      rowOf('load', verdicts),
      ...this.kinds.map((kind) =>
        rowOf(
          kind,
          verdicts.map((verdict) => this.count(verdict, kind)),
        ),
      ),
      rowOf(
        'all',
        verdicts.map((verdict) => this.count(verdict)),
      ),
    ];
  }

  /** What was seen that was not right, and how often: the worst verdicts last, as the table has them. */
  details(): string[] {
    return [...this.#details]
      .toSorted(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
      .map(([said, count]) => `${String(count).padStart(7)} × ${said}`);
  }
}

function rowOf(name: string, cells: readonly (string | number)[]): string {
  return `${name.padEnd(12)}${cells.map((cell) => String(cell).padStart(9)).join('')}`;
}

function order(line: string): number {
  return verdicts.findIndex((verdict) => line.startsWith(`${verdict}:`));
}
