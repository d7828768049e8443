/**
 * The documents, held to what is there: links lead somewhere, files and rooms that are named exist and rooms that exist
 * are named, settings and failures are all told and none is made up, and the scripts that they tell to run are there.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { agentSettings } from '../../agent/config.ts';
import { proxySettings } from '../../proxy/config.ts';
import { keygenSettings } from '../../proxy/keygen-command.ts';
import { tokenSettings } from '../../proxy/token-command.ts';
import { failures } from '../../shared/protocol/failures.ts';
import { flagOf } from '../../shared/config/declaration.ts';
import type { Declaration } from '../../shared/config/declaration.ts';
import { configFileEnv, configFileFlag } from '../../shared/config/names.ts';
import { anchorsOf, codeOf, linksOf, pathsOf } from './markdown.ts';
import { settingsPath, withTables } from './settings-tables.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = globSync('**/*.md', {
  cwd: root,
  exclude: ['node_modules', 'dist', '.tap', '.git'],
}).toSorted();

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Every setting of both programs and of the token command. */
const declarations: readonly Declaration[] = [
  proxySettings,
  agentSettings,
  tokenSettings,
  keygenSettings,
].flatMap((settings) => Object.values<Declaration>(settings));

function settingNames(): Set<string> {
  const names = new Set([configFileEnv, 'NAME', 'NAME_FILE']);
  for (const { env, alsoEnv, format } of declarations) {
    if (env === undefined) continue;
    names.add(env).add(alsoEnv ?? env);
    if (format.isSecret === true) names.add(`${env}_FILE`);
  }
  return names;
}

/** Docker's flags stand in the same commands. */
const dockerFlags = ['network', 'restart', 'stop-timeout', 'name', 'rm'];
const { scripts }: { scripts: object } = JSON.parse(read('package.json'));

/** What code in a document may name. */
const vocabulary: readonly { what: string; pattern: RegExp; known: ReadonlySet<string> }[] = [
  { what: 'settings behind -e', pattern: /(?:^|\s)-e (\w+)=/g, known: settingNames() },
  { what: 'words like settings', pattern: /\b([A-Z]+(?:_[A-Z]+)+)\b/g, known: settingNames() },
  {
    what: 'flags',
    pattern: /(?<=\b(?:proxy|agent|token|keygen)\b.*) --([a-z-]+)/g,
    known: new Set([configFileFlag, 'help', 'version', ...declarations.map(flagOf), ...dockerFlags]),
  },
  { what: 'scripts', pattern: /npm run (?:-s )?([\w:]+)/g, known: new Set(Object.keys(scripts)) },
];

test('links, headings, paths and code are found where they stand, and not in each other', async (t) => {
  const text = [
    '# One `two`, three!',
    '[a](b.md#c) `[x](y.md)` [z](https://example.com/z.md) [d]',
    '```sh',
    'one \\',
    '  --two [q](r.md)',
    '# no heading',
    '```',
    '[d]: e.md',
    '## One `two`, three!',
    '`proxy/edge` `package.json` `/door` `inverting-proxy.v1` `node x/y.ts`',
  ].join('\n');
  t.strictSame(linksOf(text), ['b.md#c', 'e.md']);
  t.strictSame(anchorsOf(text), ['one-two-three', 'one-two-three-1']);
  t.strictSame(pathsOf(text), ['proxy/edge', 'package.json']);
  t.ok(codeOf(text).includes('one --two [q](r.md)\n# no heading\n'), 'a continued line is one');
  t.ok(codeOf(text).includes('node x/y.ts'));
});

test('the documents are there', async (t) => {
  for (const path of [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'docs/architecture.md',
    'docs/settings.md',
  ])
    t.ok(documents.includes(path), path);
});

for (const path of documents) {
  test(`${path}: every link to a file or a heading leads there`, async (t) => {
    const dead = linksOf(read(path)).filter((link) => {
      const [file = '', anchor] = link.split('#', 2);
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    t.strictSame(dead, []);
  });

  test(`${path}: every file and folder that it names exists`, async (t) => {
    t.strictSame(
      pathsOf(read(path)).filter((named) => !existsSync(join(root, named))),
      [],
    );
  });

  test(`${path}: every setting, flag and script in its code is one`, async (t) => {
    for (const { what, pattern, known } of vocabulary) {
      const named = codeOf(read(path)).flatMap((code) =>
        Array.from(code.matchAll(pattern), ([, name = '']) => name),
      );
      t.strictSame(
        named.filter((name) => !known.has(name)),
        [],
        what,
      );
    }
  });
}

test('docs/architecture.md names every room, and every file beside them', async (t) => {
  const modules = globSync('{proxy,agent,shared}/**/*.ts', { cwd: root });
  const rooms = modules.map((module) => dirname(module)).filter((folder) => folder.includes('/'));
  const beside = modules.filter((module) => !dirname(module).includes('/'));
  const named = new Set(pathsOf(read('docs/architecture.md')));
  t.strictSame([...new Set([...rooms, ...beside])].filter((path) => !named.has(path)).toSorted(), []);
});

test('docs/settings.md has every setting as the programs declare it, and no other', async (t) => {
  const document = readFileSync(settingsPath, 'utf8');
  t.equal(document, withTables(document), 'if not, run: npx node test/house/settings-tables.ts');
  for (const declaration of declarations) {
    const name = declaration.env ?? `--${flagOf(declaration)}`;
    t.match(document, `| \`${name}\``, name);
  }
});

test('README.md has every failure with its status, and no other', async (t) => {
  const rows = Array.from(
    read('README.md').matchAll(/^\| `(\w+)` +\| (\d{3}) +\|(.*)$/gm),
    ([, ...row]) => row,
  );
  t.strictSame(
    rows.map(([code, status]) => `${code} ${status}`).toSorted(),
    Object.entries(failures)
      .map(([code, { status }]) => `${code} ${status}`)
      .toSorted(),
  );
  for (const [code, , when] of rows) {
    const isRetried = Object.entries(failures).some(
      ([name, { retryAfterSeconds }]) => name === code && retryAfterSeconds !== undefined,
    );
    t.equal(when?.includes('Retry-After'), isRetried, `${code} and its Retry-After`);
  }
});
