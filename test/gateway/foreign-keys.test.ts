/** Proxies whose agents' tokens somebody else signs: keys in a file, and keys of a server that rotates and goes away. */
import { createServer } from 'node:http';
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'tap';
import { createKeyPair, readSigningKey } from '../../shared/auth/signing-key.ts';
import { Program, says } from '../e2e/support/program.ts';
import { listen } from '../e2e/support/listen.ts';
import { linksUp, productOnly } from '../e2e/support/tunnel.ts';
import { loud, saysNothing, setStage } from './support/stage.ts';

const run = promisify(execFile);

/** `inverting-proxy …` as a person runs it: what it printed for the next program and for people. */
async function command(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['proxy/main.ts', ...args], {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error)) throw error;
    return { code: 1, stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

test(
  'keygen makes a pair, token signs with it, and a proxy with its public half lets in',
  productOnly,
  async (t) => {
    const folder = t.testdir();
    const [mine, open] = [join(folder, 'mine.json'), join(folder, 'open.json')];
    const files = ['--private-key-file', mine, '--public-key-file', open];
    const made = await command([
      'keygen',
      ...files,
      '--form',
      'jwk',
      '--kid',
      '2026',
      '--algorithm',
      'ES256',
    ]);
    t.equal(made.code, 0, made.stderr);
    t.equal(statSync(mine).mode & 0o777, 0o600, 'the private half is for nobody else');
    const before = readFileSync(mine, 'utf8');
    t.match(JSON.parse(before), { kid: '2026', alg: 'ES256', d: String });
    t.notMatch(JSON.parse(readFileSync(open, 'utf8')), { d: String });
    const again = await command(['keygen', ...files]);
    t.match(again, { code: 1, stderr: /is there already/ });
    t.equal(readFileSync(mine, 'utf8'), before, 'nothing is overwritten');

    const wish = [
      '--backend',
      'default',
      '--links',
      '2',
      '--subject',
      'me',
      '--issuer',
      'us',
      '--audience',
      'it',
    ];
    const { stdout, stderr } = await command(['token', '--private-key-file', mine, ...wish]);
    t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'the token alone');
    for (const said of [
      /^backends: +default$/m,
      /^links: +at most 2/m,
      /^signed with: +ES256, key 2026$/m,
      /^issuer: +us$/m,
    ])
      t.match(stderr, said);
    t.notOk(stderr.includes(stdout.trim()));

    const env = { AGENT_SECRET: '', AGENT_PUBLIC_KEY_FILE: open, AGENT_ISSUER: 'us', AGENT_AUDIENCE: 'it' };
    const stage = await setStage(t, env);
    const agent = stage.agent(stdout.trim());
    await linksUp(agent, 2);
    t.equal((await stage.get()).status, 200);
    stage.secrets.push(stdout.trim());
    const bySecret = stage.agent(await stage.token({ ttlMs: 60_000 }), { LINKS: '1' });
    t.match(await bySecret.line(says('refused by the proxy')), {
      status: 401,
      reason: 'the token is not signed with ES256',
    });
    saysNothing(t, stage, agent, bySecret);
  },
);

test('two sources of keys, or keys that are none, stop the start by name', productOnly, async (t) => {
  const file = join(t.testdir(), 'keys.pem');
  writeFileSync(file, 'nothing of use');
  const rows: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ AGENT_PUBLIC_KEY_FILE: file }, /^AGENT_PUBLIC_KEY_FILE=".*keys\.pem" holds no key: give PEM/m],
    [
      { AGENT_PUBLIC_KEY_FILE: file, AGENT_SECRET: 'x'.repeat(32) },
      /^AGENT_SECRET and AGENT_PUBLIC_KEY_FILE are given: give one of them$/m,
    ],
    [
      { AGENT_JWKS_URL: 'https://id.example/keys' },
      /^AGENT_JWKS_URL is given without both AGENT_ISSUER and/m,
    ],
    [
      { AGENT_JWKS_URL: 'http://id.example/keys' },
      /^AGENT_JWKS_URL="http:.*" \(environment\) is not a URL: give https/m,
    ],
  ];
  for (const [env, line] of rows) {
    const program = Program.start(t, 'proxy/main.ts', { env: { PORT: '0', ADMIN_PORT: 'off', ...env } });
    // oxlint-disable-next-line no-await-in-loop -- one after the other is gentle
    t.match(await program.end(), { code: 2 });
    t.match(program.output, line);
  }
});

test('keys of a server: rotated, and kept while it is away', productOnly, async (t) => {
  const [first, second] = await Promise.all([createKeyPair('EdDSA', 'jwk'), createKeyPair('RS256', 'jwk')]);
  let keys = [first];
  let isThere = true;
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.statusCode = isThere ? 200 : 503;
    response.end(JSON.stringify({ keys: keys.map(({ publicText }): unknown => JSON.parse(publicText)) }));
  });
  const port = await listen(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const rest = { AGENT_ISSUER: 'us', AGENT_AUDIENCE: 'it' };
  const stage = await setStage(t, {
    AGENT_SECRET: '',
    AGENT_JWKS_URL: `http://127.0.0.1:${port}/jwks`,
    ...rest,
  });
  const tokenOf = (pair: typeof first): Promise<string> =>
    stage.token(
      { ttlMs: 60_000, issuer: 'us', audience: 'it' },
      { signingKey: readSigningKey(pair.privateText) },
    );
  const agent = stage.agent(await tokenOf(first), { LINKS: '1' });
  await linksUp(agent, 1);
  t.equal(asked, 1);
  isThere = false;
  const again = stage.agent(await tokenOf(first), { LINKS: '1', ...loud });
  await linksUp(again, 1);
  keys = [second];
  const unknown = stage.agent(await tokenOf(second), { LINKS: '1' });
  t.match(await unknown.line(says('refused by the proxy')), {
    status: 401,
    reason: /names a key that this proxy does not have/,
  });
  t.equal(asked, 1, 'a token with an unknown key causes no fetch so soon after the last');
  saysNothing(t, stage, agent, again, unknown);
});

test(
  'a file of keys is read again at SIGHUP, and one that is broken takes no key away',
  productOnly,
  async (t) => {
    const [first, second] = await Promise.all([createKeyPair('EdDSA', 'pem'), createKeyPair('ES256', 'pem')]);
    const path = join(t.testdir(), 'keys.pem');
    writeFileSync(path, first.publicText);
    const stage = await setStage(t, { AGENT_SECRET: '', AGENT_PUBLIC_KEY_FILE: path });
    const { program } = stage.proxy;
    const lets = async (pair: typeof first): Promise<void> => {
      const token = await stage.token({ ttlMs: 60_000 }, { signingKey: readSigningKey(pair.privateText) });
      await linksUp(stage.agent(token, { LINKS: '1' }), 1);
    };
    await lets(first);
    writeFileSync(path, 'nothing of use');
    program.signal('SIGHUP');
    t.match(await program.line(says("the new keys of agents' tokens are no good: the old ones go on")), {
      reason: /holds no key/,
    });
    await lets(first);
    writeFileSync(path, first.publicText + second.publicText);
    program.signal('SIGHUP');
    t.match(await program.line(says("keys of agents' tokens read again")), { keys: 2 });
    await lets(second);
    await lets(first);
  },
);
