/** What is seen between the two ends: masks, the upgrade's head, no compression. */
import type { Socket } from 'node:net';
import { type Test, test } from 'tap';
import { linkPair } from './links.ts';
import { until } from './until.ts';

interface Frame {
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly mask: string;
  readonly payload: Buffer;
}

/** Takes whole WebSocket frames apart (RFC 6455 §5.2), payload as it is on the wire. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    const isMasked = (second & 0x80) !== 0;
    let length = second & 0x7f;
    at += 2;
    if (length === 126) length = bytes.readUInt16BE(at);
    else if (length === 127) length = Number(bytes.readBigUInt64BE(at));
    at += length < 126 ? 0 : length < 65_536 ? 2 : 8;
    const mask = isMasked ? bytes.toString('hex', at, at + 4) : '';
    at += isMasked ? 4 : 0;
    frames.push({ opcode: first & 0x0f, isMasked, mask, payload: bytes.subarray(at, at + length) });
    at += length;
  }
  return frames;
}

/** What the agent says in 20 messages, as the proxy's socket gives it (decrypted where there is TLS). */
async function agentSays(t: Test, tls: boolean): Promise<{ frames: Frame[]; heard: string[] }> {
  const pieces: Buffer[] = [];
  const onSocket = (socket: Socket): void => {
    socket.prependListener('data', (piece: Buffer) => pieces.push(Buffer.from(piece)));
  };
  const { agent, proxy } = await linkPair(t, { tls, onSocket });
  proxy.user.quiet = false;
  const stream = agent.open();
  for (let i = 0; i < 20; i++) {
    stream.write(Buffer.from(`the same words ${i % 2}`));
    const bytes = (i + 1) * 16;
    // oxlint-disable-next-line no-await-in-loop -- a message each
    await until('it has come', () => proxy.user.received.get(1) === bytes);
  }
  agent.link.sendControl('{}');
  await proxy.event('control {}');
  return { frames: framesOf(Buffer.concat(pieces)), heard: proxy.user.events };
}

const words = Array.from({ length: 20 }, (_, i) => `the same words ${i % 2}`).join('');

test('over wss the mask is all zero: TLS hides the payload already', async (t) => {
  const { frames, heard } = await agentSays(t, true);
  t.equal(frames.length, 21);
  t.ok(frames.every(({ isMasked, mask }) => isMasked && mask === '00000000'));
  t.ok(frames[0]?.payload.includes('the same words 0'));
  t.same(heard, ['stream 1', `data 1 ${Buffer.from(words).toString('hex')}`]);
});

test('over ws the mask is random, and another one each time (RFC 6455 §5.3, §10.3)', async (t) => {
  const { frames, heard } = await agentSays(t, false);
  t.equal(frames.length, 21);
  t.ok(frames.every(({ isMasked }) => isMasked));
  const masks = new Set(frames.map(({ mask }) => mask));
  t.ok(masks.size >= 20, `${masks.size} masks in 21 frames`);
  t.notOk(frames.some(({ payload }) => payload.includes('the same')));
  t.same(heard, ['stream 1', `data 1 ${Buffer.from(words).toString('hex')}`], 'what is masked is a copy');
});

for (const tls of [false, true]) {
  test(`the proxy masks nothing, ${tls ? 'wss' : 'ws'}`, async (t) => {
    const pieces: Buffer[] = [];
    const { agent, proxy } = await linkPair(t, { tls });
    agent.ends.socket.prependListener('data', (piece: Buffer) => pieces.push(Buffer.from(piece)));
    proxy.open().write(Buffer.from('hello'));
    await agent.stream();
    const [frame] = framesOf(Buffer.concat(pieces));
    t.match(frame, { opcode: 2, isMasked: false });
    t.equal(
      frame?.payload.toString('hex'),
      '000000010000000200000005' + Buffer.from('hello').toString('hex'),
    );
  });
}
