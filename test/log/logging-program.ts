/** A program that logs three thousand lines and ends in the way its first argument says. */
import { createLog } from '../../shared/log/log.ts';

const [way, format] = process.argv.slice(2);
const log = createLog({
  name: 'program',
  level: 'info',
  format: format === 'json' || format === 'pretty' ? format : undefined,
});

function say(): void {
  for (let n = 0; n < 3000; n += 1) log.info({ n }, 'line');
}

if (way === 'gone') {
  log.info({}, 'first');
  // Goes on when the test has closed its end of the standard output.
  process.stdin.resume().on('end', () => {
    say();
    setImmediate(() => {
      say();
      process.exit(0);
    });
  });
} else say();
if (way === 'exit') process.exit(0);
if (way === 'flush') {
  await log.flush();
  process.kill(process.pid, 'SIGKILL');
}
if (way === 'throw') {
  process.stderr.write = () => true;
  process.on('uncaughtException', () => process.exit(1));
  throw new Error('on purpose');
}
