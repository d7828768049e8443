/** What a session says of its windows to whoever watches: streams on which one side waits for the other's reader. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { initialWindowBytes } from '../../shared/mux/window.ts';
import { Pair } from '../mux/pair.ts';

function fill(stream: MuxStream): void {
  while (stream.write(new Uint8Array(65_536)) === 65_536);
}

/** Three streams of the client whose bytes the server does not consume: two with too much to say, one with little. */
function stalled(): { pair: Pair; streams: MuxStream[] } {
  const pair = new Pair();
  pair.listens = false;
  for (const user of [pair.client.user, pair.server.user]) user.quiet = true;
  pair.server.user.consumes = false;
  pair.client.user.react = (event, stream) => {
    if (event === 'writable') fill(stream);
  };
  const streams = [1, 2, 3].map(() => {
    const stream = pair.client.session.open(pair.client.user);
    if (stream === undefined) throw new Error('not opened');
    return stream;
  });
  for (const stream of streams.slice(0, 2)) fill(stream);
  streams[2]?.write(new Uint8Array(1_000));
  return { pair, streams };
}

test('a stream whose peer reads nothing is stalled at both ends, until the peer reads', (t) => {
  const { pair, streams } = stalled();
  t.strictSame(pair.client.session.countStalled(), { sending: 0, receiving: 0 }, 'what is queued has credit');
  pair.run(1_000);
  t.strictSame(pair.client.session.countStalled(), { sending: 2, receiving: 0 });
  t.strictSame(pair.server.session.countStalled(), { sending: 0, receiving: 2 });
  t.strictSame(
    streams.map((stream) => stream.isSendStalled),
    [true, true, false],
  );
  const reader = pair.server.user.streams.get(streams[0]?.id ?? 0);
  // From here on nothing more is sent: what is freed stays free.
  pair.client.user.react = () => {};
  reader?.consume(initialWindowBytes);
  pair.run(2_000);
  t.strictSame(pair.client.session.countStalled(), { sending: 1, receiving: 0 });
  t.strictSame(pair.server.session.countStalled(), { sending: 0, receiving: 1 });
  t.end();
});

test('a stream that is over, or whose peer has said all, waits for nobody', (t) => {
  const { pair, streams } = stalled();
  pair.run(1_000);
  streams[0]?.reset(resetCode.cancelled);
  pair.run(2_000);
  t.strictSame(pair.client.session.countStalled(), { sending: 1, receiving: 0 });
  t.strictSame(pair.server.session.countStalled(), { sending: 0, receiving: 1 });
  streams[1]?.end();
  pair.run(3_000);
  t.strictSame(pair.client.session.countStalled(), { sending: 0, receiving: 0 });
  t.strictSame(pair.server.session.countStalled(), { sending: 0, receiving: 0 });
  t.end();
});
