/** The records together: what may stand beside what, changes in turn, and what a failed change leaves. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { test } from 'tap';
import type { BackendRecord } from '../../proxy/records/record.ts';
import { readRecord } from '../../proxy/records/record-reader.ts';
import { maxRecords, Records, routesOf } from '../../proxy/records/records.ts';

const record = (id: string, fields: object = {}): BackendRecord => readRecord({ id, ...fields });

function refuse(): void {
  throw new Error('not as you believe');
}

test('which routes a record makes its own', (t) => {
  const rows: readonly (readonly [fields: object, routes: string[]])[] = [
    [{}, []],
    [{ paths: ['/api'] }, []],
    [{ hosts: ['a'] }, ['a/']],
    [{ hosts: ['a', '*'], paths: ['/x', '/y'] }, ['a/x', 'a/y', '*/x', '*/y']],
  ];
  for (const [fields, routes] of rows) {
    t.strictSame(
      routesOf(record('id', fields)).map(({ host, path }) => host + path),
      routes,
    );
  }
  t.end();
});

test('put, replaced, removed; and whoever watches hears each', async (t) => {
  const records = new Records([record('first')]);
  const heard: string[] = [];
  records.watch((id, now) => {
    heard.push(`${id} ${now?.hosts.join() ?? 'gone'}`);
    t.equal(records.get(id), now, 'it can be seen already');
  });
  t.equal(await records.put(record('second', { hosts: ['b'] })), 'created');
  t.equal(await records.put(record('second', { hosts: ['c'] })), 'replaced');
  t.equal(await records.remove('first'), true);
  t.equal(await records.remove('first'), false);
  t.strictSame(heard, ['second b', 'second c', 'first gone']);
  t.strictSame(
    records.all().map(({ id }) => id),
    ['second'],
  );
});

test('one route is on record for one id', async (t) => {
  const records = new Records([record('a', { hosts: ['a.example.com', '*'], paths: ['/', '/api'] })]);
  await t.rejects(records.put(record('b', { hosts: ['x', '*'], paths: ['/api'] })), {
    code: 'route_on_record',
    answer: { status: 409 },
    message: 'the route */api of b is on record for a: one of them can have it',
  });
  t.equal(records.get('b'), undefined);
  await records.put(record('b', { hosts: ['a.example.com'], paths: ['/api/v1'] }));
  await records.put(record('a', { hosts: ['a.example.com'] }));
  await records.put(record('c', { hosts: ['*'], paths: ['/api'] }));
  t.throws(() => new Records([record('a'), record('a')]), { code: 'id_on_record', index: 1 });
  const many = Array.from({ length: maxRecords }, (_, index) => record(`b${index}`));
  const full = new Records(many);
  await t.rejects(full.put(record('one-more')), { code: 'too_many_records' });
  t.equal(await full.put(record('b7', { hosts: ['b'] })), 'replaced');
});

test('changes come in turn, each upon the one before', async (t) => {
  const gates: PromiseWithResolvers<void>[] = [];
  const kept: string[] = [];
  const records = new Records([], async (next) => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    kept.push(next.map(({ id }) => id).join());
  });
  const seen: (string | undefined)[] = [];
  const changes = [
    records.put(record('a')),
    records.put(record('b')),
    records.remove('a', (current) => void seen.push(current?.id)),
  ];
  for (let index = 0; index < changes.length; index += 1) {
    while (gates[index] === undefined) await new Promise(setImmediate);
    t.equal(gates.length, index + 1, 'one at a time');
    t.equal(records.size, index === 2 ? 2 : index, 'nothing is seen before it is kept');
    gates[index]?.resolve();
    await changes[index];
  }
  t.strictSame(kept, ['a', 'a,b', 'b']);
  t.strictSame(seen, ['a'], 'a precondition sees what the changes before it have made');
});

test('a change that cannot be kept changes nothing, and the next one can', async (t) => {
  let isFull = true;
  const records = new Records([record('a')], async () => {
    if (isFull) throw new Error('disk full');
  });
  const heard: string[] = [];
  records.watch((id) => heard.push(id));
  await t.rejects(records.put(record('b')), { message: 'disk full' });
  await t.rejects(records.remove('a'), { message: 'disk full' });
  t.strictSame([records.get('b'), records.get('a')?.id, heard], [undefined, 'a', []]);
  isFull = false;
  await t.rejects(records.put(record('b'), refuse), { message: 'not as you believe' });
  t.equal(await records.put(record('b')), 'created');
  t.strictSame(heard, ['b']);
});
