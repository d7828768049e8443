/** The half of the run that is about responses: makes answers, lets each client read each, and shows what does not fit. */
import * as fc from 'fast-check';
import { AnswerTrials, type AnswerOutcome, pooledCode, unpooledCode } from './answer-trial.ts';
import { startTunnel } from './arena.ts';
import { type Child, stopAll } from './child.ts';
import type { Pair } from './clients/client.ts';
import { startClients } from './clients/start.ts';
import { count, describe } from './counts.ts';
import { responseCase } from './grammar/responses.ts';
import { quote } from './judge.ts';
import type { ClientName } from './options.ts';
import type { ResponseCase } from './response-case.ts';
import { ScriptedBackend } from './scripted.ts';

export interface ResponseRun {
  readonly responses: number;
  readonly seed: number;
  readonly clients: readonly ClientName[] | undefined;
  /** Without proxy and agents. */
  readonly direct: boolean;
  print(line: string): void;
}

const batchSize = 250;
const mostShown = 5;
const longestShown = 1_500;

/** Resolves with the number of disagreements, and prints what was counted. */
export async function runResponses(run: ResponseRun): Promise<number> {
  const backend = await ScriptedBackend.listen();
  const children: Child[] = [];
  const clients: Pair[] = [];
  try {
    const port = run.direct ? backend.port : await startBoth(backend.port, children);
    clients.push(...(await startClients(run.clients, port, backend.port)));
    const startedAtMs = performance.now();
    const trials = new AnswerTrials(backend);
    const counts = new Map<string, number>();
    const straight = new Map<string, number>();
    const wrong: AnswerOutcome[] = [];
    let lost = 0;
    const cases = [...generate(run.seed, run.responses)];
    await Promise.all(
      clients.map((client) =>
        playAll(cases, client, trials, (outcome) => {
          count(
            counts,
            outcome?.reading.kind ?? 'not asked of python, which knows no interim answer but 100',
          );
          if (outcome?.isLost === true) lost += 1;
          if (outcome?.before !== undefined) count(straight, `${outcome.before} by ${outcome.client}`);
          if (outcome?.disagreement !== undefined) wrong.push(outcome);
        }),
      ),
    );
    for (const outcome of wrong.slice(0, mostShown)) show(run, outcome);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const runs = cases.length * clients.length;
    run.print(
      `responses: seed ${run.seed}, ${cases.length} cases × ${clients.length} clients = ${runs} answers in ${seconds.toFixed(1)} s: ` +
        `${(runs / seconds).toFixed(0)} answers a second`,
    );
    run.print(`  clients: ${clients.map(({ behind }) => behind.name).join(', ')}`);
    run.print(`  as the rules read them: ${describe(counts)}`);
    run.print(`  those that came through, read without the edge: ${describe(straight)}`);
    run.print(
      `  answered with 502 because the backend's connection closed behind the answer before: ${lost}`,
    );
    run.print(`  disagreements: ${wrong.length}`);
    return wrong.length;
  } finally {
    await Promise.all(clients.map(({ behind }) => behind.stop()));
    await Promise.all(clients.map(async ({ before }) => before?.stop()));
    await stopAll(children);
    backend.close();
  }
}

function startBoth(port: number, children: Child[]): Promise<number> {
  return startTunnel(
    [
      { name: 'pooled', code: pooledCode, port },
      { name: 'unpooled', code: unpooledCode, port, env: { POOL_SIZE: '0' } },
    ],
    children,
  );
}

export function* generate(seed: number, responses: number): Generator<ResponseCase> {
  for (let made = 0, batch = 0; made < responses; batch += 1) {
    const numRuns = Math.min(batchSize, responses - made);
    made += numRuns;
    yield* fc.sample(responseCase, { seed: (Math.imul(seed, 0x85ebca6b) + batch) | 0, numRuns });
  }
}

/** Every client has its own pace: curl's requests wait for one another. */
async function playAll(
  cases: readonly ResponseCase[],
  client: Pair,
  trials: AnswerTrials,
  note: (outcome: AnswerOutcome | undefined) => void,
): Promise<void> {
  const rest = cases.values();
  const worker = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop
    for (const theCase of rest) note(await trials.run(theCase, client));
  };
  await Promise.all(Array.from({ length: client.behind.concurrency }, worker));
}

function show(run: ResponseRun, { client, disagreement, case: theCase }: AnswerOutcome): void {
  const { message, cuts, end, method } = theCase;
  run.print(`DISAGREEMENT with ${client}: ${disagreement ?? ''}`);
  run.print(`  ${method}, cut: ${JSON.stringify(cuts)}, then ${end}`);
  run.print(`  text: ${quote(message.slice(0, longestShown))}`);
  run.print(`  hex: ${Buffer.from(message.slice(0, longestShown), 'latin1').toString('hex')}`);
}
