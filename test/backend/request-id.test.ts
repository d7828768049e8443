/** The request id that an agent finds in a head when it has to say what failed. */
import { test } from 'tap';
import { requestIdOf } from '../../agent/backend/request-id.ts';

const head = 'GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: abc-1\r\n';

const rows: readonly [string, string, string | undefined][] = [
  ['in a head', `${head}\r\n`, 'abc-1'],
  ['in the head of an upload', `${head}\r\nbody`, 'abc-1'],
  ['in the beginning of a head', head, 'abc-1'],
  ['cut within the id', head.slice(0, -3), undefined],
  ['in no head', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', undefined],
  ['in a body alone', 'POST / HTTP/1.1\r\nHost: h\r\n\r\nx\r\nX-Request-Id: forged\r\n', undefined],
  ['in raw bytes', '\x81\x85', undefined],
];

for (const [what, text, id] of rows) {
  test(what, (t) => {
    t.equal(requestIdOf(Buffer.from(text, 'latin1')), id);
    t.end();
  });
}

test('in nothing', (t) => {
  t.equal(requestIdOf(undefined), undefined);
  t.end();
});
