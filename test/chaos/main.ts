/**
 * `npm run chaos`: the built programs under mixed load while they are killed, stopped, cut off and restarted at random.
 * Prints what became of the load, and ends with 1 where something is there that must not be.
 */
import { OwnLife } from '../e2e/support/owner.ts';
import { runChaos } from './chaos.ts';
import { type Options, readOptions, usage } from './options.ts';

// One exit listener for each process that is started.
process.setMaxListeners(50);
const life = new OwnLife();
// What was started ends with this process, whichever way that ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void life.release().then(() => process.exit(1));
  });
}
process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000_000));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  try {
    const failures = await runChaos(life, { ...options, print: (line) => console.log(line) });
    for (const failure of failures) console.log(`must not be: ${failure}`);
    if (failures.length === 0) console.log('all answers right or visibly broken');
    return failures.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await life.release();
  }
}
