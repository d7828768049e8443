import { test } from 'tap';
import type { Check, Settings } from '../../shared/config/declaration.ts';
import { list } from '../../shared/config/format.ts';
import { boolean, integer, port, secret, text } from '../../shared/config/formats.ts';
import { loadSettings } from '../../shared/config/load.ts';
import { duration, size } from '../../shared/config/measures.ts';
import { SettingError } from '../../shared/config/setting-error.ts';
import { linesOf, sourcesOf } from './sources.ts';
import type { Given } from './sources.ts';

const declarations = {
  port: { env: 'PORT', format: port(), default: '8080', doc: 'A port.' },
  maxHeaderBytes: { env: 'MAX_HEADER_BYTES', format: size(), default: '32KiB', doc: 'A size.' },
  idleTimeoutMs: { env: 'IDLE_TIMEOUT', format: duration(), default: '5m', doc: 'A duration.' },
  verbose: { env: 'VERBOSE', format: boolean(), default: 'false', doc: 'A boolean.' },
  hosts: { env: 'HOSTS', format: list(text('host')), default: '', doc: 'A list.' },
  token: { env: 'TOKEN', format: secret(4), doc: 'A secret.' },
  proxy: { env: 'HTTPS_PROXY', alsoEnv: 'https_proxy', format: text(), doc: 'Two names.' },
  links: { flag: 'link-count', format: integer(1, 16), doc: 'Only a flag.' },
} as const;

type Loaded = Settings<typeof declarations>;

const defaults: Loaded = {
  port: 8080,
  maxHeaderBytes: 32_768,
  idleTimeoutMs: 300_000,
  verbose: false,
  hosts: [],
  token: undefined,
  proxy: undefined,
  links: undefined,
};

function load(given: Given): Loaded {
  return loadSettings(declarations, sourcesOf(given));
}

test('without any source there are the defaults, typed', (t) => {
  t.strictSame({ ...load({}) }, { ...defaults });
  t.ok(Object.isFrozen(load({})));
  t.end();
});

test('flags beat -e, which beats the environment, which beats the file, which beats defaults', (t) => {
  const files = { 'settings.yaml': 'port: 1\n' };
  const file = { CONFIG_FILE: 'settings.yaml' };
  const env = { ...file, PORT: '2' };
  t.equal(load({ files, env: file }).port, 1);
  t.equal(load({ files, env }).port, 2);
  t.equal(load({ files, env, argv: ['-e', 'PORT=3'] }).port, 3);
  t.equal(load({ files, env, argv: ['-e', 'PORT=3', '--port', '4'] }).port, 4);
  t.equal(load({ files, env, argv: ['--port', '4', '-e', 'PORT=3'] }).port, 4, 'wherever they stand');
  t.end();
});

test('every way to write a flag and an assignment', (t) => {
  const rows: readonly (readonly [argv: readonly string[], change: Partial<Loaded>])[] = [
    [['--port', '1'], { port: 1 }],
    [['--port=1'], { port: 1 }],
    [['-e', 'PORT=1'], { port: 1 }],
    [['-ePORT=1'], { port: 1 }],
    [['--env', 'PORT=1'], { port: 1 }],
    [['--env=PORT=1'], { port: 1 }],
    [['--max-header-bytes', '64KiB'], { maxHeaderBytes: 65_536 }],
    [['--idle-timeout=250ms'], { idleTimeoutMs: 250 }],
    [['--verbose'], { verbose: true }],
    [['--verbose', '--port', '1'], { verbose: true, port: 1 }],
    [['--verbose=false'], { verbose: false }],
    [['-e', 'VERBOSE=true'], { verbose: true }],
    [['--hosts', 'a,b'], { hosts: ['a', 'b'] }],
    [['--hosts', 'a', '--hosts', 'b'], { hosts: ['a', 'b'] }],
    [['-e', 'HOSTS=a=b'], { hosts: ['a=b'] }],
    [['--token=-abc='], { token: '-abc=' }],
    [['--link-count', '3'], { links: 3 }],
    [['-e', 'https_proxy=p'], { proxy: 'p' }],
  ];
  for (const [argv, change] of rows)
    t.strictSame({ ...load({ argv }) }, { ...defaults, ...change }, argv.join(' '));
  t.end();
});

test('an empty value in the environment is none, and an empty -e takes one away', (t) => {
  t.equal(load({ env: { PORT: '' } }).port, 8080);
  t.equal(load({ env: { PORT: '1' }, argv: ['-e', 'PORT='] }).port, 8080);
  t.equal(load({ files: { 'a.yaml': 'port: 1' }, env: { PORT: '', CONFIG_FILE: 'a.yaml' } }).port, 1);
  t.end();
});

test('the environment of the world may hold anything else, and another name for what is ours', (t) => {
  t.strictSame(
    { ...load({ env: { HOME: '/root', PROT: '1', 'MAX-HEADER-BYTES': 'x', LINK_COUNT: '9' } }) },
    { ...defaults },
  );
  t.equal(load({ env: { https_proxy: 'a' } }).proxy, 'a');
  t.equal(load({ env: { https_proxy: 'a', HTTPS_PROXY: 'b' } }).proxy, 'b');
  t.end();
});

test('a secret may lie in a file, less one line break at its end', (t) => {
  const files = {
    '/run/token': 'abcd\n',
    two: 'abcd\n\n',
    crlf: 'abcd\r\n',
    'a.yaml': 'TOKEN_FILE: /run/token',
  };
  t.equal(load({ files, env: { TOKEN_FILE: '/run/token' } }).token, 'abcd');
  t.equal(load({ files, env: { TOKEN_FILE: 'crlf' } }).token, 'abcd');
  t.equal(load({ files, argv: ['--token-file', '/run/token'] }).token, 'abcd');
  t.equal(load({ files, argv: ['-e', 'TOKEN_FILE=/run/token'] }).token, 'abcd');
  t.equal(load({ files, argv: ['--config-file', 'a.yaml'] }).token, 'abcd');
  t.equal(
    load({ files, env: { TOKEN_FILE: 'two' }, argv: ['--token-file', 'crlf'] }).token,
    'abcd',
    'the flag beats',
  );
  t.end();
});

test('a file is YAML or JSON by its ending, its names as in the environment or as flags', (t) => {
  const rows: readonly (readonly [path: string, content: string, change: Partial<Loaded>])[] = [
    ['a.yaml', 'PORT: 1\nidle-timeout: 15s\n', { port: 1, idleTimeoutMs: 15_000 }],
    ['a.yml', 'Max_Header_Bytes: 512', { maxHeaderBytes: 512 }],
    ['a.YAML', 'hosts: [a, b]', { hosts: ['a', 'b'] }],
    ['a.yaml', 'hosts: a, b', { hosts: ['a', 'b'] }],
    ['a.yaml', 'verbose: true', { verbose: true }],
    ['a.yaml', 'token: 0123e4', { token: '0123e4' }],
    ['a.yaml', 'token: 12345678901234567890', { token: '12345678901234567890' }],
    ['a.yaml', 'port:\nhosts: []\n', {}],
    ['a.yaml', '', {}],
    ['a.yaml', '# nothing\n', {}],
    [
      'a.json',
      '{"port":1,"verbose":true,"hosts":["a","b"],"token":"abcd"}',
      { port: 1, verbose: true, hosts: ['a', 'b'], token: 'abcd' },
    ],
    ['a.json', '{"port":null}', {}],
    ['a.json', '{}', {}],
  ];
  for (const [path, content, change] of rows) {
    const settings = load({ files: { [path]: content }, argv: ['--config-file', path] });
    t.strictSame({ ...settings }, { ...defaults, ...change }, `${path} ${content}`);
  }
  t.end();
});

test('the file is named by flag, by -e or by the environment, in this order', (t) => {
  const files = { 'a.json': '{"port":1}', 'b.json': '{"port":2}', 'c.json': '{"port":3}' };
  const env = { CONFIG_FILE: 'a.json' };
  t.equal(load({ files, env }).port, 1);
  t.equal(load({ files, env, argv: ['-e', 'CONFIG_FILE=b.json'] }).port, 2);
  t.equal(load({ files, env, argv: ['-e', 'CONFIG_FILE=b.json', '--config-file', 'c.json'] }).port, 3);
  t.equal(load({ files, env, argv: ['-e', 'CONFIG_FILE='] }).port, 8080, 'none');
  t.end();
});

const checks: readonly Check<Loaded>[] = [
  {
    of: ['token', 'port'],
    wrong: ({ token, port: at }) =>
      token !== undefined && at === 1 ? 'TOKEN and PORT 1 do not go together' : undefined,
  },
];

function linesChecked(...argv: string[]): readonly string[] {
  return linesOf(() => loadSettings(declarations, sourcesOf({ argv }), { checks }));
}

test('a rule over several settings is asked when each is fit, and only then', (t) => {
  t.strictSame(linesChecked('--token=abcd'), []);
  t.strictSame(linesChecked('--token=abcd', '--port=1'), ['TOKEN and PORT 1 do not go together']);
  t.strictSame(linesChecked('--token=abc', '--port=1'), [
    '--token is 3 bytes long: give at least 4 bytes, as `openssl rand -hex 32` makes them',
  ]);
  t.end();
});

test("another command's settings may stand behind -e and in the file, and are passed over", (t) => {
  const own = { port: declarations.port } as const;
  const sources = sourcesOf({
    argv: ['-e', 'TOKEN=abcd', '--config-file', 'a.json'],
    files: { 'a.json': '{"hosts":"a","token-file":"b"}' },
  });
  t.strictSame({ ...loadSettings(own, sources, { alsoKnown: declarations }) }, { port: 8080 });
  t.strictSame(
    linesOf(() => loadSettings(own, sources)),
    [
      '-e TOKEN is not a setting: see --help',
      'hosts (file a.json) is not a setting: see --help',
      'token-file (file a.json) is not a setting: see --help',
    ],
  );
  t.end();
});

test('the error is one of settings, for exit status 2, with a problem a line', (t) => {
  try {
    load({ argv: ['--prot', '1'], env: { PORT: 'x' } });
    t.fail('accepted');
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    t.equal(error.code, 'setting_invalid');
    t.equal(error.scope, 'setting');
    t.equal(error.initiator, 'local');
    t.strictSame(error.answer, { exitCode: 2 });
    t.strictSame(
      error.problems.map(({ code, setting }) => `${code} ${setting}`),
      ['unknown --prot', 'impossible PORT'],
    );
  }
  t.end();
});
