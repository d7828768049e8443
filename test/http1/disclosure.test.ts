/** What a backend is told of who the user is: nothing that a client says of it (rules 18-20, 30), and of what was meant for the proxy nothing at all. */
import { test } from 'tap';
import { IDENTITY_PREFIXES, RESERVED_PREFIXES } from '../../shared/http1/hop.ts';
import type { Disclosure } from '../../shared/http1/write.ts';
import { latin1 } from './pieces.ts';
import { runWritten, writtenRequest } from './written.ts';

const OURS = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: h',
  'Via: 1.1 edge',
] as const;

const text = (lines: readonly string[]): string => [...lines, '', ''].join('\r\n');

/** Each name that only the proxy may say, as it is written, and with what begins with it. */
const NAMES = [
  ...RESERVED_PREFIXES.flatMap((prefix) => [prefix, `${prefix}user-id`, `${prefix}assertion`]),
  ...IDENTITY_PREFIXES.flatMap((prefix) => [prefix, `${prefix}-id`, `${prefix}s`]),
];

test('the names, whatever else is taken away from or added to them', (t) => {
  t.strictSame(RESERVED_PREFIXES, ['x-inverting-proxy-']);
  t.strictSame(IDENTITY_PREFIXES, [
    'x-forwarded-user',
    'x-forwarded-email',
    'x-forwarded-groups',
    'x-forwarded-preferred-username',
    'x-forwarded-access-token',
  ]);
  t.end();
});

/** What can stand in a name and is neither letter nor digit: programs that make variables of names write all of it as `_`. */
const MARKS = "!#$%&'*+.^_`|~";

/** A name in small and capital letters, as it is usually written, with each `-` as `_`, and with all of them as each mark. */
function spellings(name: string): string[] {
  const usual = name.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
  const hyphens = [...name.matchAll(/-/g)].map(({ index }) => index);
  const each = hyphens.map((at) => `${usual.slice(0, at)}_${usual.slice(at + 1)}`);
  const marked = Array.from(MARKS, (mark) => usual.replaceAll('-', () => mark));
  return [name, name.toUpperCase(), usual, ...each, name.replaceAll('-', '_'), ...marked];
}

for (const trustChain of [false, true]) {
  test(`no client says who the user is, ${trustChain ? 'trusted' : 'not trusted'}`, (t) => {
    for (const name of NAMES) {
      for (const spelt of spellings(name)) {
        for (const lines of [
          [`${spelt}: root`],
          [`${spelt}:`, `${spelt}: root`],
          [`${spelt}: root`, `Connection: ${name}`],
          [`${spelt}: root`, `Connection: Upgrade`, 'Upgrade: websocket'],
        ]) {
          const sent = text(['GET /a HTTP/1.1', 'Host: h', 'A: 1', ...lines, 'B: 2']);
          const { head } = writtenRequest([latin1(sent)], { forwarding: { trustChain } });
          const upgrade = lines.length === 3 ? ['Upgrade: websocket'] : [];
          const connection = lines.length === 3 ? ['Connection: upgrade'] : [];
          const expected = ['GET /a HTTP/1.1', 'Host: h', 'A: 1', ...upgrade, 'B: 2', ...connection, ...OURS];
          if (head !== text(expected)) t.equal(head, text(expected), lines.join(' | '));
        }
      }
    }
    t.pass(`${NAMES.length} names`);
    t.end();
  });
}

test('names of other products: kept from trusted clients, and near misses from everybody', (t) => {
  const foreign = ['X-Auth-Request-User: a', 'x_auth_request_email: b'];
  const near = [
    'X-Forwarded: 1',
    'X-Auth-Request: 2',
    'Forwarded-User: 3',
    'X-User: 4',
    'X-Inverting-Proxy: 5',
  ];
  const sent = text(['GET /a HTTP/1.1', 'Host: h', ...foreign, ...near]);
  const written = (trustChain: boolean): string =>
    writtenRequest([latin1(sent)], { forwarding: { trustChain } }).head;
  t.equal(written(false), text(['GET /a HTTP/1.1', 'Host: h', ...near, ...OURS]));
  t.equal(
    written(true),
    text(['GET /a HTTP/1.1', 'Host: h', 'X-Auth-Request-User: a', ...near, ...OURS]),
    'in their own spelling',
  );
  t.end();
});

test('what the proxy says stands alone, whatever Connection names', (t) => {
  const fields = [
    ['X-Forwarded-User', 'u'],
    ['X-Inverting-Proxy-User-ID', 'u@example.com'],
  ] as const;
  const sent = text([
    'GET /a HTTP/1.1',
    'Host: h',
    'x-forwarded-user: root',
    'X_Inverting_Proxy_User_ID: root',
    'Connection: x-forwarded-user, x-inverting-proxy-user-id',
  ]);
  const expected = text([
    'GET /a HTTP/1.1',
    'Host: h',
    ...OURS,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ]);
  runWritten(t, 'added behind', sent, { head: expected, body: '', end: '' }, (pieces) =>
    writtenRequest(pieces, { disclosure: { fields } }),
  );
  t.end();
});

/** Without the cookies `s` and `__Host-s`. */
type CookieRow = readonly [name: string, sent: readonly string[], goesOn: readonly string[]];

const cookies: readonly CookieRow[] = [
  ['none of them', ['Cookie:  a=1;b=2 ;;  c'], ['Cookie:  a=1;b=2 ;;  c']],
  ['the only one', ['Cookie: __Host-s=x', 'A: 1'], ['A: 1']],
  ['the only ones', ['Cookie: __Host-s=x; s=y', 'A: 1'], ['A: 1']],
  ['the first', ['Cookie: __Host-s=x; a=1;b = 2 '], ['Cookie: a=1;b = 2']],
  ['one in the middle', ['cookie: a=1; s=x;  b="2"; c'], ['cookie: a=1;  b="2"; c']],
  ['the last', ['COOKIE:\ta=1; s=x'], ['COOKIE: a=1']],
  ['each time it stands there', ['Cookie: s=1; a=1; s=2; b=2; s=3'], ['Cookie: a=1; b=2']],
  [
    'on several lines',
    ['Cookie: a=1; s=x', 'A: 1', 'Cookie: s=y', 'Cookie: b=2'],
    ['Cookie: a=1', 'A: 1', 'Cookie: b=2'],
  ],
  ['between blanks', ['Cookie: a=1; \ts\t = x ; b=2'], ['Cookie: a=1; b=2']],
  ['without a blank', ['Cookie: a=1;s=x;b=2'], ['Cookie: a=1;b=2']],
  ['with a value in quotes', ['Cookie: s="x, y"; b="2"'], ['Cookie: b="2"']],
  ['with = in its value, and empty', ['Cookie: s==x=; b==; s='], ['Cookie: b==']],
  ['between the quotes of another', ['Cookie: a="1; s=x; b=2"'], ['Cookie: a="1; b=2"']],
  [
    'other names',
    ['Cookie: S=1; ss=2; xs=3; s2=4; __host-s=5; s'],
    ['Cookie: S=1; ss=2; xs=3; s2=4; __host-s=5; s'],
  ],
  ['as a value', ['Cookie: a=s; b=__Host-s=x'], ['Cookie: a=s; b=__Host-s=x']],
  [
    'bytes of others',
    ['Cookie: \x80\xff=\xa0; s=\x85;\xa0s=1; b=%73'],
    ['Cookie: \x80\xff=\xa0;\xa0s=1; b=%73'],
  ],
  ['a semicolon at the end', ['Cookie: a=1; s=x;'], ['Cookie: a=1;']],
  ['an empty field', ['Cookie:', 'A: s'], ['Cookie:', 'A: s']],
  [
    'what is no Cookie',
    ['Cookie2: s=x', 'X-Cookie: s=x', 'Set-Cookie: s=x'],
    ['Cookie2: s=x', 'X-Cookie: s=x', 'Set-Cookie: s=x'],
  ],
];

test("the proxy's own cookies stay here, the others go on byte for byte", (t) => {
  for (const [name, sent, goesOn] of cookies) {
    const expected = { head: text(['GET /a HTTP/1.1', 'Host: h', ...goesOn, ...OURS]), body: '', end: '' };
    runWritten(t, name, text(['GET /a HTTP/1.1', 'Host: h', ...sent]), expected, (pieces) =>
      writtenRequest(pieces, { disclosure: { withheldCookies: ['s', '__Host-s'] } }),
    );
    const untouched = { ...expected, head: text(['GET /a HTTP/1.1', 'Host: h', ...sent, ...OURS]) };
    runWritten(
      t,
      `${name}, nothing withheld`,
      text(['GET /a HTTP/1.1', 'Host: h', ...sent]),
      untouched,
      writtenRequest,
    );
  }
  t.end();
});

test('an Authorization that was meant for the proxy stays here, on every line', (t) => {
  const sent = ['authorization: Bearer x', 'A: 1', 'AUTHORIZATION:', 'X-Authorization: y', 'Cookie: s=1'];
  for (const trustChain of [false, true]) {
    const written = (disclosure: Partial<Disclosure>): string =>
      writtenRequest([latin1(text(['GET /a HTTP/1.1', 'Host: h', ...sent]))], {
        forwarding: { trustChain },
        disclosure,
      }).head;
    const rest = ['A: 1', 'X-Authorization: y'];
    t.equal(
      written({ withholdsAuthorization: true }),
      text(['GET /a HTTP/1.1', 'Host: h', ...rest, 'Cookie: s=1', ...OURS]),
    );
    t.equal(
      written({ withholdsAuthorization: true, withheldCookies: ['s'] }),
      text(['GET /a HTTP/1.1', 'Host: h', ...rest, ...OURS]),
    );
    t.equal(
      written({}),
      text(['GET /a HTTP/1.1', 'Host: h', ...sent, ...OURS]),
      'and goes on where it was not',
    );
  }
  t.end();
});
