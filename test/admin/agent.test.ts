/** The agent as it is watched: no listener until it is given a port, and then its links, its backend and what it serves. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { readFileSync } from 'node:fs';
import { t as file, test } from 'tap';
import { readHead, readResponse } from '../e2e/support/message.ts';
import { says } from '../e2e/support/program.ts';
import type { Program } from '../e2e/support/program.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  startAgent,
  startProxy,
} from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';
import { adminPortOf, ask, scrape } from './support/ask.ts';
import { valueOf } from './support/exposition.ts';

/** Ports that a process listens on, as the kernel knows them. */
function listeningPorts(program: Program): number[] {
  const listening = '0A';
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${program.pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state]) => state === listening)
      .map(([, address = '']) => Number.parseInt(address.split(':').at(-1) ?? '', 16)),
  );
}

async function suite(): Promise<void> {
  const secret = createSecret();
  const proxy = await startProxy(file, { secret });
  const token = await mintToken(file, secret, ['--backend', 'default']);
  const backend = await Recorder.listen(file);

  test('off by default, and by the word off', async (t) => {
    const before = new Set(listeningPorts(proxy.program));
    for (const env of [{}, { ADMIN_PORT: 'off' }]) {
      const agent = startAgent(t, { proxy, token, backend: backend.address, env: { LINKS: '1', ...env } });
      await linksUp(agent, 1);
      t.notOk(agent.lines.some(says('admin listening')));
      t.strictSame(
        listeningPorts(agent).filter((port) => !before.has(port) && port === 9090),
        [],
      );
      await agent.kill();
    }
  });

  test('it is alive and not ready until a link is up', async (t) => {
    const lost = { url: 'ws://127.0.0.1:1' };
    const agent = startAgent(t, { proxy: lost, token, backend: backend.address, env: { ADMIN_PORT: '0' } });
    const port = await adminPortOf(agent);
    await agent.line(says('cannot reach the proxy'));
    t.strictSame([(await ask(port, '/healthz')).status, (await ask(port, '/readyz')).status], [200, 503]);
    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_agent_links', { state: 'serving' }), 0);
    t.ok(valueOf(families, 'inverting_agent_dials_failed_total', { reason: 'unreachable' }) >= 1);
    t.equal(valueOf(families, 'inverting_agent_dials_failed_total', { reason: 'refused' }), 0);
    t.equal(valueOf(families, 'inverting_agent_links_opened_total'), 0);
  });

  test('a proxy that says no is another failure than one that is not there', async (t) => {
    const bad = await mintToken(t, secret, ['--backend', 'other']);
    const agent = startAgent(t, { proxy, token: bad, backend: backend.address, env: { ADMIN_PORT: '0' } });
    const port = await adminPortOf(agent);
    await agent.line(says('refused by the proxy'));
    const families = await scrape(port);
    t.ok(valueOf(families, 'inverting_agent_dials_failed_total', { reason: 'refused' }) >= 1);
    t.equal(valueOf(families, 'inverting_agent_dials_failed_total', { reason: 'unreachable' }), 0);
  });

  test('with two links: exact numbers, a token at its door, and nothing secret in its answers', async (t) => {
    const adminToken = 'a token of the admin listener, 32 bytes';
    const env = { ADMIN_PORT: '0', ADMIN_TOKEN: adminToken, HEALTH_INTERVAL: '0' };
    const agent = startAgent(t, { proxy, token, backend: backend.address, env });
    const port = await adminPortOf(agent);
    await linksUp(agent, 2);
    const headers = { authorization: `Bearer ${adminToken}` };
    t.strictSame(
      [
        (await ask(port, '/readyz')).status,
        (await ask(port, '/metrics')).status,
        (await ask(port, '/api/tunnels')).status,
      ],
      [200, 401, 401],
    );
    const { tunnels } = JSON.parse((await ask(port, '/api/tunnels', { headers })).body);
    t.match(
      tunnels,
      [1, 2].map(() => ({
        node: /^inverting-proxy-[0-9a-f]{8}$/,
        since: /^\d{4}-\d\d-\d\dT/,
        state: 'serving',
        load: 0,
        heldBytes: 0,
        stalledWindows: { toBackend: 0, toClient: 0 },
      })),
    );
    const idle = await scrape(port, headers);
    t.equal(valueOf(idle, 'inverting_agent_links', { state: 'serving' }), 2);
    t.equal(valueOf(idle, 'inverting_agent_links_opened_total'), 2);
    t.equal(valueOf(idle, 'inverting_agent_streams_total'), 0);
    t.strictSame(idle.get('inverting_agent_backend_up')?.series, [], 'it does not look at its backend');

    const client = await dial(t, proxy);
    client.write('GET /one HTTP/1.1\r\nHost: a\r\n\r\n');
    const one = await backend.take('/one');
    one.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n');
    await readHead(client);
    const busy = await scrape(port, headers);
    t.equal(valueOf(busy, 'inverting_agent_streams'), 1);
    t.equal(valueOf(busy, 'inverting_agent_streams_total'), 1);
    t.equal(valueOf(busy, 'inverting_agent_backend_connections', { state: 'busy' }), 1);
    one.wire.write('yes');
    one.release();
    await client.take(3);
    await proxy.program.line((line) => line['path'] === '/one');
    // The second request shows that the first one's socket has come back.
    client.write('GET /two HTTP/1.1\r\nHost: a\r\n\r\n');
    const two = await backend.take('/two');
    two.wire.reset();
    t.equal(two.connection, one.connection);
    const again = await backend.take('/two');
    again.wire.reset();
    t.equal((await readResponse(client)).status, 502);
    const failed = await scrape(port, headers);
    t.equal(valueOf(failed, 'inverting_agent_backend_failures_total', { code: 'backendReset' }), 2);
    t.equal(valueOf(failed, 'inverting_agent_streams_total'), 3);
    t.equal(valueOf(failed, 'inverting_agent_streams'), 0);

    for (const path of ['/metrics', '/api/tunnels']) {
      const { body } = await ask(port, path, { headers });
      t.notOk(body.includes(token) || body.includes(adminToken), path);
    }
    agent.signal('SIGTERM');
    t.equal((await agent.end()).code, 0);
  });

  test('what its looks at the backend find is there, from the first on', async (t) => {
    const env = { ADMIN_PORT: '0', HEALTH_INTERVAL: '50ms', LINKS: '1' };
    const agent = startAgent(t, { proxy, token, backend: '127.0.0.1:1', env });
    const port = await adminPortOf(agent);
    await agent.line(says('backend not well'));
    t.equal(valueOf(await scrape(port), 'inverting_agent_backend_up'), 0);
    await linksUp(agent, 1);
    t.equal((await ask(port, '/readyz')).status, 200, 'its links are up: it is the backend that is not');
  });
}

if (productOnly.skip === undefined) await suite();
else test('the product is not in the path', productOnly, (t) => t.end());
