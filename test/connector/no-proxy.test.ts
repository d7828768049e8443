/** NO_PROXY: which hosts are reached without the HTTP proxy. */
import { test } from 'tap';
import { isExcepted } from '../../agent/connector/no-proxy.ts';

/** `hostname:port`, as a URL has them. */
type Row = [exceptions: string, excepted: readonly string[], others: readonly string[]];

const rows: Row[] = [
  ['', [], ['example.com:443', 'localhost:80', '127.0.0.1:80', '[::1]:80', 'example.com.:443']],
  [
    'example.com',
    ['example.com:443', 'EXAMPLE.com:443', 'a.example.com:443', 'a.b.example.com:80', 'example.com.:443'],
    ['notexample.com:443', 'example.com.evil.net:443', 'example.org:443', 'com:443', '1.2.3.4:80'],
  ],
  ['.example.com', ['example.com:443', 'a.example.com:443'], ['notexample.com:443']],
  ['*.example.com', ['example.com:443', 'a.example.com:443'], ['notexample.com:443']],
  ['EXAMPLE.COM.', ['example.com:443', 'a.example.com:80'], ['example.org:443']],
  ['*', ['example.com:443', '10.0.0.1:80', '[::1]:80', 'localhost:1'], []],
  ['.', [], ['example.com:443', 'example.com.:443', '10.0.0.1:80']],
  ['localhost,example.com', ['localhost:80', 'example.com:443'], ['127.0.0.1:80']],
  ['example.com:8443', ['example.com:8443', 'a.example.com:8443'], ['example.com:443', 'example.com:84430']],
  ['*:8443', ['example.com:8443', '10.0.0.1:8443'], ['example.com:443']],
  [
    '10.0.0.1',
    ['10.0.0.1:80', '10.0.0.1:443'],
    ['10.0.0.10:80', '110.0.0.1:80', 'a.10.0.0.1.example:80', '[::1]:80'],
  ],
  ['10.0.0.1:80', ['10.0.0.1:80'], ['10.0.0.1:443']],
  [
    '10.0.0.0/8',
    ['10.0.0.1:80', '10.255.255.255:80'],
    ['11.0.0.1:80', 'ten.example:80', '[::ffff:b00:1]:80'],
  ],
  ['192.168.4.0/22', ['192.168.7.255:80'], ['192.168.8.0:80', '192.168.3.255:80']],
  ['0.0.0.0/0', ['1.2.3.4:80'], ['example.com:80', '[::1]:80']],
  ['10.0.0.0/33,10.0.0.0/,10.0.0.0/x,10.0.0.0/-1', [], ['10.0.0.0:80', '10.0.0.1:80']],
  ['::1', ['[::1]:80', '[0:0:0:0:0:0:0:1]:443'], ['[::2]:80', '127.0.0.1:80', 'example.com:80']],
  ['[::1]', ['[::1]:80'], ['[::2]:80']],
  ['[::1]:8443', ['[::1]:8443'], ['[::1]:80']],
  ['fd00::/8', ['[fd12:3456::1]:443'], ['[fe80::1]:443', '10.0.0.1:443']],
  ['fd00::/129', [], ['[fd00::]:443']],
  ['1.2.3', [], ['1.2.3.4:80']],
  [' example.com ', ['example.com:443'], []],
];

test('each exception excepts what it names, and nothing else', (t) => {
  for (const [exceptions, excepted, others] of rows) {
    const list = exceptions === '' ? [] : exceptions.split(',');
    for (const [targets, expected] of [
      [excepted, true],
      [others, false],
    ] as const) {
      for (const target of targets) {
        const colon = target.lastIndexOf(':');
        const destination = { hostname: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
        t.equal(isExcepted(destination, list), expected, `${exceptions}: ${target}`);
      }
    }
  }
  t.end();
});

test('an empty entry excepts nothing', (t) => {
  for (const entry of ['', ' ', ':80', '*.', '[]', '[]:80']) {
    for (const hostname of ['example.com', 'example.com.', '10.0.0.1', '[::1]']) {
      t.notOk(isExcepted({ hostname, port: 80 }, [entry]), `${JSON.stringify(entry)}: ${hostname}`);
    }
  }
  t.end();
});
