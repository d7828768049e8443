/** Whether both programs are still the ones that were started, and have logged nothing but lines. It knows no traffic. */
import type { Test } from 'tap';
import type { Tunnel } from '../e2e/support/tunnel.ts';

/** Levels of the log that no client and no backend can bring about. */
const mistakes: ReadonlySet<unknown> = new Set(['error', 'fatal']);

export function isUnharmed(t: Test, { proxy, agent }: Tunnel): void {
  for (const program of [proxy, agent]) {
    if (program === undefined) throw new Error('the product is not in the path');
    t.ok(program.isRunning, `${program.name} has never ended`);
    // A stack trace goes to standard error, or comes as a line that is no JSON.
    t.notMatch(program.output, /^ +at .+:\d+:\d+\)?$/m);
    const strange = program.lines.filter(
      (line) => line['level'] === undefined || mistakes.has(line['level']),
    );
    t.strictSame(strange, [], `${program.name} logs what happens to others, and no mistake of its own`);
  }
}
