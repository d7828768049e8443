/**
 * A gigabyte through the tunnel, each way and both at once: the same bytes at both ends, and neither program ever holds
 * more than a window of them. `E2E_BYTES` sets another size.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { t as file, test, type Test } from 'tap';
import { bulkBody, type Sum, Summing } from './support/bulk.ts';
import { Program, says } from './support/program.ts';
import { isDirect, startTunnel } from './support/tunnel.ts';

const bytes = Number(process.env['E2E_BYTES'] ?? 1024 ** 3);
const peakRssLimitBytes = 200e6;

const backend = Program.start(file, 'test/e2e/support/bulk-backend.ts', { measured: true });
const { port } = await backend.line(says('listening'));
const tunnel = await startTunnel(file, { backend: Number(port), measured: true });

async function send(
  method: string,
  path: string,
  body?: { stream: Summing; sized: boolean },
): Promise<IncomingMessage> {
  const answer = Promise.withResolvers<IncomingMessage>();
  const { host } = tunnel;
  const headers = body?.sized === true ? { 'content-length': bytes } : {};
  const request = httpRequest({ host, port: tunnel.port, method, path, headers, agent: false });
  request.once('response', answer.resolve);
  request.once('error', answer.reject);
  const sending = body === undefined ? request.end() : pipeline(bulkBody(bytes), body.stream, request);
  const [response] = await Promise.all([answer.promise, sending]);
  return response;
}

async function json(answer: IncomingMessage): Promise<unknown> {
  return JSON.parse(await text(answer));
}

async function download(name: string, query = ''): Promise<{ got: Sum; sent: unknown }> {
  const summing = new Summing();
  const sink = new Writable({ write: (_bytes, _encoding, done) => done() });
  await pipeline(await send('GET', `/down/${name}?bytes=${bytes}${query}`), summing, sink);
  return { got: summing.sum, sent: await json(await send('GET', `/sum/${name}`)) };
}

async function upload(name: string, sized: boolean): Promise<{ got: unknown; sent: Sum }> {
  const stream = new Summing();
  const got = await json(await send('PUT', `/up/${name}`, { stream, sized }));
  return { got, sent: stream.sum };
}

async function memoryStaysBounded(t: Test): Promise<void> {
  if (isDirect) return;
  for (const program of [tunnel.proxy, tunnel.agent]) {
    if (program === undefined) continue;
    const peak = await program.peakRssBytes();
    t.comment(`${program.name}: at most ${Math.round(peak / 1e6)} MB`);
    t.ok(peak < peakRssLimitBytes, `${program.name} never had ${peakRssLimitBytes / 1e6} MB`);
  }
}

function rate(t: Test, startMs: number, moved: number): void {
  const seconds = (performance.now() - startMs) / 1000;
  t.comment(`${(moved / 1e6 / seconds).toFixed(0)} MB/s, ${seconds.toFixed(1)} s`);
}

test('a sized download arrives whole, in bounded memory', async (t) => {
  const startMs = performance.now();
  const { got, sent } = await download('sized');
  rate(t, startMs, bytes);
  t.equal(got.bytes, bytes);
  t.same(got, sent);
  await memoryStaysBounded(t);
});

test('a sized upload arrives whole, in bounded memory', async (t) => {
  const startMs = performance.now();
  const { got, sent } = await upload('sized', true);
  rate(t, startMs, bytes);
  t.equal(sent.bytes, bytes);
  t.same(got, sent);
  await memoryStaysBounded(t);
});

test('a chunked download and a chunked upload at the same time arrive whole, in bounded memory', async (t) => {
  const startMs = performance.now();
  const [down, up] = await Promise.all([download('both', '&chunked'), upload('both', false)]);
  rate(t, startMs, 2 * bytes);
  t.equal(down.got.bytes, bytes);
  t.same(down.got, down.sent);
  t.equal(up.sent.bytes, bytes);
  t.same(up.got, up.sent);
  await memoryStaysBounded(t);
});
