/** A backend behind passwords, with real processes: who gets in, what the backend sees of it, and what no log says. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hashSync } from 'bcrypt';
import { t as file, test } from 'tap';
import { readHead, readResponse, status, value, values } from './support/message.ts';
import { Program } from './support/program.ts';
import { Recorder } from './support/recorder.ts';
import { productOnly, startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const directory = mkdtempSync(join(tmpdir(), 'passwords-'));
file.teardown(() => rmSync(directory, { recursive: true }));
const users = join(directory, 'users');
const password = 'correct horse battery staple';
const encoded = (text: string): string => Buffer.from(text).toString('base64');

function writeUsers(entries: Readonly<Record<string, string>>): void {
  const lines = Object.entries(entries).map(([name, text]) => `${name}:${hashSync(text, 4)}\n`);
  writeFileSync(users, lines.join(''));
}

test('passwords', productOnly, async (all) => {
  writeUsers({ alice: password });
  const backend = await Recorder.listen(all);
  const tunnel = await startTunnel(all, {
    backend: backend.address,
    proxyEnv: { BASIC_AUTH_FILE: users, CLIENT_ACCESS: 'signed-in', LOG_LEVEL: 'debug' },
  });

  const ask = async (
    target: string,
    ...lines: string[]
  ): Promise<Awaited<ReturnType<typeof readResponse>>> => {
    const client = await dial(all, tunnel);
    client.write([`GET ${target} HTTP/1.1`, 'Host: h', ...lines, '', ''].join('\r\n'));
    return readResponse(client);
  };

  await all.test('without the right one, nothing reaches the backend', async (t) => {
    for (const lines of [
      [],
      [`Authorization: Basic ${encoded(`alice:${password}!`)}`],
      [`Authorization: Basic ${encoded(`eve:${password}`)}`],
      [`Proxy-Authorization: Basic ${encoded(`alice:${password}`)}`],
      ['X-Forwarded-User: alice', 'X-Inverting-Proxy-User-ID: alice'],
      ['Connection: Upgrade', 'Upgrade: websocket'],
    ]) {
      const message = await ask('/shut', ...lines);
      t.equal(message.status, 401, lines.join());
      t.equal(value(message, 'www-authenticate'), 'Basic realm="inverting-proxy", charset="UTF-8"');
    }
    t.equal(backend.connections, 0);
  });

  await all.test('with it the request goes on, without the password', async (t) => {
    for (const more of [[], ['Connection: Authorization'], ['Connection: Upgrade', 'Upgrade: websocket']]) {
      const client = await dial(t, tunnel);
      const lines = [`Authorization: Basic ${encoded(`alice:${password}`)}`, 'X-Kept: 1', ...more];
      client.write(['GET /open HTTP/1.1', 'Host: h', ...lines, '', ''].join('\r\n'));
      const asked = await backend.take('/open');
      t.strictSame(values(asked, 'authorization'), []);
      t.strictSame(
        values(asked, 'x-forwarded-user'),
        [],
        'nothing is said of the user unless the record says so',
      );
      t.equal(value(asked, 'x-kept'), '1');
      asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
      t.equal(status(await readHead(client)), 204);
      asked.release();
    }
  });

  await all.test('who is taken out of the file is out', async (t) => {
    writeUsers({ bob: 'b' });
    // The file is looked at once a second, when somebody asks; until then the answer is the backend's.
    const untilMs = performance.now() + 10_000;
    for (;;) {
      const client = await dial(t, tunnel);
      const line = `Authorization: Basic ${encoded(`alice:${password}`)}`;
      client.write(['GET /gone HTTP/1.1', 'Host: h', line, '', ''].join('\r\n'));
      const asked = await Promise.race([backend.take('/gone'), readHead(client)]);
      if (!('release' in asked)) {
        t.equal(status(asked), 401);
        break;
      }
      asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
      asked.release();
      if (performance.now() > untilMs) throw new Error('still in after ten seconds');
      await setTimeout(100);
    }
  });

  await all.test('no log line holds a password', async (t) => {
    const output = JSON.stringify([tunnel.proxy?.lines, tunnel.agent?.lines, tunnel.proxy?.output]);
    t.match(output, 'password_wrong', 'that it was wrong is said');
    for (const secret of [password, encoded(`alice:${password}`), encoded(`eve:${password}`), '$2b$'])
      t.notOk(output.includes(secret), secret);
  });
});

test('a file that is no good ends the start with its line', productOnly, async (t) => {
  const path = join(directory, 'broken');
  writeFileSync(path, 'alice:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n');
  const program = Program.start(t, 'proxy/main.ts', { env: { BASIC_AUTH_FILE: path, PORT: '0' } });
  const { code } = await program.end();
  t.equal(code, 2);
  t.match(program.output, 'BASIC_AUTH_FILE');
  t.match(program.output, 'line 1 has a hash of the kind SHA-1: only bcrypt is taken');
  t.notMatch(program.output, 'VBPuJHI7uixaa6LQGWx4s');
});

test('who is not let in takes nothing from the limit of the backend', productOnly, async (t) => {
  writeUsers({ alice: password });
  const backend = await Recorder.listen(t);
  const tunnel = await startTunnel(t, {
    backend: backend.address,
    proxyEnv: {
      BASIC_AUTH_FILE: users,
      CLIENT_ACCESS: 'signed-in',
      MAX_REQUESTS_PER_SECOND_PER_BACKEND: '1',
      MAX_CONCURRENT_REQUESTS_PER_BACKEND: '1',
    },
  });
  const send = async (target: string, ...lines: string[]): ReturnType<typeof dial> => {
    const client = await dial(t, tunnel);
    client.write([`GET ${target} HTTP/1.1`, 'Host: h', ...lines, '', ''].join('\r\n'));
    return client;
  };
  for (let count = 0; count < 20; count += 1)
    t.equal((await readResponse(await send('/shut'))).status, 401, 'and not 429');
  const asAlice = `Authorization: Basic ${encoded(`alice:${password}`)}`;
  const client = await send('/open', asAlice);
  const asked = await backend.take('/open');
  t.equal((await readResponse(await send('/second', asAlice))).status, 429, 'who may pass is counted');
  asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
  t.equal((await readResponse(client)).status, 204);
  asked.release();
});
