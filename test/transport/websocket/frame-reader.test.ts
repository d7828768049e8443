/** Frames as RFC 6455 §5 has them: each row whole, byte by byte, cut at every place, and with bytes behind it. */
import { randomBytes } from 'node:crypto';
import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { test } from 'tap';
import { FrameReader, FrameViolation } from '../../../shared/transport/websocket/frame-reader.ts';
import {
  applyMask,
  closePayload,
  isCloseCode,
  opcode,
  writeFrame,
} from '../../../shared/transport/websocket/frame.ts';

type Peer = 'client' | 'server';

/** What a reader tells of these pieces; binary bytes that follow each other are one event. */
function read(peer: Peer, pieces: readonly Uint8Array[]): string[] {
  const events: string[] = [];
  let binary = '';
  const note = (event: string): void => {
    if (binary !== '') events.push(`binary ${binary}`);
    binary = '';
    if (event !== '') events.push(event);
  };
  const reader = new FrameReader(peer, {
    onBinary: (bytes) => (binary += Buffer.from(bytes).toString('hex')),
    onText: (text) => note(`text ${text}`),
    onPing: (payload) => note(`ping ${Buffer.from(payload).toString('hex')}`),
    onClose: (code, reason) => note(`close ${code} ${reason}`),
  });
  try {
    for (const piece of pieces) reader.push(Buffer.from(piece));
  } catch (error) {
    if (!(error instanceof FrameViolation)) throw error;
    note(`violation ${error.code} ${error.answer.closeCode}`);
  }
  note('');
  return events;
}

/** A frame with any bits; the mask of a client is 01020304. */
function frame(first: number, payload: Buffer, peer: Peer, lengthBytes?: 0 | 2 | 8): Buffer {
  const wanted = lengthBytes ?? (payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8);
  const length = Buffer.alloc(wanted);
  if (wanted === 2) length.writeUInt16BE(payload.length);
  if (wanted === 8) length.writeBigUInt64BE(BigInt(payload.length));
  const short = wanted === 0 ? payload.length : wanted === 2 ? 126 : 127;
  if (peer === 'server') return Buffer.concat([Buffer.of(first, short), length, payload]);
  const mask = Buffer.of(1, 2, 3, 4);
  const masked = payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0));
  return Buffer.concat([Buffer.of(first, 0x80 | short), length, mask, masked]);
}

const large = randomBytes(70_000);
const [text, binary, close, ping, pong] = [0x81, 0x82, 0x88, 0x89, 0x8a];

interface Row {
  readonly says: string;
  readonly frames: readonly [first: number, payload: Buffer | string, lengthBytes?: 0 | 2 | 8][];
  readonly events: readonly string[];
}

const rows: Row[] = [
  { says: 'a text', frames: [[text, 'hello']], events: ['text hello'] },
  { says: 'an empty text', frames: [[text, '']], events: ['text '] },
  { says: 'a byte order mark is text', frames: [[text, '\ufeffx']], events: ['text \ufeffx'] },
  { says: 'binary', frames: [[binary, Buffer.of(1, 2, 3)]], events: ['binary 010203'] },
  { says: 'empty binary is nothing', frames: [[binary, '']], events: [] },
  {
    says: 'a length in two bytes, in eight',
    frames: [
      [binary, large.subarray(0, 126)],
      [binary, large],
    ],
    events: [`binary ${large.subarray(0, 126).toString('hex')}${large.toString('hex')}`],
  },
  {
    says: 'lengths that take more bytes than they need are read as they are',
    frames: [
      [text, 'a', 2],
      [text, 'b', 8],
    ],
    events: ['text a', 'text b'],
  },
  {
    says: 'a text in fragments, a character cut between them, a ping among them',
    frames: [
      [0x01, Buffer.from('c3', 'hex')],
      [ping, 'now'],
      [0x00, ''],
      [0x80, Buffer.from('bc', 'hex')],
      [text, 'next'],
    ],
    events: ['ping 6e6f77', 'text ü', 'text next'],
  },
  {
    says: 'binary in fragments comes as it comes',
    frames: [
      [0x02, Buffer.of(1)],
      [0x00, Buffer.of(2)],
      [0x80, Buffer.of(3)],
      [text, 'x'],
    ],
    events: ['binary 010203', 'text x'],
  },
  {
    says: 'pongs are nothing',
    frames: [
      [pong, ''],
      [pong, 'late'],
    ],
    events: [],
  },
  { says: 'a ping of 125 bytes', frames: [[ping, 'x'.repeat(125)]], events: [`ping ${'78'.repeat(125)}`] },
  { says: 'a close without a code', frames: [[close, '']], events: ['close 1005 '] },
  {
    says: 'a close with code and reason, and nothing is read behind it',
    frames: [
      [close, Buffer.from('03e8627965', 'hex')],
      [text, 'never'],
    ],
    events: ['close 1000 bye'],
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2_999, 5_000, 65_535].map((code): Row => ({
    says: `a close with ${code}`,
    frames: [[close, Buffer.of(code >> 8, code & 255)]],
    events: ['violation bad_close 1002'],
  })),
  { says: 'a close with half a code', frames: [[close, Buffer.of(3)]], events: ['violation bad_close 1002'] },
  {
    says: 'a reason that is no UTF-8',
    frames: [[close, Buffer.from('03e8ff', 'hex')]],
    events: ['violation bad_utf8 1007'],
  },
  {
    says: 'a text that is no UTF-8',
    frames: [[text, Buffer.from('c328', 'hex')]],
    events: ['violation bad_utf8 1007'],
  },
  {
    says: 'a text that ends within a character',
    frames: [[text, Buffer.from('c3', 'hex')]],
    events: ['violation bad_utf8 1007'],
  },
  ...[0x40, 0x20, 0x10].map((bit): Row => ({
    says: `reserved bit ${bit}`,
    frames: [[binary | bit, 'x']],
    events: ['violation reserved_bits 1002'],
  })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((code): Row => ({
    says: `opcode ${code}`,
    frames: [[0x80 | code, 'x']],
    events: ['violation unknown_opcode 1002'],
  })),
  { says: 'a fragment of nothing', frames: [[0x80, 'x']], events: ['violation wrong_fragment 1002'] },
  {
    says: 'a message within another',
    frames: [
      [0x02, Buffer.of(1)],
      [text, 'x'],
    ],
    events: ['binary 01', 'violation wrong_fragment 1002'],
  },
  ...[0x08, 0x09, 0x0a].map((first): Row => ({
    says: `a control frame in fragments (${first})`,
    frames: [[first, '']],
    events: ['violation wrong_fragment 1002'],
  })),
  {
    says: 'a long control frame',
    frames: [[ping, 'x'.repeat(126)]],
    events: ['violation long_control_frame 1002'],
  },
  {
    says: 'a text of 256 KiB',
    frames: [[text, 'x'.repeat(2 ** 18)]],
    events: [`text ${'x'.repeat(2 ** 18)}`],
  },
  {
    says: 'a text that is one byte longer, in two fragments',
    frames: [
      [0x01, 'x'.repeat(2 ** 18)],
      [0x80, 'x'],
    ],
    events: ['violation message_too_large 1009'],
  },
];

for (const peer of ['client', 'server'] as const) {
  for (const { says, frames, events } of rows) {
    test(`${peer}: ${says}`, (t) => {
      const bytes = Buffer.concat(
        frames.map(([first, payload, lengthBytes]) => frame(first, Buffer.from(payload), peer, lengthBytes)),
      );
      t.same(read(peer, [bytes]), events, 'whole');
      if (bytes.length < 100_000) {
        t.same(
          read(
            peer,
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
          ),
          events,
          'byte by byte',
        );
      }
      if (bytes.length < 200) {
        for (let cut = 1; cut < bytes.length; cut += 1) {
          t.same(read(peer, [bytes.subarray(0, cut), bytes.subarray(cut)]), events, `cut at ${cut}`);
        }
      }
      const isOver = events.some((event) => /^(close|violation)/.test(event));
      const behind = Buffer.concat([bytes, frame(text, Buffer.from('behind'), peer)]);
      t.same(read(peer, [behind]), isOver ? events : [...events, 'text behind'], 'with bytes behind it');
      t.end();
    });
  }

  test(`${peer}: the other one's mask`, (t) => {
    const other = peer === 'client' ? 'server' : 'client';
    t.same(read(peer, [frame(binary, Buffer.of(1), other)]), ['violation wrong_mask 1002']);
    t.end();
  });

  test(`${peer}: lengths that cannot be`, (t) => {
    const mask = peer === 'client' ? '01020304' : '';
    const head = (hex: string): Buffer =>
      Buffer.from(`82${peer === 'client' ? 'ff' : '7f'}${hex}${mask}`, 'hex');
    t.same(read(peer, [head('8000000000000000')]), ['violation impossible_length 1002']);
    t.same(read(peer, [head('7fffffffffffffff')]), ['violation message_too_large 1009']);
    t.same(read(peer, [head('0000000000100001')]), ['violation message_too_large 1009']);
    t.same(read(peer, [head('0000000000100000')]), []);
    t.end();
  });
}

test('what is written is read, masked or not, at any length', (t) => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]) {
    const payload = 'x'.repeat(length);
    for (const [masking, peer] of [
      ['none', 'server'],
      ['random', 'client'],
      ['zero', 'client'],
    ] as const) {
      const bytes = writeFrame(opcode.text, Buffer.from(payload), masking);
      t.same(read(peer, [bytes]), [`text ${payload}`], `${masking} ${length}`);
      if (masking === 'random' && length > 0) t.notOk(Buffer.from(bytes).includes('xxxx'));
    }
  }
  t.end();
});

test('a reason is cut to what a control frame holds, at a whole character', (t) => {
  const payload = Buffer.from(closePayload(1012, 'ü'.repeat(100)));
  t.equal(payload.readUInt16BE(0), 1012);
  t.equal(payload.subarray(2).toString(), 'ü'.repeat(61));
  t.ok([1000, 1001, 1012, 3000, 4999].every(isCloseCode));
  t.end();
});

test('a mask laid on twice is off again: any bytes, cut anywhere, on any border of a word', (t) => {
  const sizes = record({
    length: constantFrom(0, 1, 3, 4, 127, 128, 129, 131, 1_000),
    offset: integer({ min: 0, max: 9 }),
  });
  assert(
    property(sizes, integer({ min: 0, max: 1_000 }), ({ length, offset }, place) => {
      const plain = randomBytes(length);
      const mask = randomBytes(4);
      const held = Buffer.alloc(length + offset);
      plain.copy(held, offset);
      const bytes = held.subarray(offset);
      const cut = length === 0 ? 0 : place % length;
      applyMask(bytes.subarray(0, cut), mask, 0);
      applyMask(bytes.subarray(cut), mask, cut);
      return bytes.every((byte, i) => byte === ((plain[i] ?? 0) ^ (mask[i & 3] ?? 0)));
    }),
  );
  t.end();
});

test('any frames, cut anywhere, are read as when they come whole', (t) => {
  const anyFrame = record({
    first: integer({ min: 0, max: 255 }),
    length: constantFrom(0, 1, 5, 125, 126, 300),
    isMasked: boolean(),
  });
  assert(
    property(
      array(anyFrame, { maxLength: 6 }),
      array(integer({ min: 1, max: 50 }), { maxLength: 20 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(
          frames.map(({ first, length, isMasked }) =>
            frame(first, Buffer.alloc(length, 'a'), isMasked ? 'client' : 'server'),
          ),
        );
        const pieces: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          pieces.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        pieces.push(bytes.subarray(at));
        return JSON.stringify(read('client', pieces)) === JSON.stringify(read('client', [bytes]));
      },
    ),
    { numRuns: 2_000 },
  );
  t.end();
});
