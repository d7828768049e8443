/**
 * SIGTERM: an idle program ends at once with 0; one that is in the middle of an exchange finishes it first and takes
 * nothing new.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { connect } from 'node:net';
import { t as file, test, type Test } from 'tap';
import { within } from './support/deadline.ts';
import { readHead, readResponse, status } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { productOnly, startTunnel } from './support/tunnel.ts';
import { dial, type Target } from './support/wire.ts';

const backend = await Recorder.listen(file);
const idleEndMs = 2000;

/** Tries until a new request is no longer served: by then the signal has arrived. Rejects after two seconds. */
async function nobodyNewIsServed(target: Target): Promise<void> {
  const trying = async (): Promise<void> => {
    while (!(await isRefused(target)));
  };
  await within(2000, () => 'a new request to be refused', trying());
}

/** Refused: no connection, a connection without an answer, or an answer of the proxy. A backend never answers here. */
async function isRefused(target: Target): Promise<boolean> {
  const outcome = Promise.withResolvers<boolean>();
  const socket = connect(target.port, target.host);
  const giveUp = setTimeout(() => outcome.resolve(false), 200);
  for (const event of ['error', 'close', 'data']) socket.once(event, () => outcome.resolve(true));
  socket.once('connect', () => socket.write('GET /too-late HTTP/1.1\r\nHost: shutdown.test\r\n\r\n'));
  return outcome.promise.finally(() => {
    clearTimeout(giveUp);
    // A FIN would be a half-close: whoever sends that still waits for an answer, and the program would wait with it.
    socket.resetAndDestroy();
  });
}

async function endsIdle(t: Test, signal: NodeJS.Signals): Promise<void> {
  const { proxy, agent } = await startTunnel(t, { backend: backend.address });
  if (proxy === undefined || agent === undefined) return;
  for (const program of [agent, proxy]) {
    const startMs = performance.now();
    program.signal(signal);
    // One after the other: the agent leaves a proxy that is there, the proxy ends without agents.
    t.same(await program.end(idleEndMs), { code: 0, signal: null });
    t.comment(`${program.name} ended after ${(performance.now() - startMs).toFixed(0)} ms`);
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends an idle agent and an idle proxy with 0 within two seconds`, productOnly, (t) =>
    endsIdle(t, signal),
  );
}

test(
  'an idle proxy ends within two seconds though agents and kept connections are there',
  productOnly,
  async (t) => {
    const tunnel = await startTunnel(t, { backend: backend.address });
    const client = await dial(t, tunnel);
    client.write('GET /kept HTTP/1.1\r\nHost: shutdown.test\r\n\r\n');
    const asked = await backend.take('/kept');
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await readResponse(client);
    asked.release();
    tunnel.proxy?.signal('SIGTERM');
    t.same(await tunnel.proxy?.end(idleEndMs), { code: 0, signal: null });
    t.equal(await client.left(), 'fin', 'a client that waits for nothing is closed, not reset');
    t.ok(tunnel.agent?.isRunning, 'the agent goes on and looks for a proxy');
  },
);

for (const who of ['proxy', 'agent'] as const) {
  test(`SIGTERM to the ${who} lets an open exchange finish first`, productOnly, async (t) => {
    // Without an agent a request would wait for one; here it is to be refused.
    const proxyEnv = { QUEUE_TIMEOUT: '0s' };
    const tunnel = await startTunnel(t, { backend: backend.address, proxyEnv });
    const program = tunnel[who];
    const client = await dial(t, tunnel);
    client.write(`GET /open/${who} HTTP/1.1\r\nHost: shutdown.test\r\n\r\n`);
    const asked = await backend.take(`/open/${who}`);
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nfirst half');
    t.equal(status(await readHead(client)), 200);
    t.equal((await client.take(10)).toString(), 'first half');
    program?.signal('SIGTERM');
    await nobodyNewIsServed(tunnel);
    t.ok(program?.isRunning, 'it waits for the exchange');
    asked.wire.write('second half');
    t.equal((await client.take(11)).toString(), 'second half');
    t.same(await program?.end(idleEndMs), { code: 0, signal: null });
    asked.wire.socket.destroy();
  });
}
