/** `npm run bench`: lays the ground, takes every row of every target in turn, and prints the tables. See README.md beside this file. */
/* oxlint-disable no-await-in-loop -- one row at a time */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { readCircumstances } from './circumstances.ts';
import { layGround } from './ground.ts';
import { toolPath, Unavailable } from './machine/tools.ts';
import { Workbench } from './machine/workbench.ts';
import { readOptions, usage, UsageError } from './options.ts';
import type { Options } from './options.ts';
import { topTens } from './profile.ts';
import { judge } from './reach.ts';
import { rows } from './rows/rows.ts';
import { runRow } from './run.ts';
import type { RowOutcome } from './run.ts';
import { reachTable, resultTable } from './table.ts';
import { builder } from './targets/build.ts';
import { direct } from './targets/direct.ts';
import { nginx } from './targets/nginx.ts';
import { ours } from './targets/ours.ts';
import { peer } from './targets/peer.ts';
import { ssh } from './targets/ssh.ts';

/** Beside the tables, which go to the standard output. */
function onProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure(options: Options): Promise<{ folder: string; results: RowOutcome[] }> {
  await using bench = new Workbench();
  const kinds = [direct, nginx, ssh, ours(builder(bench)), ...options.peers.map(peer)].filter(
    ({ name }) => options.targets.length === 0 || options.targets.includes(name),
  );
  const ground = await layGround(bench, options);
  const { seconds, bulkBytes, idleWebSockets, rounds } = options;
  const context = { bench, seconds, bulkBytes, idleWebSockets };
  const results: RowOutcome[] = [];
  for (const row of rows) {
    if (options.rows.length > 0 && !options.rows.includes(row.name)) continue;
    results.push(await runRow({ ground, context, rounds, onProgress }, row, kinds));
  }
  return { folder: bench.folder, results };
}

/** The exit status: 2 where it was asked for what there is not, 1 where a target failed. */
async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(
    argv,
    rows.map(({ name }) => name),
    ['direct', 'nginx', 'ssh -R', 'ours'],
  );
  // Without these there is no load and no backend at all.
  for (const tool of ['wrk', 'curl', 'nginx'] as const) toolPath(tool);
  const profileFolder = options.profileFolder === undefined ? undefined : resolve(options.profileFolder);
  const circumstances = readCircumstances();
  const { folder, results } = await measure({ ...options, profileFolder });
  const verdicts = judge(results);
  const loadAfter = loadavg()[0] ?? 0;
  const { commit, node, kernel, processors, loadBefore } = circumstances;
  process.stdout.write(
    `\nCommit ${commit}, Node ${node}, ${kernel}, ${processors}; load average ${loadBefore.toFixed(1)} before, ` +
      `${loadAfter.toFixed(1)} after; ${options.rounds} rounds of ${options.seconds} s, ` +
      `transfers of ${options.bulkBytes / 1_048_576} MiB\n\n${resultTable(results)}\n\n${reachTable(verdicts)}`,
  );
  if (options.jsonFile !== undefined) {
    const report = { circumstances: { ...circumstances, loadAfter }, options, folder, results, verdicts };
    writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (profileFolder !== undefined) process.stdout.write(`\n${topTens(profileFolder)}\n`);
  return results.some(({ outcomes }) => outcomes.some(({ hasFailed }) => hasFailed)) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof Unavailable)) throw error;
  process.stderr.write(`${error.message}\n${error instanceof UsageError ? usage : ''}`);
  process.exitCode = 2;
}
