/**
 * What is built works like the sources: each program is one file there, and all that it loads only when it is needed (records,
 * passwords, sign-in, settings in YAML, metrics, a proxy on the way) has to be found from it.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcrypt';
import { t as file, test } from 'tap';
import { IdentityServer } from '../access/support/identity-server.ts';
import { oidcEnv } from '../access/support/proxy-with-sign-in.ts';
import { adminPortOf, ask, scrape } from '../admin/support/ask.ts';
import { buildPrograms } from './support/built.ts';
import { listen } from './support/listen.ts';
import { readHead, status, value } from './support/message.ts';
import { Program, says } from './support/program.ts';
import { Recorder } from './support/recorder.ts';
import { createSecret, mintToken, productOnly, startAgent, startProxy } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'built-'));
file.teardown(() => rmSync(directory, { recursive: true }));
const adminToken = 'an admin token of more than 32 bytes';

test('the built programs', productOnly, async (all) => {
  const built = await buildPrograms(all);

  await all.test('few files, and the names that package.json and the images give them', (t) => {
    const folder = join(root, dirname(dirname(built.proxy)));
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const wanted = ['agent/main.js', 'proxy/main.js', 'shared/run/container-health.js'];
    t.strictSame(
      wanted.filter((name) => !names.includes(name)),
      [],
    );
    t.ok(names.filter((name) => name.endsWith('.js')).length < 20, names.join(' '));
    t.end();
  });

  await all.test('--version', async (t) => {
    const program = Program.start(t, built.agent, { args: ['--version'], measured: true });
    t.equal((await program.end()).code, 0);
    t.match(program.output, /^inverting-agent \d+\.\d+\.\d+\n$/);
  });

  await all.test('records, passwords, sign-in, YAML, metrics', async (t) => {
    const users = join(directory, 'users');
    writeFileSync(users, `alice:${hashSync('a', 4)}\n`);
    const config = join(directory, 'proxy.yaml');
    writeFileSync(config, 'CLIENT_ACCESS: [signed-in]\n');
    const identity = await IdentityServer.listen(t);
    const secret = createSecret();
    const env = {
      ...oidcEnv(identity),
      CONFIG_FILE: config,
      BASIC_AUTH_FILE: users,
      DATA_DIR: directory,
      ADMIN_TOKEN: adminToken,
    };
    const proxy = await startProxy(t, { secret, env, built });
    identity.allow(`http://${proxy.host}:${proxy.port}`);
    const adminPort = await adminPortOf(proxy.program);
    const record = await ask(adminPort, '/api/backends/default', {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: '{}',
    });
    t.equal(record.status, 201, record.body);
    const backend = await Recorder.listen(t);
    const token = await mintToken(t, secret, ['--backend', 'default']);
    const agent = startAgent(t, {
      proxy,
      token,
      backend: backend.address,
      built,
      env: { LOG_FORMAT: 'pretty' },
    });
    await agent.line(({ msg }) => String(msg).includes('INFO: link up'));

    const client = await dial(t, proxy);
    const asAlice = `Authorization: Basic ${Buffer.from('alice:a').toString('base64')}`;
    client.write(`GET /a HTTP/1.1\r\nHost: h\r\n${asAlice}\r\n\r\n`);
    const asked = await backend.take('/a');
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal(status(await readHead(client)), 204);
    asked.release();
    const stranger = await dial(t, proxy);
    stranger.write('GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n\r\n');
    const away = await readHead(stranger);
    t.equal(status(away), 302);
    t.ok(value(away, 'location')?.startsWith(identity.issuer), 'to the provider');
    const families = await scrape(adminPort, { authorization: `Bearer ${adminToken}` });
    t.ok(families.size > 10);
  });

  await all.test('an HTTP proxy on the way, which is away', async (t) => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    const agent = startAgent(t, {
      proxy: { url: 'ws://tunnel.example.com' },
      token: 'a.b.c',
      backend: 1,
      built,
      env: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
    });
    const { reason } = await agent.line(says('cannot reach the proxy'));
    t.match(reason, /ECONNREFUSED/);
  });
});
