/** The commands of docs/backends.md, run by a shell against a real proxy. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { test } from 'tap';
import { adminPortOf } from '../admin/support/ask.ts';
import { createSecret, isDirect, productOnly, startProxy } from './support/tunnel.ts';

const adminToken = 'an admin token of more than 32 bytes';

function suite(): void {
  test('every command of docs/backends.md does what it is there for', async (t) => {
    const commands = [...readFileSync('docs/backends.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)];
    const script = commands.map((match) => match[1]).join('\n');
    t.equal(script.match(/^curl /gm)?.length, 4);
    const { program } = await startProxy(t, { secret: createSecret(), env: { ADMIN_TOKEN: adminToken } });
    const env = {
      PATH: process.env['PATH'],
      ADMIN: `http://127.0.0.1:${await adminPortOf(program)}`,
      ADMIN_TOKEN: adminToken,
    };
    const { stdout } = await promisify(execFile)('sh', ['-euc', script], { env, timeout: 20_000 });
    t.equal(stdout.match(/"id": "shop"/g)?.length, 3, 'made, shown, replaced');
    t.equal(stdout.match(/"maxLinks": 4/g)?.length, 2);
  });
}

if (isDirect) test('the documented commands', productOnly, () => {});
else suite();
