/** A peer that asks and never reads the answers: what waits for it is bounded. */
import { test } from 'tap';
import { LinkSide, peerPair } from './links.ts';
import { turns } from './until.ts';

test('control messages to a peer that does not read them are bounded, and then the link is lost', async (t) => {
  const { proxy } = await peerPair(t);
  const side = new LinkSide(proxy, 'server', {});
  const answer = 'x'.repeat(10_000);
  let most = 0;
  for (let n = 0; n < 5_000 && side.link.isOpen; n += 1) {
    side.link.sendControl(answer);
    most = Math.max(most, side.link.unsentBytes);
    // oxlint-disable-next-line no-await-in-loop -- each in its turn, as the answers are
    await turns(1);
  }
  t.ok(most < 512 * 1024, `${most} bytes wait`);
  t.match(await side.ended.promise, { code: 1006 });
});
