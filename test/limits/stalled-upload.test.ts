/** A backend that neither takes the rest of an upload nor answers it: the exchange ends after IDLE_TIMEOUT. */
import { t as file, test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import { startBench } from './bench.ts';

const bench = await startBench(file, { RESPONSE_TIMEOUT: '60s', IDLE_TIMEOUT: '1s', BODY_TIMEOUT: '60s' });

test('a backend that takes no body and says nothing is answered for by 504', async (t) => {
  const client = await dial(t, bench);
  const bytes = 64 * 1024 * 1024;
  client.write(`PUT /stall HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n`);
  const asked = await bench.backend.take('/stall');
  asked.wire.socket.pause();
  client.write(Buffer.alloc(bytes, 'b'));
  const answer = await readResponse(client, 'PUT');
  t.equal(answer.status, 504);
  t.match(value(answer, 'proxy-status'), 'backend_timeout');
});
