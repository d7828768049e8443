/** Records in DATA_DIR, by real proxies: they outlive one, and a file that cannot be understood stops the next. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { adminPortOf, ask } from '../admin/support/ask.ts';
import { Program } from './support/program.ts';
import { createSecret, isDirect, productOnly, type Proxy, startProxy } from './support/tunnel.ts';

const adminToken = 'an admin token of more than 32 bytes';
const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

async function put(proxy: Proxy, id: string, record: object): Promise<number> {
  const asking = { method: 'PUT', headers, body: JSON.stringify(record) };
  return (await ask(await adminPortOf(proxy.program), `/api/backends/${id}`, asking)).status;
}

function suite(): void {
  test('what was answered is there after a kill', async (t) => {
    const directory = join(t.testdir({}), 'data');
    const env = { ADMIN_TOKEN: adminToken, DATA_DIR: directory };
    const secret = createSecret();
    const first = await startProxy(t, { secret, env });
    t.notOk(existsSync(join(directory, 'backends.json')), 'no file before there is something to keep');
    const ids = Array.from({ length: 20 }, (_, index) => `b${index}`);
    const answers = await Promise.all(ids.map((id) => put(first, id, { hosts: [`${id}.example.com`] })));
    t.strictSame(new Set(answers), new Set([201]));
    await first.program.kill();
    const second = await startProxy(t, { secret, env });
    const { body } = await ask(await adminPortOf(second.program), '/api/backends', { headers });
    const all: unknown = JSON.parse(body);
    t.match(all, { backends: ids.map((id) => ({ id, hosts: [`${id}.example.com`] })) });
    t.strictSame(readdirSync(directory), ['backends.json']);
    t.equal(await put(second, 'b20', {}), 201);
    second.program.signal('SIGTERM');
    t.strictSame(await second.program.end(), { code: 0, signal: null });
  });

  test('a broken file stops the start with its line and the reason, and stays', async (t) => {
    const text = '{\n  "version": 1,\n  "backends": [\n    { "id": "shop", "host": ["a"] }\n  ]\n}\n';
    const directory = t.testdir({ 'backends.json': text });
    const path = join(directory, 'backends.json');
    const env = { AGENT_SECRET: createSecret(), PORT: '0', ADMIN_PORT: '0', DATA_DIR: directory };
    const program = Program.start(t, 'proxy/main.ts', { env });
    t.equal((await program.end()).code, 2);
    t.match(
      program.output,
      `DATA_DIR: ${path}, line 4: backends[0]."host" is not a field: there are id, hosts, paths`,
    );
    t.equal(readFileSync(path, 'utf8'), text);
    writeFileSync(path, text.slice(0, 40));
    const again = Program.start(t, 'proxy/main.ts', { env });
    t.equal((await again.end()).code, 2);
    t.match(again.output, `${path}, line 4: the name of a member, in quotes, is missing`);
  });
}

if (isDirect) test('records kept', productOnly, () => {});
else suite();
