/** How much of a link one turn of the event loop reads: what has piled up in the kernel must not keep everybody else waiting. */
import { test } from 'tap';
import { linkPair } from './links.ts';
import { turns, until } from './until.ts';

const streamCount = 40;
const pieceBytes = 128 * 1024;
/** Twice the bound: how its turns lie to those counted here is not certain. Unbounded it is 2 MiB, all that libuv reads. */
const mostBytes = 512 * 1024;

// Under TLS node itself hands on no more than about 300 KiB a turn.
test('megabytes that have piled up are read in pieces, and all arrive', async (t) => {
  const { agent, proxy } = await linkPair(t);
  const { socket } = agent.ends;
  socket.pause();
  for (let i = 0; i < streamCount; i += 1) proxy.open().write(Buffer.alloc(pieceBytes));
  // Until the kernel takes no more, or all is in it.
  await turns(200);
  const perTurn: number[] = [];
  let thisTurn = 0;
  socket.on('data', (bytes: Buffer) => {
    if (thisTurn === 0) {
      setImmediate(() => {
        perTurn.push(thisTurn);
        thisTurn = 0;
      });
    }
    thisTurn += bytes.length;
  });
  socket.resume();
  const received = (): number => [...agent.user.received.values()].reduce((sum, bytes) => sum + bytes, 0);
  await until('all has arrived', () => received() === streamCount * pieceBytes);
  const most = Math.max(...perTurn);
  t.ok(most <= mostBytes, `at most ${most} bytes in a turn, of ${perTurn.length} turns`);
  t.ok(most > pieceBytes, 'and megabytes had piled up: a turn had more than one write to read');
});
