/** What an agent may serve, by its token, by what it asks for, and by what is on record. */
import { test } from 'tap';
import { placeOf } from '../../proxy/gateway/place.ts';
import type { AgentGrant } from '../../shared/auth/grant.ts';
import { readRecord } from '../../proxy/records/record-reader.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';

interface Row {
  readonly token?: Partial<AgentGrant>;
  readonly ask?: { readonly hosts?: readonly string[]; readonly paths?: readonly string[] };
  readonly record?: object;
  readonly requiresRecord?: true;
  readonly baseDomain?: string;
}

/** `serves claims`, each as `host/path` and `-` for none; or the code of the refusal. */
function outcome({ token, ask, record, requiresRecord, baseDomain }: Row): string {
  const grant: AgentGrant = { backends: ['shop'], expiresAtMs: 0, ...token };
  const onRecord = record === undefined ? undefined : readRecord({ id: 'shop', ...record });
  const rules = { baseDomain, requiresRecord: requiresRecord === true };
  try {
    const asked = { backend: 'shop', hosts: [], paths: [], ...ask };
    const { granted, routes } = placeOf({ grant, ask: asked }, onRecord, rules);
    const serves = granted.hosts.flatMap((host) => granted.paths.map((path) => host + path));
    return `${serves.join()} ${routes.map(({ host, path }) => host + path).join() || '-'}`;
  } catch (error) {
    if (error instanceof TunnelError) return error.code;
    throw error;
  }
}

test('with nothing on record a token is enough, unless a record is required', (t) => {
  for (const [row, wanted] of [
    [{}, '*/ */'],
    [{ baseDomain: 't.net' }, 'shop.t.net/ shop.t.net/'],
    [{ token: { hosts: ['a', 'b'] }, ask: { hosts: ['a'] } }, 'a/ a/'],
    [{ requiresRecord: true }, 'not_on_record'],
    [{ requiresRecord: true, token: { backends: ['other'] } }, 'backend_not_granted'],
    [{ requiresRecord: true, record: {} }, '*/ */'],
  ] as const) {
    t.equal(outcome(row), wanted, JSON.stringify(row));
  }
  t.end();
});

test('a record with hosts says where the backend is; the token has to grant all of it', (t) => {
  const record = { hosts: ['a.example.com', '*.shop.example.com'], paths: ['/api'] };
  const serves = 'a.example.com/api,*.shop.example.com/api -';
  for (const [row, wanted] of [
    [{}, serves],
    [{ baseDomain: 't.net' }, serves],
    [{ token: { hosts: ['*'] } }, serves],
    [{ token: { hosts: ['a.example.com', '*.shop.example.com'], paths: ['/api'] } }, serves],
    [{ token: { hosts: ['a.example.com'] } }, 'route_not_granted'],
    [{ token: { hosts: ['a.example.com'] }, ask: { hosts: ['a.example.com'] } }, 'route_not_granted'],
    [{ token: { paths: ['/api/v1'] } }, 'route_not_granted'],
    [{ token: { backends: ['other'] } }, 'backend_not_granted'],
    [{ ask: { hosts: ['a.example.com'] } }, serves],
    [{ ask: { hosts: ['b.shop.example.com'], paths: ['/api/v1'] } }, serves],
    [{ ask: { hosts: ['b.example.com'] } }, 'route_not_on_record'],
    [{ ask: { hosts: ['*'] } }, 'route_not_on_record'],
    [{ ask: { hosts: ['a.b.shop.example.com'] } }, 'route_not_on_record'],
    [{ ask: { paths: ['/'] } }, 'route_not_on_record'],
    [{ ask: { paths: ['/apis'] } }, 'route_not_on_record'],
  ] as const) {
    t.equal(outcome({ record, ...row }), wanted, JSON.stringify(row));
  }
  t.equal(outcome({ record: { hosts: ['a'] }, token: { paths: ['/x'] } }), 'route_not_granted');
  t.end();
});

test('a record without hosts claims nothing, and narrows the paths where it names some', (t) => {
  for (const [row, wanted] of [
    [{ record: {} }, '*/ */'],
    [{ record: { paths: ['/api'] } }, '*/api */api'],
    [
      { record: { paths: ['/api'] }, ask: { hosts: ['a'], paths: ['/api/v1'] }, token: { hosts: ['a'] } },
      'a/api/v1 a/api/v1',
    ],
    [{ record: { paths: ['/api'] }, ask: { paths: ['/'] } }, 'route_not_on_record'],
    [{ record: { paths: ['/api'] }, token: { paths: ['/other'] } }, 'route_not_granted'],
  ] as const) {
    t.equal(outcome(row), wanted, JSON.stringify(row));
  }
  t.end();
});

test('whose tokens may serve it', (t) => {
  const record = { agentSubjects: ['dc-1', 'dc-2'] };
  for (const [subject, wanted] of [
    ['dc-1', '*/ */'],
    ['dc-3', 'subject_not_on_record'],
    ['DC-1', 'subject_not_on_record'],
    ['', 'subject_not_on_record'],
    [undefined, 'subject_not_on_record'],
  ] as const) {
    const token = subject === undefined ? {} : { subject };
    t.equal(outcome({ record, token }), wanted, String(subject));
    const named = outcome({ record: { ...record, hosts: ['a'] }, token });
    t.equal(named, wanted === '*/ */' ? 'a/ -' : wanted, 'with hosts too');
  }
  t.end();
});
