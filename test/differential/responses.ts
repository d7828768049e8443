/** The half of the run that is about responses: makes answers, lets each client read each, and shows what does not fit. */
import * as fc from 'fast-check';
import { AnswerTrials, type AnswerOutcome, pooledCode, unpooledCode } from './answer-trial.ts';
import { startTunnel } from './arena.ts';
import { type Child, stopAll } from './child.ts';
import type { Client } from './clients/client.ts';
import { startCurlClient } from './clients/curl.ts';
import { createNodeClient } from './clients/node.ts';
import { startPythonClient } from './clients/python.ts';
import { createStrictClient } from './clients/strict.ts';
import { findProgram, findPython } from './backends/installed.ts';
import { count, describe } from './counts.ts';
import { responseCase } from './grammar/responses.ts';
import { quote } from './judge.ts';
import { type ClientName, clientNames } from './options.ts';
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
  const clients: Client[] = [];
  try {
    const port = run.direct ? backend.port : await startBoth(backend.port, children);
    clients.push(...(await startClients(run.clients, port)));
    const startedAtMs = performance.now();
    const trials = new AnswerTrials(backend);
    const counts = new Map<string, number>();
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
    run.print(`  clients: ${clients.map(({ name }) => name).join(', ')}`);
    run.print(`  as the rules read them: ${describe(counts)}`);
    run.print(
      `  answered with 502 because the backend's connection closed behind the answer before: ${lost}`,
    );
    run.print(`  disagreements: ${wrong.length}`);
    return wrong.length;
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
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
  client: Client,
  trials: AnswerTrials,
  note: (outcome: AnswerOutcome | undefined) => void,
): Promise<void> {
  const rest = cases.values();
  const worker = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop
    for (const theCase of rest) note(await trials.run(theCase, client));
  };
  await Promise.all(Array.from({ length: client.concurrency }, worker));
}

async function startClients(wanted: readonly ClientName[] | undefined, port: number): Promise<Client[]> {
  const find: { readonly [Name in ClientName]: () => Promise<unknown> } = {
    node: async () => true,
    python: () => findPython('http.client'),
    h11: () => findPython('h11'),
    curl: () => findProgram('curl'),
  };
  const start: { readonly [Name in ClientName]: () => Promise<Client> } = {
    node: async () => createNodeClient(port),
    python: () => startPythonClient('python', 'python_client.py', 'http.client', port),
    h11: () => startPythonClient('h11', 'h11_client.py', 'h11', port),
    curl: () => startCurlClient(port),
  };
  const names = wanted ?? clientNames;
  const found = await Promise.all(names.map((name) => find[name]()));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (wanted !== undefined && missing.length > 0)
    throw new Error(`not installed here: ${missing.join(', ')}`);
  const started = names.filter((name) => !missing.includes(name)).map((name) => start[name]());
  return [createStrictClient(port), ...(await Promise.all(started))];
}

function show(run: ResponseRun, { client, disagreement, case: theCase }: AnswerOutcome): void {
  const { message, cuts, end, method } = theCase;
  run.print(`DISAGREEMENT with ${client}: ${disagreement ?? ''}`);
  run.print(`  ${method}, cut: ${JSON.stringify(cuts)}, then ${end}`);
  run.print(`  text: ${quote(message.slice(0, longestShown))}`);
  run.print(`  hex: ${Buffer.from(message.slice(0, longestShown), 'latin1').toString('hex')}`);
}
