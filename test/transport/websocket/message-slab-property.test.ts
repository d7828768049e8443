/** Messages of a slab that leave in any order, or never: what is under way is written over by nobody. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { MessageSlab, type Masking } from '../../../shared/transport/websocket/message-slab.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 100);

const payload = fc.oneof(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 65_000 }));
const step = fc.record({
  payloadBytes: payload,
  /** As who writes does: a whole frame at least, whatever becomes of it. */
  leastBytes: fc.constantFrom(1, 16_396),
  /** How many of those under way leave then, and which. */
  leaves: fc.array(fc.nat(), { maxLength: 3 }),
  isSealed: fc.boolean(),
});

test('whatever leaves, and whenever, the messages under way stay as they were sealed', (t) => {
  let again = 0;
  fc.assert(
    fc.property(
      fc.constantFrom('none', 'random', 'zero' as Masking),
      fc.array(step, { maxLength: 60 }),
      (masking, steps) => {
        const slab = new MessageSlab(masking);
        const seen = new Set<ArrayBufferLike>();
        const underWay: { message: Uint8Array; copy: Buffer; left: () => void }[] = [];
        for (const [n, { payloadBytes, leastBytes, leaves, isSealed }] of steps.entries()) {
          const room = slab.room(leastBytes);
          if (room.length < leastBytes) throw new Error('less room than was asked for');
          const filled = Math.min(room.length, payloadBytes);
          room.fill(n, 0, filled);
          if (isSealed) {
            const message = slab.seal(filled);
            if (seen.has(message.buffer)) again += 1;
            seen.add(message.buffer);
            underWay.push({ message, copy: Buffer.from(message), left: slab.left });
          }
          for (const leave of leaves) underWay.splice(leave % Math.max(1, underWay.length), 1)[0]?.left();
          for (const { message, copy } of underWay)
            if (!copy.equals(message)) throw new Error('a message was written over');
        }
      },
    ),
    { numRuns },
  );
  t.ok(again > 0, `${again} messages in memory that had been used`);
  t.end();
});
