/** An answer larger than all windows, and a client slower than its backend: every byte arrives, whatever carries it. */
import { createHash } from 'node:crypto';
import { test } from 'tap';
import { createCertificate } from '../e2e/support/certificate.ts';
import { until } from '../transport/until.ts';
import { Backend, serve } from './backend.ts';

const certificate = createCertificate();
const answer = Buffer.from(Uint32Array.from({ length: 1_000_000 }, (_, n) => n).buffer);

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

for (const [kind, options] of [
  ['tcp', {}],
  ['tls', { tls: certificate }],
] as const) {
  test(`${kind}: four megabytes to a reader that takes one piece a turn`, async (t) => {
    const backend = await Backend.listen(t, options);
    const serving = await serve(t, backend.address, { ca: certificate.cert });
    const { stream } = serving.exchange();
    const heard: Buffer[] = [];
    let bytesHeard = 0;
    stream.handler = {
      onData: (from, bytes) => {
        heard.push(Buffer.from(bytes));
        bytesHeard += bytes.length;
        setTimeout(() => from.consume(bytes.length), 1);
      },
      onEnd: () => {},
      onReset: () => {},
      onWritable: () => {},
    };
    stream.write(Buffer.from('?'));
    const wire = await backend.wire(1);
    await wire.until('?');
    wire.write(answer);
    wire.end();
    await until('the end of the answer', () => stream.endReceived);
    t.equal(bytesHeard, answer.length);
    t.equal(hashOf(Buffer.concat(heard)), hashOf(answer));
  });
}
