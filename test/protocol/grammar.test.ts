import { test } from 'tap';
import {
  coversHost,
  coversPath,
  readAuthority,
  readBackendId,
  readHostName,
  readHostPattern,
  readPathPrefix,
} from '../../shared/protocol/grammar.ts';

type Read = (text: string) => string | undefined;

/** A text and its normal form, or undefined where it is no such name. */
type Row = readonly [text: string, normal: string | undefined];

function check(title: string, read: Read, rows: readonly Row[]): void {
  test(title, (t) => {
    for (const [text, normal] of rows) t.equal(read(text), normal, JSON.stringify(text.slice(0, 60)));
    for (const [, normal] of rows)
      if (normal !== undefined) t.equal(read(normal), normal, `${normal} is normal`);
    t.end();
  });
}

check('a backend id is 1 to 64 letters, digits, dots, underscores and dashes', readBackendId, [
  ['default', 'default'],
  ['Shop-1.eu_west', 'Shop-1.eu_west'],
  ['0', '0'],
  ['a'.repeat(64), 'a'.repeat(64)],
  ['a'.repeat(65), undefined],
  ['', undefined],
  ['.a', undefined],
  ['-a', undefined],
  ['_a', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['a\n', undefined],
  ['é', undefined],
]);

const label63 = 'a'.repeat(63);
const host253 = `${label63}.${label63}.${label63}.${'a'.repeat(61)}`;

check('a host pattern is a host, a wildcard for its first label, or a star', readHostPattern, [
  ['a.example.com', 'a.example.com'],
  ['A.Example.COM', 'a.example.com'],
  ['a.example.com.', 'a.example.com'],
  ['*.example.com', '*.example.com'],
  ['*.Example.com.', '*.example.com'],
  ['*', '*'],
  ['localhost', 'localhost'],
  ['127.0.0.1', '127.0.0.1'],
  ['my_service', 'my_service'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  [host253, host253],
  [`${host253}.`, host253],
  [`a${host253}`, undefined],
  [`${label63}a.com`, undefined],
  ['', undefined],
  ['.', undefined],
  ['*.', undefined],
  ['a..b', undefined],
  ['a.example.com..', undefined],
  ['**.example.com', undefined],
  ['a.*.com', undefined],
  ['*a.example.com', undefined],
  ['*.*', undefined],
  ['-a.com', undefined],
  ['a-.com', undefined],
  ['a.com:80', undefined],
  ['[::1]', undefined],
  ['bücher.example', undefined],
  ['a b', undefined],
  ['a\n', undefined],
]);

check('a host name is a pattern without a wildcard', readHostName, [
  ['A.example.com.', 'a.example.com'],
  ['*', undefined],
  ['*.example.com', undefined],
]);

check(
  'a path prefix begins with a slash, is kept byte for byte and loses its trailing slashes',
  readPathPrefix,
  [
    ['/', '/'],
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api//', '/api'],
    ['//', '/'],
    ['//api', '//api'],
    ['/a/../b', '/a/../b'],
    ['/%41/%2F', '/%41/%2F'],
    ["/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"],
    [`/${'a'.repeat(254)}`, `/${'a'.repeat(254)}`],
    [`/${'a'.repeat(255)}`, undefined],
    ['', undefined],
    ['api', undefined],
    ['/a?b', undefined],
    ['/a#b', undefined],
    ['/a b', undefined],
    ['/a\r\n', undefined],
    ['/é', undefined],
  ],
);

check('an authority is a host or a bracketed address, with or without a port', readAuthority, [
  ['Example.com', 'example.com'],
  ['example.com:8080', 'example.com:8080'],
  ['example.com:0080', 'example.com:80'],
  ['127.0.0.1:1', '127.0.0.1:1'],
  ['[::1]', '[::1]'],
  ['[FD00::1]:65535', '[fd00::1]:65535'],
  ['example.com:0', undefined],
  ['example.com:65536', undefined],
  ['example.com:', undefined],
  ['::1', undefined],
  ['*.example.com', undefined],
  ['user@example.com', undefined],
  ['a/b', undefined],
  ['a\r\nX-Y: z', undefined],
  ['', undefined],
]);

test('a granted host covers itself, a star covers everything, a wildcard exactly one label', (t) => {
  const rows: readonly (readonly [granted: string, asked: string, covers: boolean])[] = [
    ['a.example.com', 'a.example.com', true],
    ['a.example.com', 'b.example.com', false],
    ['a.example.com', '*.example.com', false],
    ['a.example.com', '*', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', '*.example.com', true],
    ['*.example.com', 'a.b.example.com', false],
    ['*.example.com', '*.b.example.com', false],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'evil-example.com', false],
    ['*.example.com', 'a.example.com.evil.com', false],
    ['*.example.com', '*', false],
    ['*', 'a.example.com', true],
    ['*', '*.example.com', true],
    ['*', '*', true],
  ];
  for (const [granted, asked, covers] of rows)
    t.equal(coversHost(granted, asked), covers, `${granted} ${asked}`);
  t.end();
});

test('a granted path covers what is below it on segment borders', (t) => {
  const rows: readonly (readonly [granted: string, asked: string, covers: boolean])[] = [
    ['/', '/', true],
    ['/', '/api', true],
    ['/api', '/api', true],
    ['/api', '/api/v1', true],
    ['/api', '/apis', false],
    ['/api', '/', false],
    ['/api', '/API', false],
    ['/api/v1', '/api', false],
  ];
  for (const [granted, asked, covers] of rows)
    t.equal(coversPath(granted, asked), covers, `${granted} ${asked}`);
  t.end();
});
