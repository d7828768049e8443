/**
 * Links that are lost without a word: a way that forwards nothing any more, a process that stands still. Both sides notice
 * within 20 s; what was under way ends at once then, what is safe to send again is, and new requests go elsewhere.
 */
import { createServer, request as httpRequest, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { t as file, test, type Test } from 'tap';
import { type FaultyWay, listenFaultyWay } from './support/faulty-way.ts';
import { listen } from './support/listen.ts';
import { type Program, says } from './support/program.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
} from './support/tunnel.ts';
import type { Target } from './support/wire.ts';

/** 20 s of silence (DESIGN §3), and what a busy machine adds. */
const noticedMs = 26_000;

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly tookMs: number;
}

function ask({ host, port }: Target, path: string, method = 'GET'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const askedMs = performance.now();
  const request = httpRequest({ host, port, path, method, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    response.once('end', () =>
      resolve({ status: response.statusCode, body, tookMs: performance.now() - askedMs }),
    );
    response.once('error', reject);
  });
  request.once('error', reject);
  request.end(method === 'POST' ? 'a body' : undefined);
  return promise;
}

interface Named {
  readonly port: number;
  /** Answers nothing while it is true; what waits is answered when it ends. */
  hold(isHeld: boolean): void;
  readonly held: number;
}

async function startNamed(t: Test, name: string): Promise<Named> {
  let isHeld = false;
  const waiting: (() => void)[] = [];
  const server: Server = createServer((request, response) => {
    const answer = (): void => void response.end(name);
    request.resume();
    if (isHeld) waiting.push(answer);
    else answer();
  });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    port: await listen(server),
    get held() {
      return waiting.length;
    },
    hold(shall) {
      isHeld = shall;
      if (!shall) for (const answer of waiting.splice(0)) answer();
    },
  };
}

/** In pairs: two tunnels take turns, and each is to get both kinds. */
function isGet(number: number): boolean {
  return number % 4 < 2;
}

async function untilHeld(backend: Named, proxy: Proxy, count: number): Promise<Promise<Answer>[]> {
  const asked: Promise<Answer>[] = [];
  backend.hold(true);
  // Least load spreads them: enough are asked for that the one that is to be lost has its share.
  for (let i = 0; i < 2 * count; i += 1) asked.push(ask(proxy, `/held/${i}`, isGet(i) ? 'GET' : 'POST'));
  while (backend.held < count) {
    // oxlint-disable-next-line no-await-in-loop -- polls what another process does
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return asked;
}

interface Pair {
  readonly proxy: Proxy;
  readonly lost: Program;
  readonly lostBackend: Named;
  readonly way: FaultyWay;
  readonly other: Program;
}

/** One agent behind a way that can fail, one beside it, both in front of a backend of their own. */
async function startPair(t: Test): Promise<Pair> {
  const secret = createSecret();
  const [lostBackend, otherBackend] = await Promise.all([startNamed(t, 'lost'), startNamed(t, 'other')]);
  const [proxy, token] = await Promise.all([
    startProxy(t, { secret }),
    mintToken(t, secret, ['--backend', 'default']),
  ]);
  const way = await listenFaultyWay(t, proxy.port);
  const env = { LINKS: '1' };
  const lost = startAgent(t, {
    proxy: { url: `ws://127.0.0.1:${way.port}` },
    token,
    backend: lostBackend.port,
    env,
  });
  const other = startAgent(t, { proxy, token, backend: otherBackend.port, env });
  await Promise.all([linksUp(lost, 1), linksUp(other, 1)]);
  return { proxy, lost, lostBackend, way, other };
}

/** What was under way on the lost link: what is safe is answered by the other, the rest is told why. */
function judge(t: Test, answers: readonly Answer[]): void {
  const posts = answers.filter((_, i) => !isGet(i));
  const gets = answers.filter((_, i) => isGet(i));
  t.ok(
    gets.every(({ status, body }) => status === 200 && body === 'other'),
    'each GET was answered, on the other tunnel where it had to be sent again',
  );
  t.ok(
    gets.some(({ tookMs }) => tookMs > 2_000),
    'some had to be',
  );
  const lostPosts = posts.filter(({ status }) => status === 502);
  t.ok(lostPosts.length > 0, 'a POST that had reached the lost backend is not sent twice');
  t.ok(
    lostPosts.every(({ body }) => /agent_lost/.test(body)),
    'and is told so',
  );
  t.ok(
    posts.every(({ status, body }) => status === 502 || body === 'other'),
    'the others were answered',
  );
  t.ok(
    answers.every(({ tookMs }) => tookMs < noticedMs),
    'none waited longer than a link may be silent',
  );
}

async function allGoTo(t: Test, proxy: Proxy, name: string): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(proxy, `/after/${i}`)));
  t.ok(
    answers.every(({ status, body }) => status === 200 && body === name),
    `new requests go to ${name}`,
  );
}

async function halfOpen(t: Test): Promise<void> {
  const { proxy, lost, lostBackend, way } = await startPair(t);
  const asked = await untilHeld(lostBackend, proxy, 6);
  way.halfOpen();
  const atLost = lost.lines.length;
  judge(t, await Promise.all(asked));
  await proxy.program.line((line) => line['msg'] === 'agent disconnected' && line['code'] === 4000);
  await lost.line((line) => line['msg'] === 'link down' && line['code'] === 4000, atLost, noticedMs);
  await allGoTo(t, proxy, 'other');
  const before = way.accepted;
  t.ok(before >= 1);
  way.heal();
  lostBackend.hold(false);
  // A dial that hangs in the way takes its 10 s, the pause behind it up to 15.
  await linksUp(lost, 1, atLost, 30_000);
  t.pass('the agent is back');
}

async function standsStill(t: Test): Promise<void> {
  const { proxy, lost, lostBackend } = await startPair(t);
  const asked = await untilHeld(lostBackend, proxy, 6);
  lost.signal('SIGSTOP');
  const atLost = lost.lines.length;
  judge(t, await Promise.all(asked));
  await allGoTo(t, proxy, 'other');
  lostBackend.hold(false);
  lost.signal('SIGCONT');
  await lost.line(says('time has jumped: dialling now'), atLost);
  await linksUp(lost, 1, atLost);
  t.pass('it dials at once when it goes on');
}

/** The proxy itself stands still: the agent notices, and is back when it goes on. */
async function proxyStandsStill(t: Test): Promise<void> {
  const { proxy, other } = await startPair(t);
  const from = other.lines.length;
  proxy.program.signal('SIGSTOP');
  await other.line((line) => line['msg'] === 'link down' && line['code'] === 4000, from, noticedMs);
  proxy.program.signal('SIGCONT');
  await linksUp(other, 1, from, 30_000);
  const answers = await Promise.all(Array.from({ length: 4 }, (_, i) => ask(proxy, `/again/${i}`)));
  t.ok(answers.every(({ status }) => status === 200));
}

// Side by side: each waits for silence, and for little else.
file.jobs = 4;

test(
  'a way that accepts and forwards nothing',
  { ...productOnly, buffered: true, timeout: 90_000 },
  halfOpen,
);

test('an agent that stands still', { ...productOnly, buffered: true, timeout: 90_000 }, standsStill);

test('a proxy that stands still', { ...productOnly, buffered: true, timeout: 90_000 }, proxyStandsStill);

test('SIGHUP: an agent that waits because it was refused dials at once', productOnly, async (t) => {
  let dials = 0;
  const server = createTcpServer((socket) => {
    dials += 1;
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  const port = await listen(server);
  t.teardown(() => server.close());
  const agent = startAgent(t, {
    proxy: { url: `ws://127.0.0.1:${port}` },
    token: 'a.b.c',
    backend: 1,
    env: { LINKS: '1' },
  });
  await agent.line(says('refused by the proxy'));
  t.equal(dials, 1);
  const next = new Promise((resolve) => server.once('connection', resolve));
  agent.signal('SIGHUP');
  await next;
  await agent.line(says('looking again (SIGHUP)'));
  t.ok(agent.isRunning);
});
