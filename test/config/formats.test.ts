import { test } from 'tap';
import { host, network, siteUrl } from '../../shared/config/addresses.ts';
import { FormatViolation, list } from '../../shared/config/format.ts';
import type { Format, Raw } from '../../shared/config/format.ts';
import { boolean, integer, oneOf, port, readableFile, secret, text } from '../../shared/config/formats.ts';
import { duration, size } from '../../shared/config/measures.ts';
import { sourcesOf } from './sources.ts';

/** What is written and the value it becomes, or the words that follow the setting's name. */
type Row = readonly [raw: Raw, value: unknown];

/** Marks a row that is refused. */
class Refused {
  readonly wrong: string;
  constructor(wrong: string) {
    this.wrong = wrong;
  }
}

function refused(wrong: string): Refused {
  return new Refused(wrong);
}

const { readFile } = sourcesOf({ files: { '/etc/tls/key.pem': 'key' } });

function check(title: string, format: Format<unknown>, rows: readonly Row[]): void {
  test(title, (t) => {
    for (const [raw, value] of rows) {
      let outcome: unknown;
      try {
        outcome = format.read(raw, readFile);
      } catch (error) {
        if (!(error instanceof FormatViolation)) throw error;
        outcome = refused(`${error.message}: ${error.right ?? format.right}`);
      }
      t.strictSame(outcome, value, JSON.stringify(raw).slice(0, 60));
    }
    t.end();
  });
}

const durationRight = 'give a number with its unit (ms, s, m, h, d), as in 15s, 1ms to 24d';
check('a duration is a number with its unit, in milliseconds', duration(), [
  ['250ms', 250],
  ['15s', 15_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['24d', 2_073_600_000],
  ['2147483647ms', 2_147_483_647],
  ['2147483648ms', refused(`is too long: ${durationRight}`)],
  ['30d', refused(`is too long: ${durationRight}`)],
  ['0s', refused(`is too short: ${durationRight}`)],
  ['0', refused(`is not a duration: ${durationRight}`)],
  ['15', refused(`is not a duration: ${durationRight}`)],
  ['15S', refused(`is not a duration: ${durationRight}`)],
  ['1.5s', refused(`is not a duration: ${durationRight}`)],
  ['-1s', refused(`is not a duration: ${durationRight}`)],
  ['15 s', refused(`is not a duration: ${durationRight}`)],
  ['1y', refused(`is not a duration: ${durationRight}`)],
  ['s', refused(`is not a duration: ${durationRight}`)],
  ['', refused(`is not a duration: ${durationRight}`)],
  [`${'9'.repeat(16)}d`, refused(`is not a duration: ${durationRight}`)],
  [['15s'], refused(`is a list: ${durationRight}`)],
]);

check(
  'a duration may be zero where that has a meaning, and long where no timer measures it',
  duration({ allowsZero: true, maxMs: 30 * 86_400_000 }),
  [
    ['0', 0],
    ['0s', 0],
    ['30d', 2_592_000_000],
    ['31d', refused('is too long: give a number with its unit (ms, s, m, h, d), as in 15s, 0 to 30d')],
  ],
);

const sizeRight = 'give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, 256B to 1MiB';
check('a size is bytes, plain or with a binary unit', size({ minBytes: 256, maxBytes: 2 ** 20 }), [
  ['256', 256],
  ['512B', 512],
  ['64KiB', 65_536],
  ['1MiB', 1_048_576],
  ['255', refused(`is too small: ${sizeRight}`)],
  ['2MiB', refused(`is too large: ${sizeRight}`)],
  ['64KB', refused(`is not a size: ${sizeRight}`)],
  ['64k', refused(`is not a size: ${sizeRight}`)],
  ['64kib', refused(`is not a size: ${sizeRight}`)],
  ['1.5KiB', refused(`is not a size: ${sizeRight}`)],
  ['-1', refused(`is not a size: ${sizeRight}`)],
  ['', refused(`is not a size: ${sizeRight}`)],
]);

check('a size without bounds goes from 0 to 2^53-1', size(), [
  ['0', 0],
  ['16GiB', 17_179_869_184],
  ['9007199254740991', 9_007_199_254_740_991],
  [
    '9007199254740992',
    refused('is not a size: give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, from 0 on'),
  ],
  [
    '9007199254740991GiB',
    refused('is not a size: give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, from 0 on'),
  ],
]);

check('a port is 0 to 65535', port(), [
  ['0', 0],
  ['8080', 8080],
  ['65535', 65_535],
  ['65536', refused('is not a port: give a number from 0 to 65535')],
  ['-1', refused('is not a port: give a number from 0 to 65535')],
  ['http', refused('is not a port: give a number from 0 to 65535')],
  ['0x50', refused('is not a port: give a number from 0 to 65535')],
  ['8e3', refused('is not a port: give a number from 0 to 65535')],
  [' 80', refused('is not a port: give a number from 0 to 65535')],
]);

check('a number lies within its bounds', integer(1, 16), [
  ['1', 1],
  ['16', 16],
  ['007', 7],
  ['0', refused('is not a number: give a whole number from 1 to 16')],
  ['17', refused('is not a number: give a whole number from 1 to 16')],
  ['two', refused('is not a number: give a whole number from 1 to 16')],
]);

check('a boolean is true or false', boolean(), [
  ['true', true],
  ['false', false],
  ['yes', refused('is not a boolean: give true or false')],
  ['TRUE', refused('is not a boolean: give true or false')],
  ['1', refused('is not a boolean: give true or false')],
]);

check('one word of a few', oneOf('json', 'pretty'), [
  ['json', 'json'],
  ['JSON', refused('is not a known word: give one of json, pretty')],
]);

check('a text is one line', text('text', 5), [
  ['abc d', 'abc d'],
  ['', ''],
  ['abcdef', refused('is not a text: give at most 5 characters on one line')],
  ['a\nb', refused('is not a text: give at most 5 characters on one line')],
]);

const secretRight = 'give at least 8 bytes, as `openssl rand -hex 32` makes them';
check('a secret has at least as many bytes as it must', secret(8), [
  ['12345678', '12345678'],
  ['éééé', 'éééé'],
  ['1234567', refused(`is 7 bytes long: ${secretRight}`)],
  ['', refused(`is 0 bytes long: ${secretRight}`)],
  ['1234567\n8', refused(`holds a line break or another control character: ${secretRight}`)],
]);

check('a host is a name or an address', host(), [
  ['0.0.0.0', '0.0.0.0'],
  ['Example.com.', 'example.com'],
  ['::', '::'],
  ['[FD00::1]', 'fd00::1'],
  ['example.com:80', refused('is not a host: give a host name or an IP address, without port')],
  ['[example.com]', refused('is not a host: give a host name or an IP address, without port')],
  ['http://example.com', refused('is not a host: give a host name or an IP address, without port')],
  ['*', refused('is not a host: give a host name or an IP address, without port')],
  ['a b', refused('is not a host: give a host name or an IP address, without port')],
]);

const urlRight = 'give http:// or https:// and a host, without path, as in https://tunnel.example.com';
check('a site is an http or https URL without path', siteUrl(), [
  ['https://Tunnel.example.com', 'https://tunnel.example.com'],
  ['http://[::1]:8080/', 'http://[::1]:8080'],
  ['https://a.example:443', 'https://a.example'],
  ['https://a.example/x', refused(`is not a URL: ${urlRight}`)],
  ['https://a.example?x', refused(`is not a URL: ${urlRight}`)],
  ['https://user@a.example', refused(`is not a URL: ${urlRight}`)],
  ['ws://a.example', refused(`is not a URL: ${urlRight}`)],
  ['a.example', refused(`is not a URL: ${urlRight}`)],
  ['https://', refused(`is not a URL: ${urlRight}`)],
]);

const networkRight = 'give an address and a prefix length, as in 10.0.0.0/8';
check('a network is an address with a prefix length', network(), [
  ['10.0.0.0/8', { address: '10.0.0.0', prefixLength: 8, family: 'ipv4' }],
  ['10.1.2.3', { address: '10.1.2.3', prefixLength: 32, family: 'ipv4' }],
  ['fd00::/8', { address: 'fd00::', prefixLength: 8, family: 'ipv6' }],
  ['::/0', { address: '::', prefixLength: 0, family: 'ipv6' }],
  ['10.0.0.0/33', refused(`is not a network: ${networkRight}`)],
  ['::/129', refused(`is not a network: ${networkRight}`)],
  ['10.0.0/8', refused(`is not a network: ${networkRight}`)],
  ['10.0.0.0/', refused(`is not a network: ${networkRight}`)],
  ['localhost', refused(`is not a network: ${networkRight}`)],
]);

check('a file can be read now', readableFile(), [
  ['/etc/tls/key.pem', '/etc/tls/key.pem'],
  ['/nowhere', refused('cannot be read (ENOENT): give the path of a file that this process may read')],
]);

check('a list is separated by commas, or an array', list(port()), [
  ['', []],
  ['80', [80]],
  ['80, 443,', [80, 443]],
  [
    ['80', ' 443 '],
    [80, 443],
  ],
  [[], []],
  ['http', refused('is not a port: give a number from 0 to 65535')],
  ['80,http', refused('holds "http", which is not a port: give a number from 0 to 65535')],
]);
