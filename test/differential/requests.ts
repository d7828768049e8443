/** The half of the run that is about requests: makes cases, plays each at every backend, and keeps what does not fit. */
import * as fc from 'fast-check';
import { Counts } from './counts.ts';
import type { Case } from './case.ts';
import { keepFound } from './found.ts';
import { requestCase } from './grammar/cases.ts';
import { quote } from './judge.ts';
import type { BackendName } from './options.ts';
import { shrink } from './shrink.ts';
import { type Outcome, Trials } from './trial.ts';

export interface RequestRun {
  readonly cases: number;
  readonly seed: number;
  readonly backends: readonly BackendName[] | undefined;
  readonly direct: boolean;
  /** Whether cases that show a disagreement are made small and kept in found.json. */
  readonly keeps: boolean;
  print(line: string): void;
}

/** Cases that are under way at once; each is at every backend. */
const concurrency = 12;
const batchSize = 250;
const progressEveryMs = 20_000;
/** More say nothing new. */
const mostFound = 5;

/** Resolves with what was counted. `cases` are those to play, generated ones when not given. */
export async function runRequests(
  run: RequestRun,
  cases: Iterable<Case> = generate(run.seed, run.cases),
): Promise<Counts> {
  const trials = await Trials.start(run);
  try {
    const counts = new Counts(run.seed);
    const found = await playAll(run, cases, trials, counts);
    for (const { backend, record, case: theCase } of trials.strays()) {
      counts.addStray();
      run.print(
        `STRAY at ${backend}: ${JSON.stringify(record)} of ${theCase === undefined ? 'no case' : short(quote(theCase.message))}`,
      );
    }
    for (const outcome of found) {
      // One after the other, with nothing else going on.
      // oxlint-disable-next-line no-await-in-loop
      await explain(run, trials, outcome);
    }
    return counts;
  } finally {
    await trials.stop();
  }
}

/** A run's cases, in batches, so that they need not all be held. */
export function* generate(seed: number, cases: number): Generator<Case> {
  for (let made = 0, batch = 0; made < cases; batch += 1) {
    const numRuns = Math.min(batchSize, cases - made);
    made += numRuns;
    // Far apart, so that the batches of neighbouring seeds are not the same.
    yield* fc.sample(requestCase, { seed: (Math.imul(seed, 0x9e3779b1) + batch) | 0, numRuns });
  }
}

async function playAll(
  run: RequestRun,
  cases: Iterable<Case>,
  trials: Trials,
  counts: Counts,
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  const rest = cases[Symbol.iterator]();
  const progress = setInterval(
    () => run.print(`… ${counts.cases} cases, disagreements: ${counts.disagreements}`),
    progressEveryMs,
  );
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const theCase = next.value;
      // oxlint-disable-next-line no-await-in-loop
      const outcomes = await Promise.all(trials.backends.map((backend) => trials.run(theCase, backend)));
      counts.addCase(outcomes);
      const wrong = outcomes.filter(({ disagreements }) => disagreements.length > 0);
      for (const { backend, disagreements } of wrong)
        run.print(`… at ${backend}: ${disagreements.join('; ')}`);
      found.push(...wrong.slice(0, mostFound - found.length));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  clearInterval(progress);
  return found;
}

async function explain(run: RequestRun, trials: Trials, outcome: Outcome): Promise<void> {
  const backend = trials.backends.find(({ name }) => name === outcome.backend);
  if (backend === undefined) return;
  const shows = async (smaller: Case): Promise<boolean> =>
    (await trials.run(smaller, backend)).disagreements.length > 0;
  const isSteady = run.keeps && (await shows(outcome.case));
  const smallest = isSteady ? await shrink(outcome.case, shows) : outcome.case;
  const { disagreements } = isSteady ? await trials.run(smallest, backend) : outcome;
  run.print(
    `DISAGREEMENT at ${outcome.backend}${isSteady || !run.keeps ? '' : ', not seen again when played alone'}`,
  );
  for (const disagreement of disagreements) run.print(`  ${disagreement}`);
  run.print(
    `  cut: ${JSON.stringify(smallest.cuts)}, half-closed ${smallest.halfClosesAtOnce ? 'at once' : 'when answered'}`,
  );
  run.print(`  text: ${short(quote(smallest.message))}`);
  run.print(`  hex: ${short(Buffer.from(smallest.message, 'latin1').toString('hex'))}`);
  if (run.keeps) await keepFound([{ name: `${outcome.backend}: ${disagreements[0] ?? ''}`, ...smallest }]);
}

const longestText = 3_000;

function short(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}… (${text.length} in all)`;
}
