/** Every line a person can read about a setting, to the letter. */
import { test } from 'tap';
import { list, scalar } from '../../shared/config/format.ts';
import { boolean, port, secret, text } from '../../shared/config/formats.ts';
import { hideCredentials } from '../../shared/config/addresses.ts';
import { loadSettings } from '../../shared/config/load.ts';
import { duration, size } from '../../shared/config/measures.ts';
import { linesOf, sourcesOf } from './sources.ts';
import type { Given } from './sources.ts';

const declarations = {
  port: { env: 'PORT', format: port(), default: '8080', doc: 'A port.' },
  maxHeaderBytes: { env: 'MAX_HEADER_BYTES', format: size(), default: '32KiB', doc: 'A size.' },
  idleTimeoutMs: { env: 'IDLE_TIMEOUT', format: duration(), default: '5m', doc: 'A duration.' },
  verbose: { env: 'VERBOSE', format: boolean(), default: 'false', doc: 'A boolean.' },
  hosts: { env: 'HOSTS', format: list(text('host', 20)), default: '', doc: 'A list.' },
  token: { env: 'TOKEN', format: secret(4), doc: 'A secret.' },
  url: {
    env: 'PROXY_URL',
    format: scalar({
      kind: 'URL',
      right: 'give ws://',
      show: hideCredentials,
      parse: (raw) => (raw.startsWith('ws://') ? raw : undefined),
    }),
    default: 'ws://localhost',
    doc: 'A value that may carry a secret.',
  },
} as const;

const portRight = 'give a number from 0 to 65535';
const durationRight = 'give a number with its unit (ms, s, m, h, d), as in 15s, 1ms to 24d';
const secretRight = 'give at least 4 bytes, as `openssl rand -hex 32` makes them';
const fileRight = 'give the path of a file that this process may read';

interface Row extends Given {
  readonly lines: readonly string[];
}

const rows: Readonly<Record<string, Row>> = {
  'an unknown flag near a known one': {
    argv: ['--prot', '80'],
    lines: ['--prot is not a setting: did you mean --port?'],
  },
  'an unknown flag with its value behind an equals sign': {
    argv: ['--prot=80'],
    lines: ['--prot is not a setting: did you mean --port?'],
  },
  'an unknown flag near none': { argv: ['--colour'], lines: ['--colour is not a setting: see --help'] },
  'a flag with underscores': {
    argv: ['--MAX_HEADER_BYTES=1'],
    lines: ['--MAX_HEADER_BYTES is not a setting: did you mean --max-header-bytes?'],
  },
  'a flag with one dash': { argv: ['-port', '80'], lines: ['-port is not a setting: did you mean --port?'] },
  'a swapped letter': {
    argv: ['--ilde-timeout=1s'],
    lines: ['--ilde-timeout is not a setting: did you mean --idle-timeout?'],
  },
  'a flag without its value, at the end': {
    argv: ['--port'],
    lines: ['--port has no value: write --port VALUE'],
  },
  'a flag without its value, before another': {
    argv: ['--port', '--verbose'],
    lines: ['--port has no value: write --port VALUE'],
  },
  'a flag with an empty value': { argv: ['--port='], lines: ['--port has no value: write --port VALUE'] },
  'a flag twice': { argv: ['--port=1', '--port=2'], lines: ['--port is given twice: give it once'] },
  'an argument that is no flag': {
    argv: ['8080'],
    lines: ['"8080" is neither a flag nor behind -e: write --NAME VALUE or -e NAME=VALUE'],
  },
  'an argument behind two dashes': {
    argv: ['--', '--port'],
    lines: ['"--port" is neither a flag nor behind -e: write --NAME VALUE or -e NAME=VALUE'],
  },
  'an unknown name behind -e': {
    argv: ['-e', 'PROT=1'],
    lines: ['-e PROT is not a setting: did you mean PORT?'],
  },
  'a name of another case behind -e': {
    argv: ['-e', 'port=1'],
    lines: ['-e port is not a setting: did you mean PORT?'],
  },
  'no name behind -e': { argv: ['-e', '=1'], lines: ['-e  is not a setting: see --help'] },
  '-e without a value': { argv: ['-e', 'PORT'], lines: ['-e PORT has no value: write -e PORT=VALUE'] },
  '-e alone': { argv: ['-e'], lines: ['-e has no value: write -e NAME=VALUE'] },
  '-e twice': { argv: ['-e', 'PORT=1', '-e', 'PORT=2'], lines: ['-e PORT is given twice: give it once'] },
  'an impossible value, by flag': {
    argv: ['--port', 'http'],
    lines: [`--port="http" is not a port: ${portRight}`],
  },
  'an impossible value, by -e': {
    argv: ['-e', 'PORT=http'],
    lines: [`-e PORT="http" is not a port: ${portRight}`],
  },
  'an impossible value, by environment': {
    env: { PORT: 'http' },
    lines: [`PORT="http" (environment) is not a port: ${portRight}`],
  },
  'an impossible value, by file': {
    env: { CONFIG_FILE: '/etc/a.yaml' },
    files: { '/etc/a.yaml': 'port: http' },
    lines: [`port: "http" (file /etc/a.yaml) is not a port: ${portRight}`],
  },
  'a bare number for a duration': {
    env: { IDLE_TIMEOUT: '15' },
    lines: [`IDLE_TIMEOUT="15" (environment) is not a duration: ${durationRight}`],
  },
  'a bare number for a duration, in YAML': {
    env: { CONFIG_FILE: 'a.yaml' },
    files: { 'a.yaml': 'IDLE_TIMEOUT: 15' },
    lines: [`IDLE_TIMEOUT: "15" (file a.yaml) is not a duration: ${durationRight}`],
  },
  'an impossible value is cut and quoted': {
    env: { PORT: `\u001b[31m${'x'.repeat(100)}` },
    lines: [`PORT="\\u001b[31m${'x'.repeat(75)}…" (environment) is not a port: ${portRight}`],
  },
  'an impossible boolean': {
    argv: ['--verbose=yes'],
    lines: ['--verbose="yes" is not a boolean: give true or false'],
  },
  'an impossible item': {
    argv: ['--hosts', `a,${'b'.repeat(21)}`],
    lines: [
      `--hosts="a,${'b'.repeat(21)}" holds "${'b'.repeat(21)}", which is not a host: give at most 20 characters on one line`,
    ],
  },
  'a secret is never shown, by flag': {
    argv: ['--token=abc'],
    lines: [`--token is 3 bytes long: ${secretRight}`],
  },
  'a secret is never shown, by environment': {
    env: { TOKEN: 'abc' },
    lines: [`TOKEN (environment) is 3 bytes long: ${secretRight}`],
  },
  'a secret is never shown, by its file': {
    env: { TOKEN_FILE: '/run/token' },
    files: { '/run/token': '\n' },
    lines: [`TOKEN_FILE (environment) is 0 bytes long: ${secretRight}`],
  },
  'a secret in a list of a file': {
    env: { CONFIG_FILE: 'a.yaml' },
    files: { 'a.yaml': 'token: [abcd, efgh]' },
    lines: [`token (file a.yaml) is a list: ${secretRight}`],
  },
  'what stands before an @ is never shown': {
    env: { PROXY_URL: 'https://TOKEN@host' },
    lines: ['PROXY_URL="https://…@host" (environment) is not a URL: give ws://'],
  },
  'a token where none belongs is not shown': {
    argv: ['-e', 'TOKEN', 'eyJhbGciOiJIUzI1NiJ9.eyJiYWNrZW5kIjoiYSJ9.c2lnbmF0dXJl'],
    env: { PROXY_URL: 'wss://eyJhbGciOiJIUzI1NiJ9.eyJiYWNrZW5kIjoiYSJ9.c2lnbmF0dXJl' },
    lines: [
      '-e TOKEN has no value: write -e TOKEN=VALUE',
      '"(masked)" is neither a flag nor behind -e: write --NAME VALUE or -e NAME=VALUE',
      'PROXY_URL="wss://(masked)" (environment) is not a URL: give ws://',
    ],
  },
  'a secret and its file': {
    env: { TOKEN: 'abcd' },
    argv: ['--token-file', 'x'],
    lines: ['TOKEN (environment) and --token-file are both given: give one of them'],
  },
  'a secret whose file is not there': {
    env: { TOKEN_FILE: '/run/token' },
    lines: [`TOKEN_FILE="/run/token" (environment) cannot be read (ENOENT): ${fileRight}`],
  },
  'an unknown key of the file': {
    env: { CONFIG_FILE: 'a.yaml' },
    files: { 'a.yaml': 'prot: 1\n__proto__: 2\n' },
    lines: [
      'prot (file a.yaml) is not a setting: did you mean PORT?',
      '__proto__ (file a.yaml) is not a setting: see --help',
    ],
  },
  'a key of the file in two spellings': {
    env: { CONFIG_FILE: 'a.yaml' },
    files: { 'a.yaml': 'PORT: 1\nport: 2\n' },
    lines: ['port (file a.yaml) is given twice: give it once'],
  },
  'a mapping for a value': {
    env: { CONFIG_FILE: 'a.json' },
    files: { 'a.json': '{"port":{"a":{"b":1}}}' },
    lines: [`port (file a.json) is neither a text nor a list of texts: ${portRight}`],
  },
  'a number with a fraction, in JSON': {
    env: { CONFIG_FILE: 'a.json' },
    files: { 'a.json': '{"port":80.5}' },
    lines: [`port (file a.json) is neither a text nor a list of texts: ${portRight}`],
  },
  'no file where one was named': {
    argv: ['--config-file', 'a.json'],
    lines: [`the settings' file a.json cannot be read (ENOENT): ${fileRight}`],
  },
  'a file of another kind': {
    argv: ['--config-file', 'a.toml'],
    files: { 'a.toml': '' },
    lines: ["the settings' file a.toml is neither .json nor .yaml nor .yml: name it by what is in it"],
  },
  'a file that is no JSON': {
    argv: ['--config-file', 'a.json'],
    files: { 'a.json': '{"token": secret-token' },
    lines: ["the settings' file a.json is not JSON"],
  },
  'a file that is no YAML': {
    argv: ['--config-file', 'a.yaml'],
    files: { 'a.yaml': 'port: 1\ntoken: "secret-token\n' },
    lines: ["the settings' file a.yaml is not YAML (line 3, MISSING_CHAR)"],
  },
  'a key twice in YAML': {
    argv: ['--config-file', 'a.yaml'],
    files: { 'a.yaml': 'port: 1\nport: 2\n' },
    lines: ["the settings' file a.yaml is not YAML (line 2, DUPLICATE_KEY)"],
  },
  'a file without names': {
    argv: ['--config-file', 'a.yaml'],
    files: { 'a.yaml': '- port\n' },
    lines: ["the settings' file a.yaml holds no mapping: write NAME: VALUE on each line"],
  },
  'everything at once': {
    argv: ['--prot', '1', '-e', 'HOST=x', 'stray', '--config-file', 'a.yaml'],
    env: { MAX_HEADER_BYTES: '1kb', TOKEN: 'x' },
    files: { 'a.yaml': 'colour: red' },
    lines: [
      '--prot is not a setting: did you mean --port?',
      '-e HOST is not a setting: did you mean HOSTS?',
      '"stray" is neither a flag nor behind -e: write --NAME VALUE or -e NAME=VALUE',
      'colour (file a.yaml) is not a setting: see --help',
      'MAX_HEADER_BYTES="1kb" (environment) is not a size: give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, from 0 on',
      `TOKEN (environment) is 1 byte long: ${secretRight}`,
    ],
  },
};

for (const [title, { lines, ...given }] of Object.entries(rows)) {
  test(title, (t) => {
    t.strictSame(
      linesOf(() => loadSettings(declarations, sourcesOf(given))),
      lines,
    );
    t.end();
  });
}
