/**
 * The agents' door: who has no right to come in is refused before the upgrade, is told why, and nothing is routed. Seen
 * from both sides: by the raw HTTP answer, and by what the agent says in its log.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test, type Test } from 'tap';
import { type Message, readHead, readResponse, status, value } from './support/message.ts';
import { type Program, says } from './support/program.ts';
import { Recorder } from './support/recorder.ts';
import {
  createSecret,
  isDirect,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
  type Env,
} from './support/tunnel.ts';
import { dial, type Target } from './support/wire.ts';

const door = '/.well-known/inverting-proxy/agent';
const hour = ['--ttl', '1h'] as const;

/** A handshake as an agent makes it, by hand. */
function handshake(query: string, authorization?: string): string {
  return [
    `GET ${door}${query} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: inverting-proxy.v1',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    '\r\n',
  ].join('\r\n');
}

async function knock(t: Test, target: Target, query: string, authorization?: string): Promise<Message> {
  const client = await dial(t, target);
  client.write(handshake(query, authorization));
  return readResponse(client);
}

/** The answer is a refusal with a reason that a person can act on and that gives nothing away. */
function isRefusal(
  t: Test,
  message: Message,
  wanted: number,
  reason: RegExp,
  secrets: readonly string[],
): void {
  t.equal(message.status, wanted);
  t.match(value(message, 'content-type'), /^application\/json\b/);
  const body: unknown = JSON.parse(message.body.toString());
  const told = typeof body === 'object' && body !== null && 'reason' in body ? String(body.reason) : '';
  t.match(told, reason);
  for (const secret of secrets) t.notMatch(message.body.toString(), secret);
}

/** How long a token still lives, by its own word. */
function remainingMs(token: string): number {
  const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const exp =
    typeof payload === 'object' && payload !== null && 'exp' in payload ? Number(payload.exp) : Number.NaN;
  return exp * 1000 - Date.now();
}

/** A token with one bit of its signature turned. */
function forged(token: string): string {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return [head, payload, bytes.toString('base64url')].join('.');
}

/** The claims of a token, unsigned: `alg: none` (RFC 8725 §3.1). */
function unsigned(token: string): string {
  return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${token.split('.')[1] ?? ''}.`;
}

async function suite(): Promise<void> {
  const secret = createSecret();
  const backend = await Recorder.listen(file);
  const [proxy, expired, good, other, ofHost, ofPath, foreign] = await Promise.all([
    // An expired token is to be one at once.
    startProxy(file, { secret, env: { AGENT_CLOCK_SKEW: '0' } }),
    mintToken(file, secret, ['--backend', 'default', '--ttl', '1s']),
    mintToken(file, secret, ['--backend', 'default', ...hour]),
    mintToken(file, secret, ['--backend', 'other', ...hour]),
    mintToken(file, secret, ['--backend', 'default', '--host', 'granted.example.com', ...hour]),
    mintToken(file, secret, ['--backend', 'default', '--path', '/granted', ...hour]),
    mintToken(file, createSecret(), ['--backend', 'default', ...hour]),
  ]);
  await new Promise((resolve) => setTimeout(resolve, remainingMs(expired) + 50));

  const asked = '?backend=default';
  const rows: readonly [string, number, RegExp, string, string | undefined][] = [
    ['no token', 401, /token/i, asked, undefined],
    ['an empty token', 401, /token/i, asked, 'Bearer '],
    ['another scheme', 401, /token/i, asked, 'Basic dXNlcjpwYXNz'],
    ['a token that is none', 401, /token/i, asked, 'Bearer not.a.token'],
    ['a token of another secret', 401, /not signed with this proxy's secret/, asked, `Bearer ${foreign}`],
    [
      'a token with a forged signature',
      401,
      /not signed with this proxy's secret/,
      asked,
      `Bearer ${forged(good)}`,
    ],
    ['an unsigned token', 401, /token|signature|algorithm/i, asked, `Bearer ${unsigned(good)}`],
    ['an expired token', 401, /expired/i, asked, `Bearer ${expired}`],
    ['a token for another backend', 403, /default/, asked, `Bearer ${other}`],
    [
      'a token for another host',
      403,
      /asked\.example\.com/,
      `${asked}&host=asked.example.com`,
      `Bearer ${ofHost}`,
    ],
    ['a token for another path', 403, /\/asked/, `${asked}&path=/asked`, `Bearer ${ofPath}`],
    ['a token whose path only looks alike', 403, /\/granted2/, `${asked}&path=/granted2`, `Bearer ${ofPath}`],
  ];
  for (const [what, wanted, reason, query, authorization] of rows) {
    test(`${what} is refused with ${wanted} before the upgrade`, async (t) => {
      const message = await knock(t, proxy, query, authorization);
      const token = authorization?.split(' ')[1] ?? '';
      isRefusal(t, message, wanted, reason, [secret, ...(token.length > 20 ? [token] : [])]);
    });
  }

  test('the same handshake with a good token is let in', async (t) => {
    const client = await dial(t, proxy);
    client.write(handshake(asked, `Bearer ${good}`));
    const head = await readHead(client);
    t.equal(status(head), 101);
    t.equal(value(head, 'sec-websocket-protocol'), 'inverting-proxy.v1');
    t.equal(value(head, 'sec-websocket-extensions'), undefined, 'and nothing is compressed');
    t.equal(value(head, 'sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'RFC 6455 §1.3');
    client.reset();
  });

  test('after all that nothing is routed, and nothing reached the backend', async (t) => {
    const client = await dial(t, proxy);
    client.write('GET / HTTP/1.1\r\nHost: anything.test\r\n\r\n');
    t.match(String((await readResponse(client)).status), /^(404|503)$/);
    t.equal(backend.connections, 0);
  });

  const agents: readonly [string, number, RegExp, string, Env][] = [
    ['of another secret', 401, /not signed with this proxy's secret/, foreign, {}],
    ['that has expired', 401, /expired/i, expired, {}],
    ['for another backend', 403, /default/, other, {}],
    ['for another host', 403, /asked\.example\.com/, ofHost, { HOSTS: 'asked.example.com' }],
  ];
  for (const [what, wanted, reason, token, env] of agents) {
    test(`an agent with a token ${what} says plainly that it was refused, once, and goes on living`, async (t) => {
      const agent = startAgent(t, { proxy, token, backend: backend.address, env: { LINKS: '1', ...env } });
      const line = await agent.line(says('refused by the proxy'));
      t.equal(line['status'], wanted);
      t.match(String(line['reason']), reason);
      t.ok(agent.isRunning);
      t.equal(agent.lines.filter(says('refused by the proxy')).length, 1);
      t.equal(agent.lines.some(says('link up')), false);
      t.notMatch(agent.output, token, 'and its log does not hold the token');
    });
  }

  test('a client at the door gets 401, and nothing of it reaches a backend that is there', async (t) => {
    const agent = startAgent(t, { proxy, token: good, backend: backend.address });
    await linksUp(agent, 2);
    for (const request of [
      `GET ${door} HTTP/1.1\r\nHost: door.test\r\n\r\n`,
      `POST ${door} HTTP/1.1\r\nHost: door.test\r\nContent-Length: 4\r\n\r\nbody`,
      handshake(asked),
      handshake(''),
    ]) {
      // One after the other: a refusal may close the connection.
      const client = await dial(t, proxy);
      client.write(request);
      t.equal((await readResponse(client)).status, 401);
    }
    t.equal(backend.connections, 0, 'the backend saw nobody');
  });

  await claims(proxy, secret, backend);
}

/** Two ids that want the same route: the second is told which, and the first goes on serving. */
async function claims(proxy: Proxy, secret: string, backend: Recorder): Promise<void> {
  test('a route that another id holds is refused with 409 by its name', async (t) => {
    const [one, two] = await Promise.all([
      mintToken(t, secret, ['--backend', 'one', '--host', 'shared.example.com', '--path', '/app']),
      mintToken(t, secret, ['--backend', 'two', '--host', 'shared.example.com', '--path', '/app']),
    ]);
    const env = { HOSTS: 'shared.example.com', PATHS: '/app', LINKS: '1' };
    const start = (id: string, token: string, address: number | string): Program =>
      startAgent(t, { proxy, token, backend: address, env: { ...env, BACKEND_ID: id } });
    const holder = start('one', one, backend.address);
    await linksUp(holder, 1);

    const query = '?backend=two&host=shared.example.com&path=/app';
    isRefusal(t, await knock(t, proxy, query, `Bearer ${two}`), 409, /shared\.example\.com/, [two]);

    const late = await Recorder.listen(t);
    const refused = start('two', two, late.address);
    const line = await refused.line(says('refused by the proxy'));
    t.equal(line['status'], 409);
    t.match(String(line['reason']), /shared\.example\.com.*\/app/);

    const client = await dial(t, proxy);
    client.write('GET /app/x HTTP/1.1\r\nHost: shared.example.com\r\n\r\n');
    const request = await backend.take('/app/x');
    request.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none');
    t.equal((await readResponse(client)).body.toString(), 'one');
    t.equal(late.connections, 0);

    const second = start('one', one, backend.address);
    await linksUp(second, 1);
    t.pass('and a second agent of the same id shares the route');
  });
}

if (isDirect) test('the agents’ door', productOnly, () => {});
else await suite();
