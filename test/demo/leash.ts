/**
 * Preloaded into every child of `npm start`: when the parent is gone — killed hard, no time to say so — the channel
 * between them closes, and the child stops as if it had been asked to. It knows neither the parent nor the program.
 */

/** What a stop may take once nobody is there to insist. */
const stopWithinMs = 5_000;

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), stopWithinMs).unref();
  process.kill(process.pid, 'SIGTERM');
});
// Waiting for the parent's end must not keep a program alive that has none of its own work left.
process.channel?.unref();
