/**
 * A server that is published twice, as `/` for everybody and as `/admin` for some: no way of writing a path leads around the
 * rule of `/admin`, and no honest path of `/` is refused.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { createServer } from 'node:http';
import * as fc from 'fast-check';
import { test } from 'tap';
import { createPathCheck } from '../../proxy/access/path-check.ts';
import { isPlain, readingsOf } from '../../proxy/access/readings.ts';
import type { BackendRecord } from '../../proxy/records/record.ts';
import { RouteTable } from '../../proxy/routing/routes.ts';
import { listen } from '../e2e/support/listen.ts';
import { says } from '../e2e/support/program.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  startAgent,
  startProxy,
} from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import { honest, tricks } from './support/tricks.ts';
import { ask } from './support/visit.ts';

const base = { hosts: [], paths: [], forwardIdentity: false, keepAuthorization: false, limits: {} };
const everywhere = { allow: [], deny: [] };
const guards: readonly (readonly [string, Partial<BackendRecord>])[] = [
  ['signed-in', { access: { kind: 'signed-in' } }],
  ['networks', { access: { kind: 'public' }, networks: { allow: ['10.0.0.0/8'], deny: [] } }],
];

/** What the check says of a path at a host where `/admin` is guarded and all else is not. */
function judge(path: string, guard: Partial<BackendRecord>, routes = [['*', '/admin', 'admin']]): string {
  const table = new RouteTable();
  table.set({ host: '*', path: '/' }, 'open');
  for (const [host = '', prefix = '', id = ''] of routes) table.set({ host, path: prefix }, id);
  const recordOf = (id: string): BackendRecord | undefined =>
    id === 'open' ? undefined : { ...base, id, networks: everywhere, ...guard };
  const check = createPathCheck({
    recordOf,
    defaultAccess: { kind: 'public' },
    backendsAlike: (host, other) => table.findAlike(host, other),
    backendsAt: (host) => table.holdersAt(host),
  });
  const { exchange } = ask({ target: path });
  const backendId = table.find(exchange.meaning.host, path) ?? '';
  const visit = { exchange, backendId, record: recordOf(backendId), rule: { kind: 'public' } as const };
  const rest = { user: undefined, withheldCookies: [], withholdsAuthorization: false };
  const verdict = check({ ...visit, ...rest, fields: [], responseFields: [] });
  if (verdict instanceof Promise) throw new Error('a path is judged at once');
  return verdict === undefined ? backendId : verdict.code;
}

for (const path of tricks) {
  test(`${encodeURI(path)} is refused, or is /admin's`, (t) => {
    for (const [name, guard] of guards) {
      const verdict = judge(path, guard);
      t.ok(verdict === 'path_ambiguous' || verdict === 'admin', `${name}: ${verdict}`);
    }
    t.equal(
      judge(path, { access: { kind: 'public' } }),
      'open',
      'where nothing is guarded, nothing is refused',
    );
    t.end();
  });
}

for (const path of honest) {
  test(`${path} is as good as it was`, (t) => {
    for (const [, guard] of guards) t.equal(judge(path, guard), 'open');
    t.end();
  });
}

test('a guard at one host is found though the raw path is of another pattern', (t) => {
  const routes = [['shop.example.com', '/admin', 'admin']];
  t.equal(judge('/%61dmin', { access: { kind: 'signed-in' } }, routes), 'path_ambiguous');
  const elsewhere = [['bank.example.com', '/admin', 'admin']];
  t.equal(
    judge('/%61dmin', { access: { kind: 'signed-in' } }, elsewhere),
    'open',
    "another host's is none of it",
  );
  t.end();
});

test('a path is judged by the longest prefix, as routing does', (t) => {
  const routes = [
    ['*', '/admin', 'admin'],
    ['*', '/admin/Public', 'open'],
  ];
  const guard = { access: { kind: 'signed-in' } } as const;
  t.equal(judge('/admin/Public/x', guard, routes), 'open');
  t.equal(judge('/admin/Public/../x', guard, routes), 'path_ambiguous');
  t.equal(judge('/admin/Public/%2e%2e/x', guard, routes), 'path_ambiguous');
  t.equal(judge('/admin/Public//x', guard, routes), 'open');
  const cases = [
    ['*', '/A', 'admin'],
    ['*', '/a', 'open'],
  ];
  t.equal(judge('/a/X', guard, cases), 'open', 'routes that differ in case alone are two on purpose');
  t.end();
});

test('a guarded prefix in capitals or with percent-encodings is no way around it either', (t) => {
  const rows: readonly (readonly [prefix: string, ...paths: string[]])[] = [
    ['/Admin', '/admin', '/admin/panel', '/ADMIN/panel', '/%61dmin', '/x/../admin'],
    ['/caf%C3%A9', '/caf%c3%a9', '/c%61f%C3%A9', '/Caf%C3%A9/x', '/x/../caf%c3%a9/y'],
    ['/a%64min', '/admin', '/admin/x', '/Admin', '/a%64min/../admin'],
  ];
  for (const [prefix, ...paths] of rows) {
    for (const path of paths) {
      const verdict = judge(path, { access: { kind: 'signed-in' } }, [['*', prefix, 'admin']]);
      t.ok(verdict === 'path_ambiguous' || verdict === 'admin', `${prefix} ${path}: ${verdict}`);
    }
    t.equal(judge('/x/y', { access: { kind: 'signed-in' } }, [['*', prefix, 'admin']]), 'open');
  }
  t.end();
});

test('what is called plain has one reading', (t) => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '/',
    '.',
    '%',
    ';',
    '\\',
    ' ',
    '~',
    '-',
    '2e',
    '%2f',
    '..',
    '?',
    '0',
  );
  const path = fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(path, (text) => {
      const readings = readingsOf(text);
      return !isPlain(text) || readings?.size === 1;
    }),
    { numRuns: 5_000 },
  );
  t.equal(readingsOf('/a/B.c')?.size, 1);
  t.end();
});

test('a path of any length is judged in bounded work, and in none where nothing is guarded', (t) => {
  const pieces = [
    '%2525252525',
    '/../',
    '/.;/',
    '%c0%ae/',
    '\\/',
    ';%3b',
    '/%2e%2e;/x.',
    'x%20/',
    'ab%41;x/./y',
  ];
  const mixed = Array.from({ length: 3_000 }, (_, at) => pieces[(at * at) % pieces.length]).join('');
  const paths = [...pieces.map((piece) => piece.repeat(30_000 / piece.length)), mixed.slice(0, 30_000)];
  for (const rest of paths) {
    const path = `/${rest}`;
    let characters = 0;
    for (const reading of readingsOf(path) ?? []) characters += reading.length;
    t.ok(characters <= 32 * 1024, `${characters}`);
    const startMs = performance.now();
    judge(path, { access: { kind: 'signed-in' } });
    const tookMs = performance.now() - startMs;
    // Hundreds where every reading was made; the machine may be busy with other things.
    t.ok(tookMs < 100, `${Math.round(tookMs)} ms`);
    t.equal(judge(path, { access: { kind: 'public' } }), 'open', 'however many readings it has');
  }
  const long = `/${'a%20b/'.repeat(1_300)}`;
  t.equal(judge(long, { access: { kind: 'signed-in' } }), 'open', 'an honest path of 8 KiB');
  t.ok(isPlain('/a/b-c_d.e~f/@g:h') && !isPlain('/a%20') && !isPlain('/a/.b') && !isPlain('/a.'));
  t.end();
});

/** As a server that decodes, merges, resolves and folds whatever it can. */
function asSomeServers(target: string): string {
  let path = target.split('?', 1)[0] ?? '';
  for (let times = 0; times < 4; times += 1) {
    path = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  path = path.replaceAll('\u00c0\u00ae', '.').replaceAll('\u00c0\u00af', '/').replaceAll('\\', '/');
  path = path.replaceAll(/;[^/]*/g, '').split(/[?#\0]/, 1)[0] ?? '';
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment.replaceAll(/[. ]+$/g, '') !== '') kept.push(segment.replaceAll(/[. ]+$/g, ''));
  }
  return `/${kept.join('/')}`.toLowerCase();
}

test(
  'by a real proxy, in front of a server that reads paths as generously as any',
  productOnly,
  async (t) => {
    const server = createServer((request, response) => {
      const path = asSomeServers(request.url ?? '');
      response.end(path === '/admin' || path.startsWith('/admin/') ? 'SECRET' : 'public');
    });
    const port = await listen(server);
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const secret = createSecret();
    const adminToken = createSecret();
    const env = { ADMIN_TOKEN: adminToken, OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_CLIENT_ID: 'proxy' };
    const [proxy, token] = await Promise.all([
      startProxy(t, { secret, env }),
      mintToken(t, secret, ['--backend', 'default', '--backend', 'admin', '--host', '*']),
    ]);
    const { port: adminPort } = await proxy.program.line(says('admin listening'));
    const created = await fetch(`http://127.0.0.1:${String(adminPort)}/api/backends`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'admin', hosts: ['*'], paths: ['/admin'], access: 'signed-in' }),
    });
    t.equal(created.status, 201, await created.text());
    const agents = ['default', 'admin'].map((id) =>
      startAgent(t, { proxy, token, backend: port, env: { BACKEND_ID: id, LINKS: '1' } }),
    );
    await Promise.all(agents.map((agent) => linksUp(agent, 1)));
    const origin = `http://127.0.0.1:${proxy.port}`;
    const get = async (path: string): Promise<{ status: number; body: string }> =>
      new Browser().ask(`${origin}${path}`, { headers: { accept: 'application/json' } });
    t.match(await get('/x'), { status: 200, body: 'public' });
    t.match(await get('/admin/panel'), { status: 401 });
    t.equal(asSomeServers('/x/%2e%2e/ADMIN;x//panel'), '/admin/panel', 'it is as generous as it says');
    let dangerous = 0;
    for (const path of tricks) {
      if (asSomeServers(path).startsWith('/admin')) dangerous += 1;
      const { status, body } = await get(path);
      t.notMatch(body, 'SECRET', path);
      t.ok(status === 400 || status === 401, `${path}: ${status}`);
    }
    t.equal(dangerous, tricks.length, 'each of them would have led there');
    for (const path of honest) t.equal((await get(path)).status, 200, path);
  },
);
