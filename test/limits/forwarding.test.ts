/**
 * What a backend hears of where a request came from, as it really sees it: from clients that may say nothing of it, and from
 * proxies before ours that are trusted to (RULES 18–21, TRUSTED_PROXIES). And what the access log says.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { connect } from 'node:net';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { readResponse, value, values } from '../e2e/support/message.ts';
import type { Head } from '../e2e/support/message.ts';
import { Wire } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const trustedAddress = '127.0.0.2';
const bench = await startBench(file, { TRUSTED_PROXIES: `${trustedAddress}/32,10.0.0.0/8,fd00::/8` });

let count = 0;

interface Seen {
  readonly head: Head;
  /** The client's address in the access log. */
  readonly logged: unknown;
}

/** Asks from that address with these lines. Gives what the backend saw, and what was logged. */
async function seen(t: Test, from: string, lines: readonly string[], version = '1.1'): Promise<Seen> {
  const path = `/seen/${(count += 1)}`;
  const socket = connect({ host: bench.host, port: bench.port, localAddress: from });
  t.teardown(() => socket.destroy());
  const client = new Wire(socket);
  client.write([`GET ${path} HTTP/${version}`, 'Host: shop.test', ...lines, '', ''].join('\r\n'));
  const asked = await bench.backend.take(path);
  reply(asked);
  t.equal((await readResponse(client)).status, 200);
  const line = await bench.tunnel.proxy?.line((logged) => logged['path'] === path);
  return { head: asked, logged: line?.['client'] };
}

/** Every name that says where a request came from, however it is spelled, in order. */
function claims({ lines }: Head): string[] {
  const names = lines.map((line) => line.slice(0, line.indexOf(':')));
  return names.filter((name) => /forward|real|inverting/i.test(name));
}

const ours = ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host'];

test('a client that says nothing: its address, how it came, which host it asked for, and who we are', async (t) => {
  const { head, logged } = await seen(t, '127.0.0.1', []);
  t.same(claims(head), ours);
  t.equal(value(head, 'x-forwarded-for'), '127.0.0.1');
  t.equal(value(head, 'x-forwarded-proto'), 'http');
  t.equal(value(head, 'x-forwarded-host'), 'shop.test');
  t.match(value(head, 'via'), /^1\.1 inverting-proxy-[0-9a-f]+$/);
  t.equal(logged, '127.0.0.1');
});

const forged = [
  'X-Forwarded-For',
  'x-forwarded-for',
  'X-FORWARDED-FOR',
  'X_Forwarded_For',
  'x_forwarded_for',
  'X-Forwarded_For',
  'X_Forwarded-For',
  'X-Forwarded-Proto',
  'X_FORWARDED_PROTO',
  'X-Forwarded-Host',
  'X_Forwarded_Host',
  'X-Forwarded-Port',
  'X-Forwarded-Server',
  'X-Forwarded-Prefix',
  'X-Forwarded-',
  'X_Forwarded_Anything',
  'Forwarded',
  'forwarded',
  'X-Real-IP',
  'X-REAL-IP',
  'X_Real_IP',
  'X-Real_ip',
  'X-Inverting-Proxy-Client',
  'X_Inverting_Proxy_Client',
];

test('whatever a client claims of where it came from, in whatever spelling, is dropped', async (t) => {
  await beside(t, bench, async () => {
    for (const name of forged) {
      const { head, logged } = await seen(t, '127.0.0.1', [
        `${name}: 203.0.113.9`,
        `${name}: for=203.0.113.9`,
      ]);
      t.same(claims(head), ours, name);
      t.notMatch(head.lines.join('\n'), /203\.0\.113\.9/, `${name}: nothing of its value`);
      t.equal(logged, '127.0.0.1', `${name}: not in the log either`);
    }
  });
});

for (const list of [
  'X-Forwarded-For',
  'x-forwarded-for, X-Forwarded-Proto, X-FORWARDED-HOST',
  'via',
  'Forwarded',
]) {
  test(`Connection: ${list} removes nothing of ours`, async (t) => {
    const { head } = await seen(t, '127.0.0.1', [`Connection: ${list}`, 'X-Forwarded-For: 203.0.113.9']);
    t.same(claims(head), ours);
    t.equal(value(head, 'x-forwarded-for'), '127.0.0.1');
    t.equal(value(head, 'x-forwarded-proto'), 'http');
    t.match(value(head, 'via'), /inverting-proxy-/);
  });
}

for (const [what, chain, handedOn, logged] of [
  ['one client', ['203.0.113.9'], '203.0.113.9, 127.0.0.2', '203.0.113.9'],
  ['a chain', ['203.0.113.9, 10.0.0.7'], '203.0.113.9, 10.0.0.7, 127.0.0.2', '203.0.113.9'],
  ['a chain on two lines', ['203.0.113.9', '10.0.0.7'], '203.0.113.9, 10.0.0.7, 127.0.0.2', '203.0.113.9'],
  [
    'a chain that a stranger began',
    ['198.51.100.1, 203.0.113.9, fd00::7'],
    '198.51.100.1, 203.0.113.9, fd00::7, 127.0.0.2',
    '203.0.113.9',
  ],
  [
    'addresses with ports',
    ['203.0.113.9:4711, [fd00::7]:80'],
    '203.0.113.9:4711, [fd00::7]:80, 127.0.0.2',
    '203.0.113.9',
  ],
  ['IPv6 in another spelling', ['2001:DB8:0::9'], '2001:DB8:0::9, 127.0.0.2', '2001:db8::9'],
  ['nothing', [], '127.0.0.2', '127.0.0.2'],
  ['an empty value', [''], '127.0.0.2', '127.0.0.2'],
  ['no address', ['unknown'], 'unknown, 127.0.0.2', '127.0.0.2'],
  [
    'no address behind one',
    ['203.0.113.9, unknown, 10.0.0.7'],
    '203.0.113.9, unknown, 10.0.0.7, 127.0.0.2',
    '10.0.0.7',
  ],
] as const) {
  test(`a trusted proxy's chain goes on and its address behind it: ${what}`, async (t) => {
    const lines = chain.map((value_) => `X-Forwarded-For: ${value_}`);
    const { head, logged: client } = await seen(t, trustedAddress, lines);
    t.equal(value(head, 'x-forwarded-for'), handedOn);
    t.equal(client, logged);
  });
}

test('a trusted proxy says how the client came and which host it asked for; what it does not say, we do', async (t) => {
  const lines = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: www.shop.test', 'Forwarded: for=203.0.113.9'];
  const { head } = await seen(t, trustedAddress, [
    ...lines,
    'X-Real-IP: 203.0.113.9',
    'X-Forwarded-Port: 443',
  ]);
  t.equal(value(head, 'x-forwarded-proto'), 'https');
  t.equal(value(head, 'x-forwarded-host'), 'www.shop.test');
  t.equal(value(head, 'forwarded'), 'for=203.0.113.9');
  t.equal(value(head, 'x-real-ip'), '203.0.113.9');
  t.equal(value(head, 'x-forwarded-port'), '443');
  const partly = await seen(t, trustedAddress, ['X-Forwarded-Proto: https']);
  t.equal(value(partly.head, 'x-forwarded-proto'), 'https');
  t.equal(value(partly.head, 'x-forwarded-host'), 'shop.test');
  t.equal(value(partly.head, 'x-forwarded-for'), trustedAddress);
});

test('of a trusted proxy, too, a name with _ is nobody’s, and a name in Connection ends here', async (t) => {
  const alias = await seen(t, trustedAddress, ['X_Forwarded_For: 203.0.113.9', 'X_Real_IP: 203.0.113.9']);
  t.same(claims(alias.head), ours);
  t.equal(alias.logged, trustedAddress);
  const ended = await seen(t, trustedAddress, [
    'Connection: X-Forwarded-For',
    'X-Forwarded-For: 203.0.113.9',
  ]);
  t.equal(value(ended.head, 'x-forwarded-for'), trustedAddress);
  t.same(claims(ended.head), ours);
});

test('Via: those before us stay, in order, and we stand behind them with the version we were spoken to in', async (t) => {
  const { head } = await seen(t, '127.0.0.1', [
    'Via: 1.0 fred, 1.1 p.example.net',
    'Via: 2 other (a comment)',
  ]);
  const [first, second, third, ...more] = values(head, 'via');
  t.same([first, second], ['1.0 fred, 1.1 p.example.net', '2 other (a comment)']);
  t.match(third, /^1\.1 inverting-proxy-/);
  t.same(more, []);
  const old = await seen(t, '127.0.0.1', [], '1.0');
  t.match(value(old.head, 'via'), /^1\.0 inverting-proxy-/);
});

test('a request that has passed this proxy is refused with 508, wherever our name stands in Via', async (t) => {
  const { head } = await seen(t, '127.0.0.1', []);
  const name = (value(head, 'via') ?? '').split(' ')[1] ?? '';
  for (const via of [
    `1.1 ${name}`,
    `1.1 ${name.toUpperCase()}`,
    `HTTP/1.1 ${name} (comment)`,
    `1.0 fred, 1.1 ${name}, 1.1 other`,
    `1.0 fred (an open comment, 1.1 ${name}`,
    `1.0 fred\r\nVia: 1.1 ${name}`,
  ]) {
    for (const from of ['127.0.0.1', trustedAddress]) {
      const socket = connect({ host: bench.host, port: bench.port, localAddress: from });
      t.teardown(() => socket.destroy());
      const client = new Wire(socket);
      client.write(`GET /loop HTTP/1.1\r\nHost: shop.test\r\nVia: ${via}\r\n\r\n`);
      t.equal((await readResponse(client)).status, 508, via);
    }
  }
  const other = await seen(t, '127.0.0.1', [`Via: 1.1 ${name}x`, `X-Via: 1.1 ${name}`]);
  t.equal(values(other.head, 'via').length, 2, 'another name is not ours');
});
