/** Messages as the slab puts them together, read back by `ws` and by hand. */
import { randomBytes } from 'node:crypto';
import { test } from 'tap';
import { MessageSlab, type Masking } from '../../../shared/transport/websocket/message-slab.ts';

/** The payload of the one message in these bytes, by RFC 6455 §5.2 and §5.3. */
function read(message: Uint8Array): { payload: Buffer; mask: Buffer | undefined } {
  const bytes = Buffer.from(message);
  const short = (bytes[1] ?? 0) & 0x7f;
  const isMasked = ((bytes[1] ?? 0) & 0x80) !== 0;
  const lengthEnd = short === 126 ? 4 : 2;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  const start = lengthEnd + (isMasked ? 4 : 0);
  const mask = isMasked ? bytes.subarray(lengthEnd, start) : undefined;
  const payload = bytes.subarray(start).map((byte, i) => byte ^ (mask?.[i % 4] ?? 0));
  if (bytes[0] !== 0x82 || payload.length !== length) throw new Error(`no binary message of ${length} bytes`);
  return { payload: Buffer.from(payload), mask };
}

const sizes = [1, 2, 3, 4, 5, 7, 12, 125, 126, 127, 1_000, 16_384, 16_396, 40_003];

for (const masking of ['none', 'random', 'zero'] satisfies Masking[]) {
  test(`messages of any size, one behind the other, masked: ${masking}`, (t) => {
    const slab = new MessageSlab(masking);
    const sent: { message: Uint8Array; payload: Buffer }[] = [];
    for (const size of [...sizes, ...sizes.toReversed()]) {
      const payload = randomBytes(size);
      const room = slab.room(size);
      t.ok(room.length >= size);
      room.set(payload);
      sent.push({ message: slab.seal(size), payload });
    }
    const masks = new Set<string>();
    // Read when all are written: none may have been overwritten by a later one.
    for (const { message, payload } of sent) {
      const found = read(message);
      t.ok(found.payload.equals(payload), `${payload.length} bytes`);
      masks.add(found.mask?.toString('hex') ?? 'none');
    }
    if (masking === 'random') t.equal(masks.size, sent.length, 'each has a mask of its own');
    else t.strictSame([...masks], [masking === 'none' ? 'none' : '00000000']);
    t.end();
  });
}

test('its memory is used again when all of it has left, and not before', (t) => {
  const slab = new MessageSlab('none');
  const seal = (size: number): { message: Uint8Array; left: () => void } => {
    slab.room(size);
    const message = slab.seal(size);
    return { message, left: slab.left };
  };
  const first = seal(3);
  const second = seal(3);
  t.equal(first.message.buffer, second.message.buffer);
  t.not(first.message.byteOffset, second.message.byteOffset);
  first.left();
  const third = seal(3);
  t.ok(third.message.byteOffset > second.message.byteOffset, 'the second is under way');
  second.left();
  third.left();
  t.equal(seal(3).message.byteOffset, first.message.byteOffset);
  t.end();
});

test('full slabs go round: as many as are under way, and no more', (t) => {
  const slab = new MessageSlab('random');
  const seen = new Set<ArrayBufferLike>();
  const underWay: { message: Uint8Array; copy: Buffer; left: () => void }[] = [];
  for (let i = 0; i < 200; i += 1) {
    slab.room(50_000).set(randomBytes(1_000));
    const message = slab.seal(50_000);
    seen.add(message.buffer);
    underWay.push({ message, copy: Buffer.from(message), left: slab.left });
    if (underWay.length < 3) continue;
    const oldest = underWay.shift();
    t.ok(oldest?.copy.equals(oldest.message), 'nobody has written over it');
    oldest?.left();
  }
  t.ok(seen.size <= 4, `${seen.size} slabs`);
  t.end();
});

test('thousands of masks are drawn without running out', (t) => {
  const slab = new MessageSlab('random');
  for (let i = 0; i < 5_000; i += 1) {
    slab.room(4).set([9, 9, 9, 9]);
    const message = slab.seal(4);
    if (!read(message).payload.equals(Buffer.from([9, 9, 9, 9]))) t.fail(`message ${i}`);
    slab.left();
  }
  t.end();
});
