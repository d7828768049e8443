/** Lines that wait: their memory goes round also while others are gathered. */
import { test } from 'tap';
import { LineBlocks } from '../../shared/log/line-blocks.ts';

test('a block that comes back while another one fills is the next one', (t) => {
  const blocks = new LineBlocks();
  blocks.add('one\n');
  const first = blocks.take();
  if (first === undefined) throw new Error('nothing waits');
  blocks.add('two\n');
  blocks.giveBack(first);
  blocks.add('three\n');
  const second = blocks.take();
  t.equal(second?.toString(), 'two\nthree\n');
  blocks.add('four\n');
  const third = blocks.take();
  t.equal(third?.toString(), 'four\n');
  t.equal(third?.buffer, first.buffer);
  t.equal(second?.toString(), 'two\nthree\n', 'what is being written stays as it is');
  t.end();
});
