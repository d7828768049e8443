/** Borders of WebSocket frames: found in any frame, however its bytes are cut, and only there. */
import { test } from 'tap';
import { array, assert, boolean, constantFrom, nat, property, record } from 'fast-check';
import { closeFrame, FrameBorders } from '../../proxy/forward/frame-borders.ts';

function frame(length: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0x82, mask | length])
      : length < 65_536
        ? Buffer.from([0x82, mask | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([0x82, mask | 127, 0, 0, 0, 0]), uint32(length)]);
  // 0x88 inside a payload must not look like a frame.
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0, 0x88), Buffer.alloc(length, 0x88)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];

for (const isMasked of [false, true]) {
  for (const length of lengths) {
    test(`a ${isMasked ? 'masked' : 'plain'} frame of ${length} bytes`, (t) => {
      const bytes = frame(length, isMasked);
      const borders = new FrameBorders();
      t.ok(borders.isAtBorder, 'before it');
      let inside = 0;
      for (const byte of bytes) {
        borders.advance(Uint8Array.of(byte));
        if (borders.isAtBorder) break;
        inside += 1;
      }
      t.equal(inside, bytes.length - 1, 'its last byte is the border, no other');
      const whole = new FrameBorders();
      t.equal(whole.advance(Buffer.concat([bytes, bytes])), 2 * bytes.length);
      t.ok(whole.isAtBorder);
      t.end();
    });
  }
}

test('advance to a border stops there, wherever the pieces are cut', (t) => {
  assert(
    property(
      array(record({ length: constantFrom(0, 1, 7, 130), isMasked: boolean() }), {
        minLength: 2,
        maxLength: 5,
      }),
      nat(),
      (frames, place) => {
        const encoded = frames.map(({ length, isMasked }) => frame(length, isMasked));
        const bytes = Buffer.concat(encoded);
        const cut = place % (bytes.length + 1);
        const ends = encoded.map((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length);
        const borders = new FrameBorders();
        borders.advance(bytes.subarray(0, cut));
        const taken = borders.advance(bytes.subarray(cut), true);
        const next = cut === 0 || ends.includes(cut) ? cut : (ends.find((end) => end > cut) ?? bytes.length);
        return cut + taken === next && borders.isAtBorder;
      },
    ),
  );
  t.end();
});

test('a length beyond all bounds never comes to a border', (t) => {
  const borders = new FrameBorders();
  borders.advance(Buffer.from('827fffffffffffffffff', 'hex'));
  borders.advance(Buffer.alloc(1_000_000));
  t.notOk(borders.isAtBorder);
  t.end();
});

test('a Close frame holds code and reason, and never more than a control frame may', (t) => {
  t.equal(Buffer.from(closeFrame(1012, 'bye')).toString('hex'), '880503f4627965');
  t.equal(closeFrame(1012, 'x'.repeat(500)).length, 127);
  t.end();
});
