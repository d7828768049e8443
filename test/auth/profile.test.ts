/** Who somebody is, from claims that say whatever their provider lets them say. */
import { test } from 'tap';
import { isComplete, readProfile } from '../../shared/auth/profile.ts';
import type { Claims } from '../../shared/auth/profile.ts';

const names = { email: 'email', groups: 'groups' };
const roles = { email: 'upn', groups: 'realm_access.roles' };

const emails: readonly (readonly [Claims, string | undefined])[] = [
  [{ email: 'alice@example.com' }, 'alice@example.com'],
  [{ email: 'alice@example.com', email_verified: true }, 'alice@example.com'],
  [{ email: 'alice@example.com', email_verified: 'true' }, 'alice@example.com'],
  [{ email: 'alice@example.com', email_verified: false }, undefined],
  [{ email: 'alice@example.com', email_verified: 'false' }, undefined],
  [{ email: 'alice@example.com', email_verified: 'False' }, undefined],
  [{ email: 'alice@example.com', email_verified: 0 }, undefined],
  [{ email: 'alice@example.com', email_verified: null }, undefined],
  [{ email: 'alice@example.com', email_verified: ['true'] }, undefined],
  [{}, undefined],
  [{ email: 7 }, undefined],
  [{ email: ['alice@example.com'] }, undefined],
  [{ email: '' }, undefined],
  [{ email: 'alice' }, undefined],
  [{ email: '@example.com' }, undefined],
  [{ email: 'a@evil.example@example.com' }, undefined],
  [{ email: 'alice @example.com' }, undefined],
  [{ email: 'alice@example.com\r\nX: y' }, undefined],
  [{ email: 'alice@example.com\u0000' }, undefined],
  [{ email: 'alice\u202e@example.com' }, undefined],
  [{ email: 'alice\u200b@example.com' }, undefined],
  [{ email: 'alice\ud800@example.com' }, undefined],
  [{ email: `${'a'.repeat(320)}@example.com` }, undefined],
  [{ email: '\u00e4lice@example.com' }, '\u00e4lice@example.com'],
];

for (const [claims, email] of emails) {
  test(`an address of ${JSON.stringify(claims)
    .replaceAll(/[^ -~]/g, '?')
    .slice(0, 60)}`, (t) => {
    t.equal(readProfile({ sub: '1', ...claims }, names)?.email, email);
    t.end();
  });
}

test('an address under another name is not spoken of by email_verified', (t) => {
  t.equal(
    readProfile({ sub: '1', upn: 'a@example.com', email_verified: false }, roles)?.email,
    'a@example.com',
  );
  t.end();
});

const groups: readonly (readonly [Claims, typeof names, readonly string[]])[] = [
  [{ groups: ['staff', 'ops'] }, names, ['staff', 'ops']],
  [{ groups: 'staff' }, names, ['staff']],
  [{ groups: ['staff', 7, null, '', ['x'], { a: 1 }, 'a\nb', 'x'.repeat(257)] }, names, ['staff']],
  [{ groups: { staff: true } }, names, []],
  [{}, names, []],
  [{ realm_access: { roles: ['staff'] } }, roles, ['staff']],
  [{ 'realm_access.roles': ['exact'], realm_access: { roles: ['nested'] } }, roles, ['exact']],
  [{ realm_access: null }, roles, []],
  [{ realm_access: 'roles' }, roles, []],
  [{}, { email: 'email', groups: 'constructor.name' }, []],
  [{}, { email: 'email', groups: '__proto__' }, []],
];

for (const [claims, by, expected] of groups) {
  test(`groups of ${JSON.stringify(claims).slice(0, 60)} by ${by.groups}`, (t) => {
    t.strictSame(readProfile({ sub: '1', ...claims }, by)?.groups, expected);
    t.end();
  });
}

test('so many groups at most', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) => `g${index}`);
  t.equal(readProfile({ sub: '1', groups: many }, names)?.groups.length, 500);
  t.end();
});

test('without a subject it is nobody', (t) => {
  for (const sub of [undefined, '', 7, ['1'], 'x'.repeat(256), 'a\ud800'])
    t.equal(readProfile({ sub }, names), undefined);
  t.equal(readProfile({ sub: 'x'.repeat(255) }, names)?.subject.length, 255);
  t.end();
});

test('what may be asked for at the userinfo endpoint', (t) => {
  t.ok(isComplete({ email: 'a@example.com', groups: [] }, names));
  t.notOk(isComplete({ email: 'a@example.com' }, names));
  t.notOk(isComplete({ groups: [] }, names));
  t.ok(isComplete({ upn: 'a', realm_access: { roles: [] } }, roles));
  t.end();
});
