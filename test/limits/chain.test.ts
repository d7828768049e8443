/** Proxies in a row, and in a circle: who is seen behind the second one, and that a request goes round once (RULES 20, 21). */
import { connect } from 'node:net';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { readResponse, value, values } from '../e2e/support/message.ts';
import type { Message } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { createSecret, linksUp, mintToken, startAgent, startProxy } from '../e2e/support/tunnel.ts';
import type { Env, Proxy } from '../e2e/support/tunnel.ts';
import { Wire } from '../e2e/support/wire.ts';
import type { Target } from '../e2e/support/wire.ts';

/** Behind that proxy, an agent in front of that backend. */
async function join(t: Test, proxy: Proxy, backend: number): Promise<void> {
  const token = await mintToken(t, proxy.secret, ['--backend', 'default']);
  await linksUp(startAgent(t, { proxy, token, backend }), 2);
}

function start(t: Test, env: Env = {}): Promise<Proxy> {
  return startProxy(t, { secret: createSecret(), env });
}

function ask(t: Test, target: Target, path: string, lines = ''): Wire {
  // An address of its own, that of no agent.
  const socket = connect({ host: target.host, port: target.port, localAddress: '127.0.0.9' });
  t.teardown(() => socket.destroy());
  const client = new Wire(socket);
  client.write(`GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${lines}\r\n`);
  return client;
}

const backend = await Recorder.listen(file);
const [first, second] = await Promise.all([start(file), start(file, { TRUSTED_PROXIES: '127.0.0.1/32' })]);
await Promise.all([join(file, first, second.port), join(file, second, Number(backend.address))]);

test('two proxies in a row: the chain names the client and the first, Via both, and the second logs the client', async (t) => {
  const client = ask(t, first, '/chain', 'X-Forwarded-For: 203.0.113.9\r\nVia: 1.0 fred\r\n');
  const asked = await backend.take('/chain');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  asked.release();
  t.equal((await readResponse(client)).body.toString(), 'ok');
  t.equal(value(asked, 'x-forwarded-for'), '127.0.0.9, 127.0.0.1', 'and not what the client claims');
  t.equal(value(asked, 'x-forwarded-proto'), 'http');
  t.equal(value(asked, 'x-forwarded-host'), 'shop.test');
  const [before, one, two, ...more] = values(asked, 'via');
  t.equal(before, '1.0 fred');
  t.match(one, /^1\.1 inverting-proxy-/);
  t.match(two, /^1\.1 inverting-proxy-/);
  t.not(one, two, 'each has a name of its own');
  t.same(more, []);
  const logged = await second.program.line((line) => line['path'] === '/chain');
  t.equal(logged['client'], '127.0.0.9');
});

test('a request that comes round to the proxy that sent it is refused there, once, and the client is told', async (t) => {
  const circle = await start(t);
  await join(t, circle, circle.port);
  const answer = await readResponse(ask(t, circle, '/circle'));
  t.equal(answer.status, 508);
  t.match(answer.body.toString(), /loop/, 'in words: Proxy-Status of a backend is not handed on');
  await circle.program.line((line) => line['path'] === '/circle');
  const passes = circle.program.lines.filter((line) => line['msg'] === 'exchange' && line['status'] === 508);
  t.equal(passes.length, 2, 'once on its way, and once refused');
});

test('a circle of two proxies ends as well', async (t) => {
  const [there, back] = await Promise.all([start(t), start(t, { TRUSTED_PROXIES: '127.0.0.0/8' })]);
  await Promise.all([join(t, there, back.port), join(t, back, there.port)]);
  const answers: Message[] = await Promise.all(
    [there, back].map((target) => readResponse(ask(t, target, '/round', 'Connection: Via\r\n'))),
  );
  t.same(
    answers.map(({ status }) => status),
    [508, 508],
  );
});

test('a proxy that does not trust the one before it sees that one alone', async (t) => {
  const last = await Recorder.listen(t);
  const [outer, inner] = await Promise.all([start(t), start(t)]);
  await Promise.all([join(t, outer, inner.port), join(t, inner, Number(last.address))]);
  const client = ask(t, outer, '/distrust');
  const asked = await last.take('/distrust');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.equal((await readResponse(client)).status, 200);
  t.equal(value(asked, 'x-forwarded-for'), '127.0.0.1');
});
