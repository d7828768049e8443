/** The file of records: what it says after each change, who may read it, and what it refuses to do. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { openRecordsFile } from '../../proxy/records/records-file.ts';
import { readRecord } from '../../proxy/records/record-reader.ts';
import { Records } from '../../proxy/records/records.ts';

const full = readRecord({ id: 'shop', hosts: ['shop.example.com'], access: { groups: ['ops'] } });

test('what is put is there after a start, and nobody else may read it', async (t) => {
  const directory = join(t.testdir({}), 'new', 'data');
  const { records, keep } = await openRecordsFile(directory);
  t.strictSame(records, []);
  t.strictSame(readdirSync(directory), [], 'nothing is written before there is something to keep');
  const store = new Records(records, keep);
  await Promise.all([
    store.put(full),
    store.put(readRecord({ id: 'b' })),
    store.put(readRecord({ id: 'c' })),
  ]);
  await store.remove('b');
  t.strictSame(readdirSync(directory), ['backends.json'], 'and no piece of it beside it');
  const path = join(directory, 'backends.json');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  const again = await openRecordsFile(directory);
  t.strictSame(again.records, [full, readRecord({ id: 'c' })]);
  chmodSync(path, 0o644);
  await new Records(again.records, again.keep).remove('c');
  t.equal(statSync(path).mode & 0o777, 0o600, 'also where it was wider');
});

function wrap(inner: string): string {
  return `{\n  "version": 1,\n  "backends": [\n${inner}\n  ]\n}\n`;
}

test('a file that cannot be understood stops the start with its line, and stays as it is', async (t) => {
  const rows: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /, line 1: a value is missing$/],
    [wrap('{ "id": "a" }').slice(0, -6), /, line [56]: it ends too early$/],
    [wrap('{ "id": "a" },'), /, line 5: a value is missing$/],
    [wrap('{ "id": "a",\n "id": "b" }'), /, line 5: "id" stands here twice$/],
    [wrap('{ "id": "a" },\n{ "id": "-" }'), /, line 5: backends\[1\]\.id is "-": give/],
    [
      wrap('{ "id": "a",\n"limits": {\n"maxLink": 1\n} }'),
      /, line 6: backends\[0\]\.limits\."maxLink" is not a field/,
    ],
    [wrap('{ "id": "a" },\n{ "id": "a" }'), /, line 5: the id a is on record twice$/],
    [wrap('{ "id": "a", "hosts": ["x"] },\n{ "id": "b", "hosts": ["x"] }'), /, line 5: the route x\/ of b/],
    ['{\n"version": 2,\n"backends": [] }', /, line 2: this is not \{ "version": 1/],
    ['{"version": 1, "backends": {}}', /, line 1: this is not/],
    ['{"version": 1, "backends": [],\n"more": 1}', /, line 2: this is not/],
    ['[]', /, line 1: this is not/],
  ];
  for (const [text, message] of rows) {
    const directory = t.testdir({ 'backends.json': text });
    const path = join(directory, 'backends.json');
    await t.rejects(openRecordsFile(directory), { code: 'broken', message }, JSON.stringify(text));
    t.equal(readFileSync(path, 'utf8'), text);
    await t.rejects(openRecordsFile(directory), { message: new RegExp(`^${path}`) }, 'it says which file');
  }
  const directory = t.testdir({});
  writeFileSync(join(directory, 'backends.json'), Buffer.from([0x7b, 0xff]));
  await t.rejects(openRecordsFile(directory), { code: 'broken', message: /is not in UTF-8$/ });
});

test('a place that is no directory, or a file that is none, is said', async (t) => {
  const place = t.testdir({ file: 'x' });
  await t.rejects(openRecordsFile(join(place, 'file')), {
    code: 'unwritable',
    message: /cannot be written to \(EEXIST\)/,
  });
  await t.rejects(openRecordsFile(join(place, 'file', 'deeper')), { code: 'unwritable', message: /ENOTDIR/ });
  mkdirSync(join(place, 'data', 'backends.json'), { recursive: true });
  await t.rejects(openRecordsFile(join(place, 'data')), { code: 'unreadable', message: /EISDIR/ });
});

test('what somebody else has written is not overwritten', async (t) => {
  const directory = t.testdir({});
  const path = join(directory, 'backends.json');
  const one = await openRecordsFile(directory);
  const other = await openRecordsFile(directory);
  const first = new Records(one.records, one.keep);
  const second = new Records(other.records, other.keep);
  await first.put(readRecord({ id: 'a' }));
  await t.rejects(second.put(readRecord({ id: 'b' })), {
    code: 'changed_elsewhere',
    answer: { status: 503 },
    message: /was changed by somebody else than this proxy: restart the proxy/,
  });
  t.equal(second.get('b'), undefined);
  await first.put(readRecord({ id: 'c' }));
  writeFileSync(path, readFileSync(path, 'utf8').replace('"c"', '"d"'));
  await t.rejects(first.put(readRecord({ id: 'e' })), { code: 'changed_elsewhere' });
  t.strictSame(
    (await openRecordsFile(directory)).records.map(({ id }) => id),
    ['a', 'd'],
  );
});

test('a link to the file stays one', async (t) => {
  const directory = t.testdir({ real: {}, data: {} });
  const real = join(directory, 'real', 'records.json');
  writeFileSync(real, '{"version": 1, "backends": []}');
  symlinkSync(real, join(directory, 'data', 'backends.json'));
  const { records, keep } = await openRecordsFile(join(directory, 'data'));
  await new Records(records, keep).put(full);
  t.match(readFileSync(real, 'utf8'), 'shop.example.com');
});
