/** What a run has counted, and the lines that say so. */
import type { Outcome } from './trial.ts';

export class Counts {
  readonly #seed: number;
  readonly #startedAtMs = performance.now();
  cases = 0;
  #runs = 0;
  #accepted = 0;
  #understood = 0;
  #answeredHere = 0;
  #unread = 0;
  #refused = 0;
  #disagreements = 0;
  readonly #straight = new Map<string, number>();
  readonly #perBackend = new Map<string, { understood: number; refusals: Map<string, number> }>();
  readonly #refusals = new Map<string, Map<string, number>>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  get disagreements(): number {
    return this.#disagreements;
  }

  addCase(outcomes: readonly Outcome[]): void {
    this.cases += 1;
    for (const outcome of outcomes) this.#add(outcome);
  }

  addStray(): void {
    this.#disagreements += 1;
  }

  lines(): string[] {
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    const perSecond = (many: number): string => (many / seconds).toFixed(0);
    const byBackend = [...this.#perBackend].map(([name, { understood, refusals }]) => {
      const reasons = describe(refusals);
      return `    ${name}: ${understood} understood${reasons === '' ? '' : `; refused by itself: ${reasons}`}`;
    });
    const byStatus = [...this.#refusals]
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([status, codes]) => `    ${status}: ${describe(codes)}`);
    return [
      `requests: seed ${this.#seed}, ${this.cases} cases × ${this.#perBackend.size} backends = ${this.#runs} connections in ${seconds.toFixed(1)} s: ` +
        `${perSecond(this.cases)} cases and ${perSecond(this.#runs)} connections a second`,
      `  accepted at the edge: ${this.#accepted} requests, of them ${this.#understood} understood alike by the backend, ` +
        `${this.#accepted - this.#understood - this.#answeredHere - this.#unread} refused by the backend itself, ` +
        `${this.#answeredHere} answered by the proxy itself, ${this.#unread} not begun behind a close`,
      ...byBackend,
      `  connections of whole requests only, read by the same parsers without the edge: ${describe(this.#straight)}`,
      `  refused by the edge: ${this.#refused} connections`,
      ...byStatus,
      `  disagreements: ${this.#disagreements}`,
    ];
  }

  #add(outcome: Outcome): void {
    const { straight } = outcome;
    if (straight !== undefined)
      count(this.#straight, straight === 'otherwise' ? `otherwise by ${outcome.backend}` : straight);
    const { reading, understood, answeredHere, unread, backendRefusals, disagreements } = outcome;
    this.#runs += 1;
    this.#accepted += reading.requests.length;
    this.#understood += understood;
    this.#answeredHere += answeredHere;
    this.#unread += unread;
    if (disagreements.length > 0) this.#disagreements += 1;
    const { end } = reading;
    if (end.kind === 'refused') {
      this.#refused += 1;
      count(mapOf(this.#refusals, String(end.status)), end.code);
    }
    const own = this.#perBackend.get(outcome.backend) ?? {
      understood: 0,
      refusals: new Map<string, number>(),
    };
    this.#perBackend.set(outcome.backend, own);
    own.understood += understood;
    for (const reason of backendRefusals) count(own.refusals, reason);
  }
}

export function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** The most frequent first. */
export function describe(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}

function mapOf(maps: Map<string, Map<string, number>>, key: string): Map<string, number> {
  const found = maps.get(key) ?? new Map<string, number>();
  maps.set(key, found);
  return found;
}
