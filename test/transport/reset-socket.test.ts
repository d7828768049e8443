/** A reset at any moment of a socket's end: it is closed always, and the other end hears a reset unless it has all. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type Test } from 'tap';
import { resetSocket } from '../../shared/transport/reset-socket.ts';
import { listen } from '../e2e/support/listen.ts';
import { within } from '../e2e/support/deadline.ts';

async function pair(t: Test): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listen(server);
  t.teardown(() => server.close());
  const theirs = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  theirs.on('error', () => {});
  const ours = await new Promise<Socket>((resolve) => server.once('connection', resolve));
  ours.on('error', () => {});
  t.teardown(() => {
    ours.destroy();
    theirs.destroy();
  });
  return { ours, theirs };
}

const moments: readonly [string, (socket: Socket) => void][] = [
  ['nothing was said', () => {}],
  ['something was said', (socket) => socket.write('x')],
  ['the end was asked for', (socket) => socket.end()],
  ['something was said and the end asked for', (socket) => socket.end('x')],
  ['megabytes are under way', (socket) => socket.write(Buffer.alloc(64 * 1024 * 1024))],
  ['megabytes are under way and the end asked for', (socket) => socket.end(Buffer.alloc(64 * 1024 * 1024))],
];

for (const turns of [0, 1, 3]) {
  for (const [what, prepare] of moments) {
    test(`${what}, ${turns} turns ago: it closes`, async (t) => {
      const { ours, theirs } = await pair(t);
      const ending = new Promise<string>((resolve) => {
        theirs.once('error', () => resolve('reset'));
        theirs.once('end', () => resolve('fin'));
      });
      prepare(ours);
      // oxlint-disable-next-line no-await-in-loop -- turn by turn
      for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
      const closed = once(ours, 'close');
      resetSocket(ours);
      resetSocket(ours);
      await within(2_000, () => 'the close', closed);
      theirs.resume();
      const how = await within(5_000, () => 'the end at the other side', ending);
      if (what.startsWith('megabytes')) t.equal(how, 'reset', 'what was cut short never looks whole');
      else t.ok(how);
    });
  }
}
