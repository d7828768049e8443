/** Every raw message of vectors.json gets its verdict: whole, byte by byte, and cut in two at every offset. */
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { byteByByte, cutAt } from './pieces.ts';
import { verdictOf } from './verdict.ts';

interface Vector {
  readonly id: string;
  readonly name: string;
  readonly kind: 'request' | 'response';
  readonly method?: string;
  readonly base64: string;
  readonly expect: string;
}

const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

/** R38 says in words what the others say as a verdict: QUERY is forwarded, and Content-Length: 0 is no body. */
const IN_OTHER_WORDS: Readonly<Record<string, string>> = { R38: 'QUERY /a none' };

test('all vectors are here', (t) => {
  t.equal(vectors.length, 203);
  t.end();
});

for (const vector of vectors) {
  test(`${vector.id} ${vector.name}`, (t) => {
    const bytes = new Uint8Array(Buffer.from(vector.base64, 'base64'));
    const expected = IN_OTHER_WORDS[vector.id] ?? vector.expect;
    t.equal(verdictOf([bytes], vector), expected, 'whole');
    t.equal(verdictOf(byteByByte(bytes), vector), expected, 'byte by byte');
    t.equal(verdictOf([bytes], { ...vector, readBytes: 1 }), expected, 'body taken a byte at a time');
    const differing = [];
    for (let offset = 1; offset < bytes.length; offset++) {
      if (verdictOf(cutAt(bytes, offset), vector) !== expected) differing.push(offset);
    }
    t.strictSame(differing, [], 'cut anywhere');
    t.end();
  });
}
