/**
 * Every door of the lint configuration, tried: for each rule that forbids an import somewhere, an import that it forbids
 * is planted in a copy of the folders and the linter must name it, with the rule's own sentence; and a neighbour that is
 * allowed must pass. So a rule whose pattern matches nothing, or whose glob reaches no file, is seen here.
 */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { runUnhooked } from '../unhooked.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Door {
  readonly folder: string;
  readonly regex: string;
  readonly message: string;
}

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
  readonly message: string;
}

const sharedRooms = 'mux http1 protocol transport auth config log metrics admin run'.split(' ');
const proxyRooms = ['edge', 'access', 'records', 'forward', 'routing', 'gateway', 'cluster', 'admin'];
const agentRooms = ['connector', 'backend', 'health', 'admin'];
const programs = ['agent', 'proxy', 'shared', '../test', '../bench'];
const packages = [
  'jose',
  'jose/x',
  'convict',
  'ws',
  'pino',
  'pino-pretty',
  'prom-client',
  'openid-client',
  'rate-limiter-flexible',
  'write-file-atomic',
  'bcrypt',
  'node:fs',
  'yaml',
  '@scope/name',
];

/** What an import that a pattern is there to stop may look like. A pattern that none of these matches fails the test. */
const candidates = packages.concat(
  [...programs, ...sharedRooms, ...proxyRooms, ...agentRooms].map((folder) => `../${folder}/x.ts`),
);

/** The doors as the design has them, whatever the configuration says: a rule that was taken away is seen here. */
const design: readonly (readonly [folder: string, shut: readonly string[]])[] = [
  ['agent', ['../proxy/x.ts', 'jose', 'openid-client', 'convict', 'ws', 'pino', 'prom-client']],
  [
    'proxy',
    [
      '../agent/x.ts',
      'jose',
      'openid-client',
      'write-file-atomic',
      'rate-limiter-flexible',
      'convict',
      'ws',
      'pino',
      'prom-client',
    ],
  ],
  ['shared/run', ['../../agent/x.ts', '../../proxy/x.ts', 'jose', 'convict', 'ws', 'pino', 'prom-client']],
  ['shared/admin', ['../../agent/x.ts', '../../proxy/x.ts', 'jose', 'convict', 'ws', 'pino', 'prom-client']],
  ['shared/metrics', ['../../agent/x.ts', '../../proxy/x.ts', 'pino', '../mux/x.ts', '../admin/x.ts']],
  ['shared/auth', ['../../agent/x.ts', '../../proxy/x.ts', 'convict', 'ws', 'pino']],
  ['shared/config', ['../../agent/x.ts', '../../proxy/x.ts', 'jose', 'ws', 'pino']],
  ['shared/transport', ['../../agent/x.ts', '../../proxy/x.ts', 'jose', 'convict', 'ws', 'pino']],
  ['shared/mux', ['node:net', 'ws', '../http1/x.ts', '../protocol/x.ts', '../transport/x.ts']],
  ['shared/http1', ['node:buffer', 'ws', '../mux/x.ts', '../protocol/x.ts', '../transport/x.ts']],
  ['shared/protocol', ['node:net', 'jose', '../mux/x.ts', '../http1/x.ts', '../auth/x.ts']],
  ['agent/admin', ['connector', 'backend', 'health'].map((room) => `../${room}/x.ts`)],
  ['proxy/admin', ['edge', 'access', 'forward', 'gateway', 'cluster'].map((room) => `../${room}/x.ts`)],
  [
    'proxy/records',
    ['edge', 'access', 'forward', 'routing', 'gateway', 'admin'].map((room) => `../${room}/x.ts`),
  ],
  ['proxy/routing', ['edge', 'access', 'forward', 'gateway', 'admin'].map((room) => `../${room}/x.ts`)],
  ['proxy/edge', ['access', 'forward', 'routing', 'gateway', 'admin'].map((room) => `../${room}/x.ts`)],
  ['proxy/access', ['edge', 'forward', 'routing', 'gateway', 'admin'].map((room) => `../${room}/x.ts`)],
  ['proxy/forward', ['edge', 'access', 'gateway', 'admin'].map((room) => `../${room}/x.ts`)],
  ['proxy/gateway', ['edge', 'access', 'forward', 'admin'].map((room) => `../${room}/x.ts`)],
  ['bench', ['../proxy/x.ts', '../agent/x.ts', '../shared/mux/x.ts']],
  ['bench/micro', ['../../proxy/x.ts', '../../agent/x.ts']],
  ['shared/mux', ['../../bench/x.ts', '../../test/x.ts']],
];

/** The alternatives of a door's pattern, each of which must be shut: `(^|/)(http1|protocol)/` stands for two doors. */
function plantsOf({ regex }: Door): string[] {
  const pattern = new RegExp(regex, 'u');
  return candidates.filter((specifier) => pattern.test(specifier));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** All `no-restricted-imports` patterns of the repository's own configuration, with the folder each is set on. */
function readDoors(config: unknown): Door[] {
  const doors: Door[] = [];
  for (const override of isRecord(config) ? list(config['overrides']) : []) {
    if (!isRecord(override) || !isRecord(override['rules'])) continue;
    const [, options] = list(override['rules']['no-restricted-imports']);
    for (const pattern of isRecord(options) ? list(options['patterns']) : []) {
      if (!isRecord(pattern)) throw new Error('a pattern is an object with a regex and a message');
      for (const glob of list(override['files'])) {
        const folder = String(glob).replace(/\/\*\*$/, '');
        doors.push({ folder, regex: String(pattern['regex']), message: String(pattern['message']) });
      }
    }
  }
  return doors;
}

/** A copy of the house with the given files in it, linted by the house's own configuration. */
async function lint(files: ReadonlyMap<string, string>): Promise<Diagnostic[]> {
  const house = await mkdtemp(join(tmpdir(), 'doors-'));
  try {
    await cp(join(root, '.oxlintrc.json'), join(house, '.oxlintrc.json'));
    await cp(join(root, 'tsconfig.json'), join(house, 'tsconfig.json'));
    await symlink(join(root, 'node_modules'), join(house, 'node_modules'));
    await Promise.all(
      [...files].map(async ([name, text]) => {
        await mkdir(dirname(join(house, name)), { recursive: true });
        await writeFile(join(house, name), text);
      }),
    );
    await Promise.all(
      ['proxy', 'agent', 'shared', 'test', 'bench'].map((room) =>
        mkdir(join(house, room), { recursive: true }),
      ),
    );
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    const argv = ['--format=json', 'proxy', 'agent', 'shared', 'test', 'bench'];
    const stdout = await runUnhooked(oxlint, argv, house).catch((error: unknown) => {
      // It exits 1 when it has found something, which is what it is here for.
      if (isRecord(error) && error['code'] === 1 && typeof error['stdout'] === 'string')
        return error['stdout'];
      throw error;
    });
    const report: unknown = JSON.parse(stdout);
    return list(isRecord(report) ? report['diagnostics'] : undefined)
      .filter(isRecord)
      .map((found) => ({
        filename: String(found['filename']).replaceAll('\\', '/'),
        code: String(found['code']),
        message: `${String(found['message'])} ${String(found['help'])}`,
      }));
  } finally {
    await rm(house, { recursive: true, force: true });
  }
}

const forms: readonly [string, (specifier: string) => string][] = [
  ['value', (specifier) => `import { a } from '${specifier}';\nexport const b = a;\n`],
  ['type', (specifier) => `import type { A } from '${specifier}';\nexport type B = A;\n`],
  ['export', (specifier) => `export { a } from '${specifier}';\n`],
];

test('every door is shut, for each of the ways to import through it', async (t) => {
  const config: unknown = JSON.parse(await readFile(join(root, '.oxlintrc.json'), 'utf8'));
  const doors = readDoors(config);
  const files = new Map<string, string>();
  const planted: { door: Door; specifier: string; name: string }[] = [];
  for (const door of doors) {
    const plants = plantsOf(door);
    if (plants.length === 0) t.fail(`${door.folder}: nothing known is shut out by ${door.regex}`);
    for (const specifier of plants) {
      for (const [form, write] of forms) {
        const name = `${door.folder}/plant-${planted.length}-${form}.ts`;
        files.set(name, write(specifier));
        planted.push({ door, specifier, name });
      }
    }
  }
  const found = await lint(files);
  const byFile = Map.groupBy(found, ({ filename }) => filename);
  for (const { door, specifier, name } of planted) {
    const seen = (byFile.get(name) ?? []).filter(({ code }) => code === 'eslint(no-restricted-imports)');
    const isCaught = seen.some(({ message }) => message.includes(door.message));
    if (!isCaught) t.fail(`${name} imports ${specifier}: not told "${door.message}"`, { seen });
  }
  t.ok(
    planted.length > doors.length && doors.length > 0,
    `${planted.length} imports planted behind ${doors.length} doors`,
  );
});

test('the doors of the design are all in the configuration', async (t) => {
  const planted = design.flatMap(([folder, shut]) => shut.map((specifier) => ({ folder, specifier })));
  const named = planted.map((plant, i) => ({ ...plant, name: `${plant.folder}/plant-${i}.ts` }));
  const found = await lint(
    new Map(named.map(({ name, specifier }) => [name, `export { a } from '${specifier}';\n`])),
  );
  const caught = new Set(
    found.filter(({ code }) => code === 'eslint(no-restricted-imports)').map(({ filename }) => filename),
  );
  t.strictSame(
    named.filter(({ name }) => !caught.has(name)).map(({ folder, specifier }) => `${folder} → ${specifier}`),
    [],
    `${planted.length} imports that the design forbids`,
  );
});

test('the libraries that live in one room may be imported there', async (t) => {
  const homes: readonly [string, string][] = [
    ['shared/auth', 'jose'],
    ['shared/config', 'convict'],
    ['shared/log', 'pino'],
    ['shared/metrics', 'prom-client'],
    ['shared/admin', '../metrics/exposition.ts'],
    ['proxy/admin', '../../shared/metrics/metric.ts'],
    ['proxy/forward', '../routing/tunnel.ts'],
    ['proxy/gateway', '../routing/registry.ts'],
    ['proxy', './edge/listener.ts'],
    ['agent', '../shared/mux/session.ts'],
    ['shared/transport', '../mux/session.ts'],
    ['shared/mux', '../errors/tunnel-error.ts'],
  ];
  const files = new Map(
    homes.map(([folder, specifier], i) => [`${folder}/plant-${i}.ts`, `export { a } from '${specifier}';\n`]),
  );
  const found = await lint(files);
  t.strictSame(
    found.filter(({ code }) => code === 'eslint(no-restricted-imports)'),
    [],
  );
});

test('a cycle, a default export, an any and a file over its length are caught; a clean file passes', async (t) => {
  const long = `${Array.from({ length: 301 }, (_, i) => `export const a${i} = ${i};`).join('\n')}\n`;
  const found = await lint(
    new Map([
      ['shared/time/one.ts', `import { two } from './two.ts';\nexport const one = (): number => two();\n`],
      ['shared/time/two.ts', `import { one } from './one.ts';\nexport const two = (): number => one();\n`],
      ['proxy/edge/default.ts', 'export default 1;\n'],
      ['agent/any.ts', 'export function read(value: any): number {\n  return Number(value);\n}\n'],
      ['agent/long.ts', long],
      ['agent/console.ts', `export function hello(): void {\n  console.log('hello');\n}\n`],
      ['agent/protocol.ts', `import { readFile } from 'fs/promises';\nexport const read = readFile;\n`],
      ['shared/mux/clean.ts', 'export function double(value: number): number {\n  return value * 2;\n}\n'],
    ]),
  );
  const caught = (name: string, code: string): boolean =>
    found.some((it) => it.filename === name && it.code === code);
  t.ok(caught('shared/time/one.ts', 'import(no-cycle)'), 'a cycle');
  t.ok(caught('proxy/edge/default.ts', 'import(no-default-export)'), 'a default export');
  t.ok(caught('agent/any.ts', 'typescript(no-explicit-any)'), 'an any');
  t.ok(caught('agent/long.ts', 'eslint(max-lines)'), 'a file over 300 lines');
  t.ok(caught('agent/console.ts', 'eslint(no-console)'), 'console');
  t.ok(caught('agent/protocol.ts', 'unicorn(prefer-node-protocol)'), 'an import without node:');
  t.strictSame(
    found.filter(({ filename }) => filename === 'shared/mux/clean.ts'),
    [],
    'a clean file',
  );
});
