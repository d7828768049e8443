/** What may stand in a record, what it becomes, and what is said of what may not. */
import { test } from 'tap';
import type { BackendRecord } from '../../proxy/records/record.ts';
import { readRecord, RecordViolation, writeRecord } from '../../proxy/records/record-reader.ts';

const least: BackendRecord = {
  id: 'shop',
  hosts: [],
  paths: [],
  forwardIdentity: false,
  keepAuthorization: false,
  networks: { allow: [], deny: [] },
  limits: {},
};

test('an id is enough', (t) => {
  t.strictSame(readRecord({ id: 'shop' }), least);
  t.strictSame(readRecord({ id: 'shop', hosts: null, limits: null, access: null }), least, 'null is nothing');
  t.end();
});

test('everything, in normal form; and written it is the same when read again', (t) => {
  const record = readRecord({
    id: 'shop',
    hosts: ['Shop.Example.com.', '*.shop.example.com', 'shop.example.com'],
    paths: ['/api/', '/'],
    agentSubjects: ['dc-1'],
    access: { emails: ['Ada@Example.com'], domains: ['Example.ORG'], groups: ['ops'], subjects: ['u|1'] },
    forwardIdentity: true,
    keepAuthorization: true,
    networks: { allow: ['10.0.0.0/8', '::1'], deny: ['10.9.0.0/16'] },
    limits: {
      requestsPerSecond: 1,
      concurrentRequests: 2,
      requestsPerSecondPerAddress: 3,
      concurrentRequestsPerAddress: 4,
      requestsPerSecondPerUser: 5,
      concurrentRequestsPerUser: 6,
      maxBodyBytes: 7_000_000_000,
      maxLinks: 8,
    },
  });
  t.strictSame(record, {
    id: 'shop',
    hosts: ['shop.example.com', '*.shop.example.com'],
    paths: ['/api', '/'],
    agentSubjects: ['dc-1'],
    access: {
      kind: 'listed',
      emails: ['ada@example.com'],
      domains: ['example.org'],
      groups: ['ops'],
      subjects: ['u|1'],
    },
    forwardIdentity: true,
    keepAuthorization: true,
    networks: { allow: ['10.0.0.0/8', '::1'], deny: ['10.9.0.0/16'] },
    limits: record.limits,
  });
  t.equal(record.limits.maxBodyBytes, 7_000_000_000);
  for (const access of ['public', 'signed-in', { groups: ['ops'] }, undefined]) {
    const once = readRecord({ id: 'a', access });
    const written: unknown = JSON.parse(JSON.stringify(writeRecord(once)));
    t.strictSame(readRecord(written), once);
    t.match(written, access === undefined ? {} : { access });
  }
  t.strictSame(readRecord(JSON.parse(JSON.stringify(writeRecord(record)))), record);
  t.end();
});

const long = (length: number, of = 'x'): string => of.repeat(length);
const many = (count: number, of: (index: number) => unknown): unknown[] =>
  Array.from({ length: count }, (_, index) => of(index));

test('what may not stand there is said by field, value and what would be right', (t) => {
  const rows: readonly (readonly [
    fields: object,
    message: string | RegExp,
    path?: readonly (string | number)[],
  ])[] = [
    [{ id: undefined }, 'id is missing', []],
    [{ id: '-a' }, /^id is "-a": give 1 to 64 letters/, ['id']],
    [{ id: long(65) }, /^id is "xxx/],
    [{ id: 7 }, /^id is 7: give/],
    [{ id: long(200) }, new RegExp(`^id is "${long(79)}…: give`)],
    [{ hosts: 'a.example.com' }, 'hosts is "a.example.com": give a list of at most 32'],
    [{ hosts: ['a', 'https://b'] }, /^hosts\[1\] is "https:\/\/b": give a host as in/, ['hosts', 1]],
    [{ hosts: ['a:80'] }, /^hosts\[0\] is "a:80"/],
    [{ hosts: many(33, (index) => `h${index}`) }, 'hosts has 33 entries: give at most 32'],
    [{ paths: ['api'] }, /^paths\[0\] is "api": give a path as in \/api/],
    [{ paths: ['/a?b'] }, /^paths\[0\] is/],
    [{ agentSubjects: [] }, 'agentSubjects has 0 entries: give at least 1, or leave it out'],
    [{ agentSubjects: ['a\nb'] }, /^agentSubjects\[0\] is "a\\nb": give 1 to 256 characters on one line/],
    [{ agentSubjects: [' '] }, /^agentSubjects\[0\]/],
    [{ agentSubjects: [long(257)] }, /^agentSubjects\[0\]/],
    [{ access: 'everybody' }, /^access is "everybody": give "public", "signed-in", or lists/],
    [{ access: {} }, /^access is \{\}: name somebody/],
    [{ access: { emails: [] } }, /^access is \{"emails":\[\]\}: name somebody/],
    [{ access: { users: ['a'] } }, /^access\."users" is not a field: there are emails, domains/],
    [
      { access: { emails: ['ada'] } },
      /^access\.emails\[0\] is "ada": give an e-mail/,
      ['access', 'emails', 0],
    ],
    [{ access: { emails: ['a b@example.com'] } }, /^access\.emails\[0\]/],
    [{ access: { emails: ['@example.com'] } }, /^access\.emails\[0\]/],
    [{ access: { emails: many(1_001, (index) => `a${index}@b`) } }, /^access\.emails has 1001 entries/],
    [{ access: { domains: ['*.example.com'] } }, /^access\.domains\[0\]/],
    [{ access: true }, /^access is true: give an object of emails/],
    [{ forwardIdentity: 'yes' }, 'forwardIdentity is "yes": give true or false'],
    [{ keepAuthorization: 1 }, 'keepAuthorization is 1: give true or false'],
    [{ networks: { allow: ['10.0.0.0/33'] } }, /^networks\.allow\[0\] is "10\.0\.0\.0\/33": give an address/],
    [{ networks: { allow: ['localhost'] } }, /^networks\.allow\[0\]/],
    [{ networks: ['10.0.0.0/8'] }, /^networks is \["10\.0\.0\.0\/8"\]: give an object of allow, deny/],
    [{ limits: { maxLinks: 0 } }, /^limits\.maxLinks is 0: give a whole number from 1 to 1000000000/],
    [{ limits: { maxLinks: 1.5 } }, /^limits\.maxLinks is 1\.5/],
    [{ limits: { maxLinks: '3' } }, /^limits\.maxLinks is "3"/],
    [{ limits: { maxBodyBytes: -1 } }, /^limits\.maxBodyBytes is -1/],
    [
      { limits: { maxlinks: 1 } },
      /^limits\."maxlinks" is not a field: there are requestsPerSecond/,
      ['limits', 'maxlinks'],
    ],
    [{ host: ['a'] }, /^"host" is not a field: there are id, hosts, paths/],
    [JSON.parse('{"__proto__": {"id": "b"}}'), /^"__proto__" is not a field/],
  ];
  for (const [fields, message, path] of rows) {
    try {
      readRecord({ id: 'shop', ...fields, ...Object.fromEntries(Object.entries(fields)) });
      t.fail(`taken: ${JSON.stringify(fields)}`);
    } catch (error) {
      if (!(error instanceof RecordViolation)) throw error;
      t.match(error.message, message);
      if (path !== undefined) t.strictSame(error.path, path);
      t.ok(error.message.length < 300, 'short');
    }
  }
  for (const value of [null, [], 'shop', 7, undefined]) {
    t.throws(() => readRecord(value), { message: /^the record is .*: give an object of id, hosts/ });
  }
  t.throws(() => readRecord({ id: 'a', hosts: [7] }, ['backends', 3]), {
    message: /^backends\[3\]\.hosts\[0\] is 7/,
  });
  t.end();
});

test('what is wrong is told, however deep or large it is', (t) => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth += 1) deep = depth % 2 === 0 ? [deep] : { a: deep };
  for (const [value, says] of [
    [{ id: deep }, /^id is \{"a":\[\{"a":…\}\]\}: give 1 to 64 letters/],
    [{ id: 'shop', hosts: [[deep]] }, /^hosts\[0\] is \[\{"a":\[…\]\}\]: give a host/],
    [{ id: 'shop', access: deep }, /^access\."?a"? is not a field/],
    [{ id: 'shop', limits: { maxLinks: Infinity } }, /^limits\.maxLinks is Infinity: give a whole number/],
  ] as const) {
    t.throws(() => readRecord(value), { name: 'RecordViolation', message: says });
  }
  t.end();
});
