/** The settings of both programs: that each is there in every source and in --help, and what is particular to some. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { agentProgram, agentSettings, loadAgentSettings } from '../../agent/config.ts';
import { loadProxySettings, proxyProgram, proxySettings } from '../../proxy/config.ts';
import { flagOf } from '../../shared/config/declaration.ts';
import type { Declaration, Declarations } from '../../shared/config/declaration.ts';
import { readRequestedText, writeHelp } from '../../shared/config/help.ts';
import type { Program } from '../../shared/config/help.ts';
import { loadSettings } from '../../shared/config/load.ts';
import { linesOf, sourcesOf } from './sources.ts';

/** A file for settings that name one. */
const files = {
  '/etc/tls/fullchain.pem': 'x',
  '/etc/tls/key.pem': 'x',
  '/etc/tls/ca.pem': 'x',
  '/etc/proxy/agents.pem': 'x',
  '/etc/inverting-proxy/users': `alice:$2y$10$${'a'.repeat(53)}\n`,
  '/etc/inverting-proxy/assertions.pem': generateKeyPairSync('ed25519')
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString(),
};

/** A value that is not the default, as a person writes it. */
function someValue({ format, example, default: text }: Declaration): string {
  if (example !== undefined) return example;
  const { kind } = format;
  // The one size that has a least of megabytes.
  if (text === '256MiB') return '17MiB';
  if (kind === 'secret') return 'a secret of more than thirty-two bytes';
  const byKind: Readonly<Record<string, string>> = {
    port: '81',
    host: 'localhost',
    size: '1000',
    duration: '7s',
    number: '7',
    id: 'shop',
    boolean: 'true',
  };
  const value = kind.includes('|') ? kind.split('|').find((word) => word !== text) : byKind[kind];
  if (value === undefined) throw new Error(`no value for a setting of the kind ${kind}`);
  return value;
}

for (const program of [proxyProgram, agentProgram]) {
  test(`${program.name}: each setting can be set by flag, -e, environment and file, and stands in --help`, (t) => {
    const help = writeHelp(program);
    for (const [key, declaration] of Object.entries(program.settings)) {
      const { env = '', format } = declaration;
      const flag = flagOf(declaration);
      const text = someValue(declaration);
      const value: unknown = format.read(text, sourcesOf({ files }).readFile);
      // Only this one is declared: what others require is not in question.
      const only: Declarations = { [key]: declaration };
      const path = 'a.json';
      const given = [
        { argv: format.isBare === true ? [`--${flag}`] : [`--${flag}`, text] },
        { argv: [`--${flag}=${text}`] },
        { argv: ['-e', `${env}=${text}`] },
        { env: { [env]: text } },
        { argv: ['--config-file', path], files: { [path]: JSON.stringify({ [env]: text }) } },
        { argv: ['--config-file', path], files: { [path]: JSON.stringify({ [flag]: text }) } },
      ];
      for (const sources of given) {
        const settings = loadSettings(only, sourcesOf({ ...sources, files: { ...files, ...sources.files } }));
        t.strictSame(settings[key], value, `${env} by ${JSON.stringify(sources)}`);
      }
      t.match(help, `--${flag}, ${env} (${format.kind})\n      ${declaration.doc}\n`, `${env} in --help`);
      t.match(declaration.doc, /^[^\n]{10,140}[.:]$/, `${env} is said in one line`);
    }
    t.end();
  });

  test(`${program.name}: a name in code says its unit last`, (t) => {
    for (const [key, { format }] of Object.entries(program.settings)) {
      if (format.kind === 'duration') t.match(key, /Ms$/);
      if (format.kind === 'size') t.match(key, /Bytes$/);
    }
    t.end();
  });
}

/** Names, kinds and defaults of a program in the order of --help. */
function summary({ settings }: Program): string[] {
  return Object.values(settings).map(
    ({ env, default: text, isRequired }) => `${env} ${isRequired === true ? 'required' : (text ?? '-')}`,
  );
}

test('the proxy has the settings and defaults of DESIGN and RULES', (t) => {
  t.strictSame(summary(proxyProgram), [
    'HOST 0.0.0.0',
    'PORT 8080',
    'PUBLIC_URL -',
    'TLS_CERT_FILE -',
    'TLS_KEY_FILE -',
    'AGENT_SECRET -',
    'AGENT_PUBLIC_KEY_FILE -',
    'AGENT_JWKS_URL -',
    'AGENT_ISSUER -',
    'AGENT_AUDIENCE -',
    'AGENT_CLOCK_SKEW 30s',
    'BASE_DOMAIN -',
    'DATA_DIR -',
    'REQUIRE_RECORDS false',
    'TRUSTED_PROXIES ',
    'PROXY_PROTOCOL false',
    'LOG_LEVEL info',
    'LOG_FORMAT -',
    'ADMIN_HOST 127.0.0.1',
    'ADMIN_PORT 9090',
    'ADMIN_TOKEN -',
    'MAX_HEADER_BYTES 32KiB',
    'MAX_HEADER_LINE_BYTES -',
    'MAX_HEADER_FIELDS 100',
    'MAX_RESPONSE_HEADER_BYTES 64KiB',
    'MAX_RESPONSE_HEADER_FIELDS 200',
    'MAX_BODY_BYTES 0',
    'MAX_TRAILER_BYTES 8KiB',
    'MAX_TRAILER_FIELDS 32',
    'MAX_CHUNK_EXTENSION_LINE_BYTES 256',
    'MAX_CHUNK_EXTENSION_BYTES 16KiB',
    'FIRST_BYTE_TIMEOUT 10s',
    'HEADER_TIMEOUT 10s',
    'BODY_TIMEOUT 30s',
    'MIN_BODY_RATE 500',
    'SEND_TIMEOUT 30s',
    'MIN_SEND_RATE 500',
    'KEEP_ALIVE_TIMEOUT 60s',
    'MAX_REQUESTS_PER_CONNECTION 1000',
    'MAX_PIPELINED_BYTES 16KiB',
    'REFUSAL_DRAIN_BYTES 64KiB',
    'REFUSAL_DRAIN_TIMEOUT 2s',
    'EARLY_ANSWER_DRAIN_BYTES 256KiB',
    'EARLY_ANSWER_DRAIN_TIMEOUT 5s',
    'MAX_CONNECTIONS 10000',
    'MAX_CONNECTIONS_PER_ADDRESS -',
    'MEMORY_BUDGET 256MiB',
    'MAX_STREAMS_PER_LINK 10000',
    'QUEUE_TIMEOUT 5s',
    'MAX_QUEUED_REQUESTS 1000',
    'MAX_QUEUED_BYTES 16MiB',
    'MAX_INTERIM_RESPONSES 10',
    'RESPONSE_TIMEOUT 60s',
    'IDLE_TIMEOUT 5m',
    'MAX_REQUESTS_PER_SECOND_PER_ADDRESS 0',
    'MAX_CONCURRENT_REQUESTS_PER_ADDRESS 0',
    'MAX_REQUESTS_PER_SECOND_PER_BACKEND 0',
    'MAX_CONCURRENT_REQUESTS_PER_BACKEND 0',
    'MAX_REQUESTS_PER_SECOND_PER_USER 0',
    'MAX_CONCURRENT_REQUESTS_PER_USER 0',
    'MAX_FAILURES_PER_ADDRESS 30',
    'FAILURE_WINDOW 1m',
    'CLIENT_ACCESS public',
    'BASIC_AUTH_FILE -',
    'ASSERTION_KEY_FILE -',
    'OIDC_ISSUER -',
    'OIDC_CLIENT_ID -',
    'OIDC_CLIENT_SECRET -',
    'OIDC_SCOPES openid email profile',
    'OIDC_EMAIL_CLAIM email',
    'OIDC_GROUPS_CLAIM groups',
    'OIDC_AUDIENCE ',
    'SESSION_SECRET -',
    'SESSION_TTL 12h',
    'SESSION_IDLE_TIMEOUT 4h',
    'SESSION_REFRESH_INTERVAL 10m',
    'DRAIN_TIMEOUT 30s',
  ]);
  t.end();
});

test('a file of passwords is read at the start, and what is wrong in it is said by its line', (t) => {
  const path = '/etc/inverting-proxy/users';
  const reading = (text: string) => () =>
    loadProxySettings(sourcesOf({ env: { BASIC_AUTH_FILE: path }, files: { [path]: text } }));
  t.strictSame(linesOf(reading('# nobody yet\nalice:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=')), [
    `BASIC_AUTH_FILE=${JSON.stringify(path)} (environment) line 2 has a hash of the kind SHA-1: only bcrypt is taken, as \`htpasswd -B\` makes it: mend it`,
  ]);
  t.end();
});

const pem = (label: string): string => `-----BEGIN ${label}-----\nc2VjcmV0\n-----END ${label}-----\n`;

test('a file of assertion keys is read at the start, and what is wrong with it is said without a byte of it', (t) => {
  const path = '/etc/inverting-proxy/assertions.pem';
  const reading = (text: string) => () =>
    loadProxySettings(sourcesOf({ env: { ASSERTION_KEY_FILE: path }, files: { [path]: text } }));
  const start = `ASSERTION_KEY_FILE=${JSON.stringify(path)} (environment)`;
  for (const [text, problem] of [
    ['', 'holds no private key: give PEM (PRIVATE KEY) or a private JWK: mend it'],
    [pem('PUBLIC KEY'), 'holds no private key: give PEM (PRIVATE KEY) or a private JWK: mend it'],
    [pem('PRIVATE KEY'), 'holds what is malformed: mend it'],
    [
      generateKeyPairSync('ec', { namedCurve: 'P-384' })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
      'holds what is a key on the curve secp384r1: give RSA, EC on P-256, or Ed25519: mend it',
    ],
  ] as const)
    t.strictSame(linesOf(reading(text)), [`${start} ${problem}`]);
  t.end();
});

test('the agent has the settings and defaults of DESIGN', (t) => {
  t.strictSame(summary(agentProgram), [
    'PROXY_URL required',
    'TOKEN -',
    'OIDC_ISSUER -',
    'OIDC_CLIENT_ID -',
    'OIDC_CLIENT_SECRET -',
    'OIDC_SCOPES ',
    'OIDC_AUDIENCE -',
    'OIDC_RESOURCE -',
    'BACKEND required',
    'BACKEND_ID default',
    'HOSTS ',
    'PATHS ',
    'LINKS 2',
    'HOST_HEADER -',
    'CONNECT_TIMEOUT 5s',
    'POOL_SIZE 128',
    'POOL_IDLE_TIMEOUT 60s',
    'MEMORY_BUDGET 256MiB',
    'HEALTH_PATH -',
    'HEALTH_INTERVAL 10s',
    'HEALTH_TIMEOUT 3s',
    'HEALTH_FAILURES 3',
    'HEALTH_PASSES 2',
    'PROXY_CA_FILE -',
    'BACKEND_CA_FILE -',
    'HTTPS_PROXY -',
    'NO_PROXY ',
    'LOG_LEVEL info',
    'LOG_FORMAT -',
    'ADMIN_HOST 127.0.0.1',
    'ADMIN_PORT off',
    'ADMIN_TOKEN -',
    'DRAIN_TIMEOUT 30s',
  ]);
  t.end();
});

test('--help and --version are answered wherever they stand', (t) => {
  const content: unknown = JSON.parse(readFileSync('package.json', 'utf8'));
  const version =
    typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : '';
  t.equal(readRequestedText(proxyProgram, ['--version']), `inverting-proxy ${version}\n`);
  t.equal(readRequestedText(agentProgram, ['--prot', '--version']), `inverting-agent ${version}\n`);
  t.equal(readRequestedText(agentProgram, ['--port', '-h', '--version']), writeHelp(agentProgram));
  t.equal(readRequestedText(agentProgram, ['--port', '80']), undefined);
  t.match(writeHelp(proxyProgram), `inverting-proxy ${version}: `);
  t.match(
    writeHelp(proxyProgram),
    '  --max-header-bytes, MAX_HEADER_BYTES (size)\n      The head of a request; beyond, 431.\n      default 32KiB\n',
  );
  t.match(writeHelp(agentProgram), '      required, for example wss://tunnel.example.com\n');
  t.end();
});

const secret = 'x'.repeat(32);

function load(env: Record<string, string>): () => unknown {
  return () => loadProxySettings(sourcesOf({ env, files }));
}

test('the proxy: rules over several settings, and what is particular', (t) => {
  const cert = { TLS_CERT_FILE: '/etc/tls/fullchain.pem' };
  const key = { TLS_KEY_FILE: '/etc/tls/key.pem' };
  t.strictSame(linesOf(load({})), []);
  t.strictSame(linesOf(load({ ...cert, ...key, AGENT_SECRET: secret })), []);
  t.strictSame(linesOf(load(cert)), ['TLS_CERT_FILE is given without TLS_KEY_FILE: give both or neither']);
  t.strictSame(linesOf(load(key)), ['TLS_KEY_FILE is given without TLS_CERT_FILE: give both or neither']);
  t.strictSame(linesOf(load({ AGENT_SECRET: 'x'.repeat(31) })), [
    'AGENT_SECRET (environment) is 31 bytes long: give at least 32 bytes, as `openssl rand -hex 32` makes them',
  ]);
  t.strictSame(linesOf(load({ MAX_CHUNK_EXTENSION_LINE_BYTES: '2KiB', MAX_CHUNK_EXTENSION_BYTES: '1KiB' })), [
    'MAX_CHUNK_EXTENSION_LINE_BYTES (2048) is over MAX_CHUNK_EXTENSION_BYTES (1024): one line is part of the whole',
  ]);
  t.strictSame(linesOf(load({ BASE_DOMAIN: '*.example.com' })), [
    'BASE_DOMAIN="*.example.com" (environment) is not a domain: give a host name without wildcard and port',
  ]);
  t.equal(
    loadProxySettings(sourcesOf({ env: { BASE_DOMAIN: 'Tunnel.Example.com.' } })).baseDomain,
    'tunnel.example.com',
  );
  t.equal(loadProxySettings(sourcesOf({ env: { DRAIN_TIMEOUT: '0' } })).drainTimeoutMs, 0);
  t.strictSame(linesOf(load({ DRAIN_TIMEOUT: '-1s' })), [
    'DRAIN_TIMEOUT="-1s" (environment) is not a duration: give a number with its unit (ms, s, m, h, d), as in 15s, 0 to 24d',
  ]);
  t.equal(proxySettings.agentSecret.format.isSecret, true);
  t.end();
});

const door = '/.well-known/inverting-proxy/agent';
const base = { PROXY_URL: 'wss://tunnel.example.com', TOKEN: 'abc', BACKEND: '3000' };
const noToken =
  'TOKEN is missing: give what `inverting-proxy token` prints, in TOKEN, in a file named by TOKEN_FILE, or in PROXY_URL as wss://TOKEN@host';
const urlRight = 'give the address of the proxy (wss://, ws://, https:// or http://)';

test('the agent: where the proxy is, and the token that may stand before it', (t) => {
  const rows: readonly (readonly [url: string, token: string, outcome: string | readonly string[]])[] = [
    ['wss://tunnel.example.com', 'abc', `wss://tunnel.example.com${door} abc`],
    ['ws://localhost:8080/', 'abc', `ws://localhost:8080${door} abc`],
    ['https://tunnel.example.com', 'abc', `wss://tunnel.example.com${door} abc`],
    ['http://[::1]:8080', 'abc', `ws://[::1]:8080${door} abc`],
    [`wss://tunnel.example.com${door}`, 'abc', `wss://tunnel.example.com${door} abc`],
    ['wss://eyJ.a-b_c.d@tunnel.example.com', '', `wss://tunnel.example.com${door} eyJ.a-b_c.d`],
    ['wss://tunnel.example.com', '', [noToken]],
    [
      'wss://abc@tunnel.example.com',
      'def',
      ['TOKEN is given and PROXY_URL carries a token too: give one of them'],
    ],
    ['tunnel.example.com', 'abc', [`PROXY_URL="tunnel.example.com" (environment) is not a URL: ${urlRight}`]],
    ['ftp://a@b', '', [`PROXY_URL="ftp://…@b" (environment) is not a URL: ${urlRight}`]],
    [
      'wss://a.example/tunnel',
      'abc',
      [
        'PROXY_URL="wss://a.example/tunnel" (environment) has a path of its own: give scheme, host and port only; the agent knows the path',
      ],
    ],
    [
      'wss://a:b@c',
      '',
      [
        'PROXY_URL="wss://…@c" (environment) has a password: give the token alone in front of the host, as in wss://TOKEN@host',
      ],
    ],
  ];
  for (const [url, token, outcome] of rows) {
    const sources = sourcesOf({ env: { ...base, PROXY_URL: url, TOKEN: token } });
    if (typeof outcome === 'string') {
      const settings = loadAgentSettings(sources);
      const { tokenOrigin: origin } = settings;
      const given = origin.kind === 'fixed' ? origin.token : origin.kind;
      t.equal(`${settings.proxyUrl} ${given}`, outcome, url);
    } else
      t.strictSame(
        linesOf(() => loadAgentSettings(sources)),
        outcome,
        url,
      );
  }
  t.end();
});

test('the agent: every way to name a backend', (t) => {
  const right = 'give 3000, HOST:PORT, http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH';
  const rows: readonly (readonly [text: string, outcome: object | string])[] = [
    ['3000', { kind: 'tcp', host: 'localhost', port: 3000 }],
    ['localhost:3000', { kind: 'tcp', host: 'localhost', port: 3000 }],
    ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
    ['[::1]:3000', { kind: 'tcp', host: '::1', port: 3000 }],
    ['http://Backend', { kind: 'tcp', host: 'backend', port: 80 }],
    ['http://backend:8080/', { kind: 'tcp', host: 'backend', port: 8080 }],
    ['https://backend', { kind: 'tls', host: 'backend', port: 443 }],
    ['https://[::1]:8443', { kind: 'tls', host: '::1', port: 8443 }],
    ['unix:/run/backend.sock', { kind: 'unix', path: '/run/backend.sock' }],
    [`unix:/${'a'.repeat(107)}`, 'is too long for a unix socket: give a path of at most 107 bytes'],
    [
      'http://backend/api',
      'has a path: leave it out: the path of each request goes to the backend as it came',
    ],
    ['0', `is not a backend: ${right}`],
    ['65536', `is not a backend: ${right}`],
    ['localhost', `is not a backend: ${right}`],
    ['localhost:', `is not a backend: ${right}`],
    ['localhost:http', `is not a backend: ${right}`],
    ['::1:3000', `is not a backend: ${right}`],
    ['ws://backend', `is not a backend: ${right}`],
    ['http://user@backend', `is not a backend: ${right}`],
    ['http://', `is not a backend: ${right}`],
    ['unix:run/a', `is not a backend: ${right}`],
  ];
  for (const [text, outcome] of rows) {
    const sources = sourcesOf({ env: { ...base, BACKEND: text } });
    if (typeof outcome === 'object') t.strictSame(loadAgentSettings(sources).backend, outcome, text);
    else
      t.strictSame(
        linesOf(() => loadAgentSettings(sources)),
        [`BACKEND="${text.slice(0, 80)}${text.length > 80 ? '…' : ''}" (environment) ${outcome}`],
        text,
      );
  }
  t.end();
});

test('the agent: what is missing is said with an example', (t) => {
  t.strictSame(
    linesOf(() => loadAgentSettings(sourcesOf({}))),
    [
      `PROXY_URL is missing: ${urlRight}, as in PROXY_URL=wss://tunnel.example.com`,
      'BACKEND is missing: give 3000, HOST:PORT, http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH, as in BACKEND=localhost:3000',
    ],
  );
  t.end();
});

test('the agent: names in their normal form, and not too many', (t) => {
  const settings = loadAgentSettings(
    sourcesOf({ env: { ...base, HOSTS: 'A.b., *.C.d', PATHS: '/api/,/x', HOST_HEADER: 'Local:080' } }),
  );
  t.strictSame(
    [settings.hosts, settings.paths, settings.hostHeader],
    [['a.b', '*.c.d'], ['/api', '/x'], 'local:80'],
  );
  const many = Array.from({ length: 33 }, (_, index) => `/${index}`).join(',');
  t.strictSame(
    linesOf(() =>
      loadAgentSettings(sourcesOf({ env: { ...base, PATHS: many, HOSTS: many.replaceAll('/', 'h') } })),
    ),
    ['HOSTS names 33 hosts: give at most 32', 'PATHS names 33 paths: give at most 32'],
  );
  t.end();
});

test('the agent: the way out may go through a proxy, as the environment of the world names it', (t) => {
  const proxyOf = (value: string): string | undefined =>
    loadAgentSettings(sourcesOf({ env: { ...base, https_proxy: value } })).forwardProxy?.href;
  t.equal(proxyOf('http://user:pass@proxy.example:3128'), 'http://user:pass@proxy.example:3128/');
  t.equal(proxyOf('proxy.example:3128'), 'http://proxy.example:3128/');
  t.strictSame(
    linesOf(() => proxyOf('socks5://user:pass@proxy.example')),
    [
      'https_proxy="socks5://…@proxy.example" (environment) is not a URL: give http:// or https:// and a host, as in http://proxy.example.com:3128',
    ],
  );
  t.strictSame(
    loadAgentSettings(sourcesOf({ env: { ...base, no_proxy: 'localhost,.example.com' } })).noForwardProxy,
    ['localhost', '.example.com'],
  );
  t.equal(agentSettings.token.format.isSecret, true);
  t.end();
});

test('a memory budget that serves nobody is refused by both programs', (t) => {
  const right = 'give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, from 16MiB on';
  const wrong = [`MEMORY_BUDGET="15MiB" (environment) is too small: ${right}`];
  const agent = { PROXY_URL: 'ws://p', TOKEN: 'a.b.c', BACKEND: '3000', MEMORY_BUDGET: '15MiB' };
  t.strictSame(
    linesOf(() => loadProxySettings(sourcesOf({ env: { MEMORY_BUDGET: '15MiB' } }))),
    wrong,
  );
  t.strictSame(
    linesOf(() => loadAgentSettings(sourcesOf({ env: agent }))),
    wrong,
  );
  t.end();
});
