/** What a peer may send in as many pieces as it likes: it is read as if it had come whole, and costs what it weighs. */
import { test } from 'tap';
import { FrameReader } from '../../../shared/transport/websocket/frame-reader.ts';
import { opcode, writeFrame } from '../../../shared/transport/websocket/frame.ts';
import { peerPair } from '../links.ts';
import { heapMib } from '../memory.ts';

/** The longest text that is taken. */
const count = 256 * 1024;

function nothing(): void {
  // Not what these tests are about.
}

function reading() {
  const texts: string[] = [];
  const handler = { onBinary: nothing, onText: (text: string) => texts.push(text), onPing: nothing };
  return { texts, reader: new FrameReader('server', { ...handler, onClose: nothing }) };
}

test('a text that comes byte by byte, as records of TLS can bring it', (t) => {
  const { texts, reader } = reading();
  const frame = writeFrame(opcode.text, Buffer.alloc(count, 'a'), 'none');
  for (let at = 0; at < frame.length; at += 1) reader.push(Buffer.of(frame[at] ?? 0));
  t.strictSame(texts, ['a'.repeat(count)]);
  t.end();
});

test('a text of as many fragments as it has bytes, pings between them', async (t) => {
  const { texts, reader } = reading();
  const before = await heapMib();
  const ping = writeFrame(opcode.ping, Buffer.from('between'), 'none');
  for (let n = 0; n < count - 1; n += 1) {
    reader.push(Buffer.of(n === 0 ? opcode.text : opcode.continuation, 1, 0x61));
    if (n % 100 === 0) reader.push(Buffer.from(ping));
  }
  const heldMib = (await heapMib()) - before;
  t.ok(heldMib < 2, `${heldMib.toFixed(1)} MiB are held of ${count} bytes`);
  reader.push(Buffer.of(0x80 | opcode.continuation, 1, 0x62));
  t.strictSame(texts, [`${'a'.repeat(count - 1)}b`]);
});

test('of the pings of one read, the last is answered: a flood of them costs no write each', async (t) => {
  const { peer, proxy } = await peerPair(t);
  let reads = 0;
  let pongs = 0;
  proxy.webSocket.listen({
    onRead: () => void (reads += 1),
    onBinary: () => undefined,
    onText: () => undefined,
    onClose: () => undefined,
  });
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  peer.on('pong', (payload) => {
    pongs += 1;
    if (String(payload) === 'the last') resolve();
  });
  peer.resume();
  const raw = Reflect.get(peer, '_socket');
  raw.cork();
  for (let n = 0; n < 10_000; n += 1) peer.ping('again');
  peer.ping('the last');
  raw.uncork();
  await answered;
  t.ok(pongs <= reads, `${pongs} pongs after ${reads} reads`);
});
