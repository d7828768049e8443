/**
 * The differential run: generated messages through the real proxy and agents, judged by parsers that this project did not
 * write. Prints what it counted, and ends with 1 where any two of them disagree.
 */
import { readOptions, usage } from './options.ts';
import { runRequests } from './requests.ts';
import { runResponses } from './responses.ts';

// One exit listener for each process that is started.
process.setMaxListeners(50);
// What was started ends with this process, whichever way that ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

function print(line: string): void {
  console.log(line);
}

async function main(): Promise<number> {
  let options;
  try {
    options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000_000));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  print(`differential run, seed ${options.seed}`);
  const counts = await runRequests({ ...options, keeps: !options.direct, print });
  for (const line of counts.lines()) print(line);
  const answers = await runResponses({ ...options, print });
  return counts.disagreements + answers === 0 ? 0 : 1;
}
