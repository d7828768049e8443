import { test } from 'tap';
import { tokenCommand } from '../../proxy/token-command.ts';
import { createAgentVerifier } from '../../shared/auth/verifier.ts';
import { SettingError } from '../../shared/config/setting-error.ts';
import { sourcesOf } from './sources.ts';
import type { Given } from './sources.ts';

const secret = 'a secret of exactly 32 bytes: ok';
const nowMs = Date.parse('2026-11-24T12:00:00Z');
const env = { AGENT_SECRET: secret };
const verifier = createAgentVerifier({ secret, now: () => nowMs });

async function outcome(given: Given): Promise<string> {
  try {
    return (await tokenCommand(sourcesOf(given), nowMs)).out;
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return error.message;
  }
}

test('token prints a token alone, which the verifier of the same secret takes', async (t) => {
  const argv = [
    '--backend',
    'shop',
    '--backend=blog',
    '--host',
    'A.example.com',
    '--host',
    '*.b.example.com',
    '--path',
    '/api/',
    '--ttl',
    '1h',
    '--subject',
    'me',
  ];
  const printed = await outcome({ argv, env });
  t.match(printed, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  t.match(await verifier.verify(printed.trim()), {
    backends: ['shop', 'blog'],
    hosts: ['a.example.com', '*.b.example.com'],
    paths: ['/api'],
    expiresAtMs: nowMs + 3_600_000,
    subject: 'me',
  });
});

test('a token is valid for 30 days where nothing else is said', async (t) => {
  const grant = await verifier.verify((await outcome({ argv: ['--backend', 'shop'], env })).trim());
  t.equal(grant.expiresAtMs, nowMs + 30 * 86_400_000);
  t.strictSame([grant.hosts, grant.paths, grant.subject], [undefined, undefined, undefined]);
});

test('the secret may come from its file, from -e and from the file of settings that the proxy has', async (t) => {
  const files = { '/run/secret': `${secret}\n`, 'proxy.yaml': `port: 80\nagent_secret: '${secret}'\n` };
  const rows: readonly Given[] = [
    { argv: ['--backend', 'a'], env: { AGENT_SECRET_FILE: '/run/secret' }, files },
    { argv: ['--backend', 'a', '-e', `AGENT_SECRET=${secret}`] },
    { argv: ['--backend', 'a', '-e', 'PORT=80', '--config-file', 'proxy.yaml'], files },
    { argv: ['--backend', 'a'], env: { ...env, PORT: 'none of its business', HOST: 'x y' } },
  ];
  const subjects = await Promise.all(rows.map(async (row) => verifier.verify((await outcome(row)).trim())));
  for (const grant of subjects) t.strictSame(grant.backends, ['a']);
});

test('what is wrong is said by name', async (t) => {
  const backendRight = 'give 1 to 64 letters, digits, dots, underscores or dashes';
  const many = Array.from({ length: 33 }, (_, index) => [`--backend`, `b${index}`]).flat();
  const long = Array.from({ length: 32 }, (_, index) => [`--path`, `/${index}${'p'.repeat(250)}`]).flat();
  const rows: readonly (readonly [given: Given, lines: string])[] = [
    [
      {},
      `--backend is missing: ${backendRight}, as in --backend shop\n` +
        'AGENT_SECRET is missing: give what the proxy has, or --private-key-file',
    ],
    [{ argv: ['--backend', 'a b'], env }, `--backend="a b" is not an id: ${backendRight}`],
    [{ argv: ['--backend', ','], env }, '--backend names nothing: give an id'],
    [
      { argv: ['--backend', 'a', '--host', 'a..b'], env },
      '--host="a..b" is not a host: give a.example.com, *.example.com or *',
    ],
    [
      { argv: ['--backend', 'a', '--path', 'x'], env },
      '--path="x" is not a path: give a path that starts with /, without query and fragment',
    ],
    [
      { argv: ['--backend', 'a', '--ttl', '30'], env },
      '--ttl="30" is not a duration: give a number with its unit (ms, s, m, h, d), as in 15s, 1ms to 3650d',
    ],
    [{ argv: ['--backend', 'a', '--tll', '1d'], env }, '--tll is not a setting: did you mean --ttl?'],
    [{ argv: ['--backend', 'a', '--port', '80'], env }, '--port is not a setting: see --help'],
    [{ argv: many, env }, '--backend is given 33 times: give it at most 32 times'],
    [
      { argv: ['--backend', 'a', ...long], env },
      'so many names make the token too long: grant less, or a wildcard',
    ],
    [
      { argv: ['--backend', 'a'], env: { AGENT_SECRET: 'short' } },
      'AGENT_SECRET (environment) is 5 bytes long: give at least 32 bytes, as `openssl rand -hex 32` makes them',
    ],
  ];
  const outcomes = await Promise.all(rows.map(([given]) => outcome(given)));
  for (const [index, [given, lines]] of rows.entries())
    t.equal(outcomes[index], lines, given.argv?.slice(0, 4).join(' ') ?? 'nothing');
});

test('--help says every flag', async (t) => {
  const help = await outcome({ argv: ['--help'] });
  for (const flag of ['--backend', '--host', '--path', '--ttl', '--subject', '--agent-secret, AGENT_SECRET'])
    t.match(help, `  ${flag} (`);
  t.match(help, 'default 30d');
});
