/** ADMIN_HOST, ADMIN_PORT and ADMIN_TOKEN of both programs: what may stand there, and what must stand together. */
import { test } from 'tap';
import { loadAgentSettings } from '../../agent/config.ts';
import { loadProxySettings } from '../../proxy/config.ts';
import { linesOf, sourcesOf } from '../config/sources.ts';

const token = 'x'.repeat(32);
const agentBase = { PROXY_URL: 'wss://tunnel.example.com', TOKEN: 'abc', BACKEND: '3000' };

const programs = [
  { name: 'proxy', load: (env: Record<string, string>) => loadProxySettings(sourcesOf({ env })) },
  {
    name: 'agent',
    load: (env: Record<string, string>) => loadAgentSettings(sourcesOf({ env: { ...agentBase, ...env } })),
  },
] as const;

test('the port is a port or the word off; the proxy has one by default, the agent none', (t) => {
  const [proxy, agent] = programs;
  t.equal(proxy.load({}).adminPort, 9090);
  t.equal(agent.load({}).adminPort, 'off');
  for (const { name, load } of programs) {
    t.equal(load({}).adminHost, '127.0.0.1', name);
    for (const [text, value] of [
      ['0', 0],
      ['65535', 65_535],
      ['off', 'off'],
    ] as const)
      t.equal(load({ ADMIN_PORT: text }).adminPort, value, `${name} ${text}`);
    for (const text of ['65536', '-1', 'OFF', 'no', '9090x', ' ']) {
      t.strictSame(
        linesOf(() => load({ ADMIN_PORT: text })),
        [
          `ADMIN_PORT=${JSON.stringify(text)} (environment) is not a port: give a number from 0 to 65535, or off`,
        ],
        `${name} ${text}`,
      );
    }
  }
  t.end();
});

function noToken(host: string): string {
  return `ADMIN_TOKEN is missing while ADMIN_HOST=${host} lets others in: give a token of at least 32 bytes, or listen on 127.0.0.1`;
}

test('beyond loopback there is no listener without a token', (t) => {
  const own = [
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '[::1]',
    'localhost',
    'LocalHost',
    '::ffff:127.0.0.1',
    '0:0:0:0:0:0:0:1',
  ];
  const open = [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    '::2',
    'proxy.internal',
    'localhost.example.com',
    '::ffff:10.0.0.1',
  ];
  for (const { name, load } of programs) {
    for (const host of own) {
      t.strictSame(
        linesOf(() => load({ ADMIN_PORT: '0', ADMIN_HOST: host })),
        [],
        `${name} ${host}`,
      );
    }
    for (const host of open) {
      const env = { ADMIN_PORT: '0', ADMIN_HOST: host };
      t.strictSame(
        linesOf(() => load(env)),
        [noToken(host)],
        `${name} ${host}`,
      );
      t.equal(load({ ...env, ADMIN_TOKEN: token }).adminToken, token, `${name} ${host} with a token`);
      t.strictSame(
        linesOf(() => load({ ...env, ADMIN_PORT: 'off' })),
        [],
        `${name} ${host} switched off`,
      );
    }
  }
  t.end();
});

test('a token is a secret of 32 bytes, which may lie in a file', (t) => {
  for (const { name, load } of programs) {
    const [line = '', ...more] = linesOf(() => load({ ADMIN_TOKEN: 'hunter2' }));
    t.strictSame(more, []);
    t.match(line, 'ADMIN_TOKEN (environment) is 7 bytes long: give at least 32 bytes', name);
    t.notMatch(line, 'hunter2');
  }
  const env = { ...agentBase, ADMIN_HOST: '::', ADMIN_PORT: '0', ADMIN_TOKEN_FILE: '/run/admin' };
  const files = { '/run/admin': `${token}\n` };
  t.equal(loadAgentSettings(sourcesOf({ env, files })).adminToken, token);
  t.equal(loadProxySettings(sourcesOf({ env, files })).adminToken, token);
  t.end();
});
