/**
 * Backends on record, by the admin API of a real proxy with real agents: who may connect, whose requests they are, and
 * what becomes of living links when a record changes or goes.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { adminPortOf, ask as askAdmin, type Answer } from '../admin/support/ask.ts';
import { listen } from './support/listen.ts';
import { type Message, readResponse } from './support/message.ts';
import { type LogLine, type Program } from './support/program.ts';
import {
  createSecret,
  type Env,
  isDirect,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
} from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const adminToken = 'an admin token of more than 32 bytes';

interface Admin {
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function adminOf(proxy: Proxy): Promise<Admin> {
  const port = await adminPortOf(proxy.program);
  return (method, path, body, headers = {}) =>
    askAdmin(port, path, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** A backend that says its name. */
async function startNamed(name: string): Promise<number> {
  const server = createServer((_, response) => response.end(name));
  file.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return listen(server);
}

async function get(t: Test, proxy: Proxy, host: string, path = '/'): Promise<Message> {
  const client = await dial(t, proxy);
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`,
  );
  return readResponse(client);
}

async function says200(t: Test, proxy: Proxy, host: string, name: string, path = '/'): Promise<void> {
  const { status, body } = await get(t, proxy, host, path);
  t.strictSame([status, body.toString()], [200, name], `${host}${path}`);
}

async function refusedWith(t: Test, proxy: Proxy, host: string, code: string, path = '/'): Promise<void> {
  const { body } = await get(t, proxy, host, path);
  t.match(body.toString(), `"code":"${code}"`, `${host}${path}`);
}

interface AgentWish {
  readonly id: string;
  readonly args?: readonly string[];
  readonly env?: Env;
}

async function agentOf(t: Test, proxy: Proxy, { id, args = [], env = {} }: AgentWish): Promise<Program> {
  const [token, backend] = await Promise.all([
    mintToken(t, proxy.secret, ['--backend', id, ...args]),
    startNamed(id),
  ]);
  return startAgent(t, { proxy, token, backend, env: { BACKEND_ID: id, LINKS: '1', ...env } });
}

/** The proxy's line about a refused agent whose reason is such. */
function refusal(proxy: Proxy, reason: RegExp, from = 0): Promise<LogLine> {
  return proxy.program.line(
    (line) => line['msg'] === 'agent refused' && reason.test(String(line['reason'])),
    from,
  );
}

function codeOf({ body }: Answer): unknown {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? parsed.code : undefined;
}

function stateIn({ body }: Answer): Record<string, unknown> {
  const parsed: unknown = JSON.parse(body);
  const state = typeof parsed === 'object' && parsed !== null && 'state' in parsed ? parsed.state : undefined;
  return typeof state === 'object' && state !== null ? { ...state } : {};
}

function suite(): void {
  const env = { ADMIN_TOKEN: adminToken, QUEUE_TIMEOUT: '0' };

  test('the API: made, found, changed under a condition, removed', async (t) => {
    const proxy = await startProxy(t, { secret: createSecret(), env });
    const admin = await adminOf(proxy);
    t.strictSame(JSON.parse((await admin('GET', '/api/backends')).body), { backends: [] });
    const made = await admin('POST', '/api/backends', { id: 'shop', hosts: ['Shop.example.com'] });
    t.strictSame([made.status, made.headers.location], [201, '/api/backends/shop']);
    t.match(JSON.parse(made.body), {
      id: 'shop',
      hosts: ['shop.example.com'],
      state: { links: 0, healthy: false, inFlight: 0, connectedSince: null, lastUsed: null },
    });
    t.equal((await admin('POST', '/api/backends', { id: 'shop' })).status, 409);
    const got = await admin('GET', '/api/backends/shop');
    t.equal(got.headers.etag, made.headers.etag);
    const whole: unknown = JSON.parse(got.body);
    t.ok(typeof whole === 'object' && whole !== null);
    const changed = { ...Object(whole), limits: { maxLinks: 4 } };
    const stale = { 'if-match': String(made.headers.etag) };
    t.equal((await admin('PUT', '/api/backends/shop', changed, stale)).status, 200, 'what was got, changed');
    const late = await admin('PUT', '/api/backends/shop', changed, stale);
    t.strictSame([late.status, codeOf(late)], [412, 'changed_meanwhile']);
    t.equal((await admin('DELETE', '/api/backends/shop', undefined, stale)).status, 412);
    const wrong = await admin('PUT', '/api/backends/shop', { hosts: ['shop.example.com:80'] });
    t.equal(wrong.status, 400);
    t.match(JSON.parse(wrong.body), { reason: /^hosts\[0\] is "shop\.example\.com:80": give a host/ });
    t.equal((await admin('PUT', '/api/backends/shop', { id: 'other' })).status, 400);
    const taken = await admin('PUT', '/api/backends/b', { hosts: ['shop.example.com'] });
    t.strictSame([taken.status, codeOf(taken)], [409, 'route_on_record']);
    t.equal((await admin('PUT', '/api/backends/b', {})).status, 201, 'the path names it');
    t.equal((await admin('DELETE', '/api/backends/b')).status, 204);
    for (const method of ['GET', 'DELETE']) t.equal((await admin(method, '/api/backends/b')).status, 404);
    t.equal(
      (await admin('PUT', '/api/backends/b', {}, { 'if-match': '*' })).status,
      412,
      'only what is there',
    );
    const noToken = { authorization: 'Bearer wrong' };
    t.equal((await admin('DELETE', '/api/backends/shop', undefined, noToken)).status, 401);
    t.equal(
      (await admin('DELETE', '/api/backends/shop', undefined, { origin: 'http://localhost' })).status,
      403,
    );
  });

  test('a recorded backend is offline before its agent came; its host is nobody else’s to take', async (t) => {
    const proxy = await startProxy(t, { secret: createSecret(), env });
    const admin = await adminOf(proxy);
    const other = await agentOf(t, proxy, { id: 'other' });
    await linksUp(other, 1);
    await says200(t, proxy, 'shop.example.com', 'other');
    await admin('POST', '/api/backends', { id: 'shop', hosts: ['shop.example.com', '*.shop.example.com'] });
    await refusedWith(t, proxy, 'shop.example.com', 'agent_offline');
    await refusedWith(t, proxy, 'a.shop.example.com', 'agent_offline', '/admin');
    await says200(t, proxy, 'elsewhere.example.com', 'other');
    for (const [host, path] of [
      ['shop.example.com', '/'],
      ['shop.example.com', '/admin'],
      ['a.shop.example.com', '/x'],
      ['*.shop.example.com', '/'],
    ] as const) {
      const from = proxy.program.lines.length;
      const args = ['--host', host, '--path', path];
      await agentOf(t, proxy, { id: 'thief', args, env: { HOSTS: host, PATHS: path } });
      const line = await refusal(proxy, /is on record for backend shop$/, from);
      t.equal(line['status'], 409, `${host}${path}`);
    }
    // Around it, a claim gets what is not on record.
    const wide = await agentOf(t, proxy, {
      id: 'wide',
      args: ['--host', '*.example.com'],
      env: { HOSTS: '*.example.com' },
    });
    await linksUp(wide, 1);
    await says200(t, proxy, 'elsewhere.example.com', 'wide');
    await refusedWith(t, proxy, 'shop.example.com', 'agent_offline');
    const shop = await agentOf(t, proxy, { id: 'shop' });
    await linksUp(shop, 1);
    await says200(t, proxy, 'shop.example.com', 'shop', '/admin');
    await says200(t, proxy, 'b.shop.example.com', 'shop');
    const state = stateIn(await admin('GET', '/api/backends/shop'));
    t.match(state, { links: 1, healthy: true, inFlight: 0, connectedSince: /^20/, lastUsed: /^20/ });
  });

  test('REQUIRE_RECORDS: only who is on record comes in, as its record says', async (t) => {
    const proxy = await startProxy(t, { secret: createSecret(), env: { ...env, REQUIRE_RECORDS: 'true' } });
    const admin = await adminOf(proxy);
    await agentOf(t, proxy, { id: 'shop', args: ['--subject', 'dc-2'] });
    t.equal((await refusal(proxy, /^the backend shop is not on record here$/))['status'], 403);
    await admin('POST', '/api/backends', { id: 'shop', hosts: ['a.example.com'], agentSubjects: ['dc-1'] });
    const from = proxy.program.lines.length;
    await agentOf(t, proxy, { id: 'shop', args: ['--subject', 'dc-2'] });
    t.equal((await refusal(proxy, /does not let the subject dc-2 serve it/, from))['status'], 403);
    const args = ['--subject', 'dc-1'];
    await linksUp(await agentOf(t, proxy, { id: 'shop', args }), 1);
    await says200(t, proxy, 'a.example.com', 'shop');
    await admin('PUT', '/api/backends/shop', { hosts: ['a.example.com'], limits: { maxLinks: 1 } });
    await agentOf(t, proxy, { id: 'shop', args });
    t.equal(
      (await refusal(proxy, /^the record of the backend shop allows 1 links, and they are there$/))['status'],
      429,
    );
  });

  test('a record that changes acts on living links, and one that goes closes them', async (t) => {
    const proxy = await startProxy(t, { secret: createSecret(), env });
    const admin = await adminOf(proxy);
    const agent = await agentOf(t, proxy, { id: 'shop', args: ['--subject', 'dc-1'], env: { LINKS: '2' } });
    await linksUp(agent, 2);
    await says200(t, proxy, 'any.example.com', 'shop');
    await admin('POST', '/api/backends', { id: 'shop', hosts: ['a.example.com'] });
    await says200(t, proxy, 'a.example.com', 'shop');
    await refusedWith(t, proxy, 'any.example.com', 'no_route');
    await admin('PUT', '/api/backends/shop', {});
    await says200(t, proxy, 'any.example.com', 'shop');
    t.equal(stateIn(await admin('GET', '/api/backends/shop'))['links'], 2, 'all that on the same two links');
    const ended = (code: string, from: number): Promise<LogLine> =>
      proxy.program.line((line) => line['msg'] === 'agent disconnected' && line['reason'] === code, from);
    let from = proxy.program.lines.length;
    await admin('PUT', '/api/backends/shop', { limits: { maxLinks: 1 } });
    t.equal((await ended('too_many_links_on_record', from))['code'], 1008);
    t.equal(stateIn(await admin('GET', '/api/backends/shop'))['links'], 1);
    from = proxy.program.lines.length;
    await admin('DELETE', '/api/backends/shop');
    t.equal((await ended('not_on_record', from))['code'], 1008);
    await admin('PUT', '/api/backends/shop', { agentSubjects: ['dc-2'] });
    from = proxy.program.lines.length;
    const wanted = await agentOf(t, proxy, { id: 'shop', args: ['--subject', 'dc-2'] });
    await linksUp(wanted, 1);
    await admin('PUT', '/api/backends/shop', { agentSubjects: ['dc-3'] });
    t.equal((await ended('subject_not_on_record', from))['code'], 1008);
    const thief = await agentOf(t, proxy, { id: 'thief', args: ['--host', 'b.example.com'] });
    await linksUp(thief, 1);
    await says200(t, proxy, 'b.example.com', 'thief');
    from = proxy.program.lines.length;
    await admin('PUT', '/api/backends/b', { hosts: ['b.example.com'] });
    t.equal((await ended('route_conflict', from))['code'], 1008, 'who had what is now on record for another');
    await refusedWith(t, proxy, 'b.example.com', 'agent_offline');
  });
}

if (isDirect) test('records', productOnly, () => {});
else suite();
