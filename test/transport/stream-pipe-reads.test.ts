/** What a pipe does with reads that its stream has no room for: kept whole, copied where it must be, and no more of them asked for. */
import { test } from 'tap';
import { BlockPool } from '../../shared/mux/blocks.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { joined } from './joined.ts';
import { turns, until } from './until.ts';

/** What a stream gives from now on, 'end' included. */
function hear(stream: MuxStream): Buffer[] {
  const heard: Buffer[] = [];
  stream.handler = {
    onData: (from, bytes) => {
      heard.push(Buffer.from(bytes));
      from.consume(bytes.length);
    },
    onEnd: () => heard.push(Buffer.from('end')),
    onReset: () => {},
    onWritable: () => {},
  };
  return heard;
}

test('what a paused socket brings all the same (TLS does, of what it has decrypted) comes behind what waits', async (t) => {
  const { stream, pipe } = await joined(t);
  const heard = hear(stream);
  const pieces = Array.from({ length: 12 }, (_, n) => Buffer.alloc(50_000, n));
  for (const piece of pieces.slice(0, 8)) pipe.fromSocket(piece);
  // Room has come, and nobody has told the pipe yet.
  await turns(1);
  for (const piece of pieces.slice(8)) pipe.fromSocket(piece);
  pipe.socketEnded();
  await until('its end', () => stream.endReceived);
  t.ok(Buffer.concat(heard).equals(Buffer.concat([...pieces, Buffer.from('end')])));
  t.equal(pipe.bytesIn, 600_000);
});

test('a read whose memory is read into again at once is passed on as it was, whatever of it has to wait', async (t) => {
  const { stream, pipe } = await joined(t);
  const heard = hear(stream);
  const [memory, pool] = [Buffer.alloc(50_000), new BlockPool()];
  for (let n = 0; n < 8; n += 1) {
    pipe.fromSocket(memory.fill(n), pool);
    memory.fill(255);
  }
  pipe.socketEnded();
  await until('its end', () => stream.endReceived);
  const expected = Array.from({ length: 8 }, (_, n) => Buffer.alloc(50_000, n));
  t.ok(Buffer.concat(heard).equals(Buffer.concat([...expected, Buffer.from('end')])));
});

test('a socket is not read when the stream has no room for what would come, and read again when it has', async (t) => {
  const { stream, peer, pipe, near } = await joined(t);
  peer.user.react = () => {};
  let got = 0;
  let consumes = false;
  stream.handler = {
    onData: (from, bytes) => {
      got += bytes.length;
      if (consumes) from.consume(bytes.length);
    },
    onEnd: () => {},
    onReset: () => {},
    onWritable: () => {},
  };
  const piece = Buffer.alloc(64 * 1024);
  pipe.fromSocket(piece);
  t.notOk(near.isPaused(), 'half a queue is free');
  pipe.fromSocket(piece);
  t.ok(near.isPaused(), 'the queue is full');
  await until('it is read again', () => !near.isPaused());
  for (let n = 0; n < 2; n += 1) pipe.fromSocket(piece);
  await until('the window is full', () => got === 256 * 1024);
  await turns(3);
  t.ok(near.isPaused(), 'nobody consumes');
  consumes = true;
  stream.consume(256 * 1024);
  await until('there is credit again', () => !near.isPaused());
});
