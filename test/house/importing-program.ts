/**
 * Imports the modules that its arguments name, one after the other, and tells its parent over the channel what each import
 * left behind. It uses nothing that is imported, and ends by itself where nothing keeps it alive.
 */
/* oxlint-disable no-await-in-loop -- one after the other is what tells whose effect it is */
import { createHook } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';

export interface Effect {
  readonly module: string;
  /** What changed, as `listener SIGTERM` or `Timeout`. */
  readonly what: string;
}

/** Asynchronous work that was begun, by its type: timers that keep nothing alive are seen here and nowhere else. */
const begun: string[] = [];
const hook = createHook({
  init: (_id, type) => {
    // Promises are what evaluating a module is made of.
    if (type !== 'PROMISE') begun.push(type);
  },
});

/** All that an import could leave in the process besides asynchronous work. */
function readState(): string[] {
  return [
    ...process.getActiveResourcesInfo().map((type, place) => `resource ${place} ${type}`),
    ...process.eventNames().flatMap((name) => {
      const count = process.listenerCount(name);
      return Array.from({ length: count }, (_, place) => `listener ${String(name)} ${place}`);
    }),
    ...Object.getOwnPropertyNames(globalThis).map((name) => `global ${name}`),
    ...Object.entries(process.env).map(([name, value]) => `environment ${name}=${value}`),
    `exit code ${process.exitCode}`,
    `folder ${process.cwd()}`,
  ];
}

// Node makes these when somebody first looks at them, a library that imports node:process say: that is no module's doing.
for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => undefined);
await setImmediate();

const effects: Effect[] = [];
for (const module of process.argv.slice(2)) {
  const before = readState();
  hook.enable();
  await import(module);
  hook.disable();
  // What it put off to the end of the turn belongs to it, the wait for that does not.
  const turn = setImmediate();
  hook.enable();
  await turn;
  hook.disable();
  const after = readState();
  const changed = [
    ...after.filter((what) => !before.includes(what)),
    ...before.filter((what) => !after.includes(what)),
  ];
  for (const what of [...begun.splice(0), ...changed]) effects.push({ module, what });
}
process.send?.(effects);
process.disconnect();
