/** Who may use a backend: how rules are written, and who is within one. */
import { test } from 'tap';
import { readAccessRule, standingOf } from '../../proxy/access/rule.ts';
import type { Standing } from '../../proxy/access/rule.ts';
import type { User } from '../../proxy/exchange.ts';
import type { AccessRule } from '../../proxy/records/record.ts';

function listed(lists: Partial<Extract<AccessRule, { kind: 'listed' }>>): AccessRule {
  return { kind: 'listed', emails: [], domains: [], groups: [], subjects: [], ...lists };
}

const written: readonly [string, AccessRule | { wrong: string }][] = [
  ['public', { kind: 'public' }],
  ['signed-in', { kind: 'signed-in' }],
  ['alice@example.com', listed({ emails: ['alice@example.com'] })],
  ['Alice@Example.COM', listed({ emails: ['alice@example.com'] })],
  ['@example.com', listed({ domains: ['example.com'] })],
  ['@EXAMPLE.com', listed({ domains: ['example.com'] })],
  ['group:staff', listed({ groups: ['staff'] })],
  ['group:a b@c', listed({ groups: ['a b@c'] })],
  ['subject:auth0|1@2', listed({ subjects: ['auth0|1@2'] })],
  ['a@b.example;group:x', listed({ emails: ['a@b.example'], groups: ['x'] })],
  ['', { wrong: '' }],
  ['public;alice@example.com', { wrong: 'public' }],
  ['everybody', { wrong: 'everybody' }],
  ['@', { wrong: '@' }],
  ['alice@', { wrong: 'alice@' }],
  ['a@b@c.example', { wrong: 'a@b@c.example' }],
  ['@.example.com', { wrong: '@.example.com' }],
  ['@*.example.com', { wrong: '@*.example.com' }],
  ['group:', { wrong: 'group:' }],
  ['subject:', { wrong: 'subject:' }],
  ['Group:staff@x', { wrong: 'Group:staff@x' }],
  ['a b@example.com', { wrong: 'a b@example.com' }],
  ['x'.repeat(400), { wrong: 'x'.repeat(400) }],
];

for (const [text, rule] of written) {
  test(`CLIENT_ACCESS "${text.slice(0, 40)}"`, (t) => {
    t.strictSame(readAccessRule(text === '' ? [] : text.split(';')), rule);
    t.end();
  });
}

test('a rule names so many at most', (t) => {
  const names = Array.from({ length: 1_001 }, (_, index) => `u${index}@example.com`);
  t.match(readAccessRule(names), { wrong: '' });
  t.match(readAccessRule(names.slice(1)), { kind: 'listed' });
  t.end();
});

const alice: User = {
  subject: '1',
  issuer: 'https://id.example',
  email: 'alice@example.com',
  groups: ['staff'],
};

const standings: readonly [string, AccessRule, User | undefined, Standing][] = [
  ['anybody at a public backend', { kind: 'public' }, undefined, 'allowed'],
  ['nobody known at a signed-in one', { kind: 'signed-in' }, undefined, 'unknown'],
  ['somebody at a signed-in one', { kind: 'signed-in' }, alice, 'allowed'],
  ['nobody known at a list', listed({ emails: ['alice@example.com'] }), undefined, 'unknown'],
  ['by address', listed({ emails: ['alice@example.com'] }), alice, 'allowed'],
  ['by address in another case', listed({ emails: ['ALICE@example.com'] }), alice, 'allowed'],
  ['by domain', listed({ domains: ['example.com'] }), alice, 'allowed'],
  ['by group', listed({ groups: ['other', 'staff'] }), alice, 'allowed'],
  ['by subject', listed({ subjects: ['1'] }), alice, 'allowed'],
  ['a group in another case', listed({ groups: ['Staff'] }), alice, 'not_listed'],
  ['a subject that begins alike', listed({ subjects: ['12'] }), alice, 'not_listed'],
  ['a list of nobody', listed({}), alice, 'not_listed'],
  [
    'without an address',
    listed({ emails: ['alice@example.com'] }),
    { ...alice, email: undefined },
    'not_listed',
  ],
  ['a subdomain', listed({ domains: ['example.com'] }), { ...alice, email: 'a@x.example.com' }, 'not_listed'],
  [
    'a domain that ends alike',
    listed({ domains: ['example.com'] }),
    { ...alice, email: 'a@badexample.com' },
    'not_listed',
  ],
  [
    'two @',
    listed({ domains: ['example.com'] }),
    { ...alice, email: 'a@evil.example@example.com' },
    'not_listed',
  ],
  [
    'nothing before the @',
    listed({ domains: ['example.com'] }),
    { ...alice, email: '@example.com' },
    'not_listed',
  ],
  // KELVIN SIGN: toLowerCase() makes a k of it.
  [
    'a letter that folds into ASCII',
    listed({ emails: ['k@example.com'] }),
    { ...alice, email: '\u212A@example.com' },
    'not_listed',
  ],
];

for (const [name, rule, user, standing] of standings) {
  test(`${name}: ${standing}`, (t) => {
    t.equal(standingOf(rule, user), standing);
    t.end();
  });
}
