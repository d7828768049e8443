/** The request id that an agent finds in a head when it has to say what failed. */
import { test } from 'tap';
import { requestIdOf } from '../../agent/backend/request-id.ts';
import { Backend, serve } from './backend.ts';

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

const asked = 'GET / HTTP/1.1\r\nX-Request-Id: abc-1\r\n\r\n';
for (const answer of ['', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nhalf of']) {
  test(`whose request has failed is told, ${answer === '' ? 'before an answer' : `behind ${answer.slice(9, 12)}`}`, async (t) => {
    const backend = await Backend.listen(t);
    const serving = await serve(t, backend.address);
    const exchange = serving.exchange();
    exchange.say(asked);
    const wire = await backend.wire(1);
    await wire.until(asked);
    if (answer !== '') {
      wire.write(answer);
      await exchange.hears(answer);
      exchange.say('and more, which is no head');
      await wire.until('no head');
    }
    wire.socket.resetAndDestroy();
    t.equal(await exchange.ends(), 'reset backendReset');
    t.equal(serving.failures[0]?.requestId, 'abc-1');
  });
}
