/** The site as a browser sees it: where one may return to, and which requests are of a page of it. */
import { test } from 'tap';
import { isFromSite, readReturnPath, siteOf } from '../../proxy/access/site.ts';
import { ask } from './support/visit.ts';
import type { Asking } from './support/visit.ts';

const paths = [
  '/',
  '/a',
  '/a/b?c=d&e=%2F%2Fevil.example',
  '/a//b',
  '/?x=//evil.example',
  '/%2F%2Fevil.example',
  '/@evil',
  '/a:b',
];

for (const path of paths) {
  test(`one may return to ${path}`, (t) => {
    t.equal(readReturnPath(path), path);
    t.end();
  });
}

const elsewhere: readonly (string | undefined | null)[] = [
  undefined,
  null,
  '',
  'evil.example',
  'https://evil.example/',
  'HTTPS://evil.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\\/evil.example',
  '/a\\b',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\nSet-Cookie: a=b',
  '/a\r\n\r\n<script>',
  '/%0d%0a\r\n',
  ' //evil.example',
  ' /a',
  '/ a',
  '/\u0000',
  '/\u00e9',
  '/\u2028',
  '\u3002\u3002/evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  '/a/%2E%2e//evil.example',
  '/./\\evil.example',
  '@evil.example',
  ':80/',
  `/${'a'.repeat(1_024)}`,
];

for (const path of elsewhere) {
  test(`one is not sent to ${encodeURI(path ?? 'nothing').slice(0, 40)}, but to the root`, (t) => {
    t.equal(readReturnPath(path), '/');
    t.end();
  });
}

test('what one may return to is on the same host, whatever reads it', (t) => {
  const base = 'https://shop.example.com/.well-known/inverting-proxy/callback';
  for (const path of [...paths, ...elsewhere]) {
    const url = new URL(readReturnPath(path), base);
    t.equal(url.origin, 'https://shop.example.com');
    t.notOk(url.pathname.startsWith('//'));
  }
  t.end();
});

const sites: readonly (readonly [string, Asking, string | undefined, string])[] = [
  ['TLS ends here', {}, undefined, 'https://shop.example.com'],
  ['no TLS', { isSecure: false }, undefined, 'http://shop.example.com'],
  ['a default port', { host: 'shop.example.com:443' }, undefined, 'https://shop.example.com'],
  ['another port', { host: 'Shop.example.com:8443' }, undefined, 'https://shop.example.com:8443'],
  ['IPv6', { host: '[::1]:8443' }, undefined, 'https://[::1]:8443'],
  [
    'TLS ends at a balancer',
    { isSecure: false, isTrusted: true, lines: ['X-Forwarded-Proto: https'] },
    undefined,
    'https://shop.example.com',
  ],
  [
    'a balancer says it in the word of WebSockets',
    { isSecure: false, isTrusted: true, lines: ['X-Forwarded-Proto: wss'] },
    undefined,
    'https://shop.example.com',
  ],
  [
    'a balancer says http',
    { isSecure: false, isTrusted: true, lines: ['X-Forwarded-Proto: http'] },
    'https://a.example',
    'http://shop.example.com',
  ],
  [
    'a stranger says https',
    { isSecure: false, lines: ['X-Forwarded-Proto: https'] },
    undefined,
    'http://shop.example.com',
  ],
  ['PUBLIC_URL says https', { isSecure: false }, 'https://a.example', 'https://shop.example.com'],
  ['PUBLIC_URL says http', {}, 'http://a.example', 'https://shop.example.com'],
];

for (const [name, asking, publicUrl, origin] of sites) {
  test(`where ${name}, the site is ${origin}`, (t) => {
    const site = siteOf(ask(asking).exchange, publicUrl);
    t.equal(site.origin, origin);
    t.equal(site.isSecure, origin.startsWith('https:'));
    t.equal(site.host, asking.host === '[::1]:8443' ? '[::1]' : 'shop.example.com');
    t.end();
  });
}

const origins: readonly (readonly [readonly string[], boolean])[] = [
  [['Origin: https://shop.example.com'], true],
  [['Origin: http://shop.example.com'], false],
  [['Origin: https://shop.example.com:8443'], false],
  [['Origin: https://shop.example.com.evil.example'], false],
  [['Origin: https://evil.example'], false],
  [['Origin: https://sub.shop.example.com'], false],
  [['Origin: null'], false],
  [['Origin:'], false],
  [['Origin: https://shop.example.com', 'Origin: https://evil.example'], false],
  [['Origin: https://evil.example', 'Sec-Fetch-Site: same-origin'], false],
  [['Sec-Fetch-Site: same-origin'], true],
  [['Sec-Fetch-Site: same-site'], false],
  [['Sec-Fetch-Site: none'], false],
  [[], false],
];

for (const [lines, isOurs] of origins) {
  test(`${lines.join(', ') || 'no word of an origin'} is ${isOurs ? '' : 'not '}of a page of this site`, (t) => {
    const { exchange } = ask({ lines });
    t.equal(isFromSite(exchange, siteOf(exchange, undefined)), isOurs);
    t.end();
  });
}
