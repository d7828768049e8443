/**
 * The head of the PROXY protocol: every form the specification allows, whole, byte by byte and with the client's bytes
 * behind it, and every form it does not. https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
import { test } from 'tap';
import { ProxyHeadViolation, readProxyHead } from '../../proxy/edge/proxy-protocol.ts';
import type { ProxyHead } from '../../proxy/edge/proxy-protocol.ts';
import { binaryHead, latin1, signature, unixAddresses } from './proxy-heads.ts';

/** What is read, or the code of the violation. */
function read(bytes: Uint8Array): ProxyHead | string | undefined {
  try {
    return readProxyHead(bytes);
  } catch (error) {
    if (error instanceof ProxyHeadViolation) return error.code;
    throw error;
  }
}

const v4 = { source: [192, 0, 2, 1], destination: [198, 51, 100, 1] };
const v6Source = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
const v6 = { source: v6Source, destination: v6Source.toReversed() };
const mapped = { source: [...Array<number>(10).fill(0), 0xff, 0xff, 192, 0, 2, 1], destination: v6Source };
/** §2.2: authority "example.com", then a TLV of 300 bytes. */
const tlvs = [0x02, 0, 11, ...latin1('example.com'), 0xe0, 0x01, 0x2c, ...Array<number>(300).fill(7)];

const whole: readonly (readonly [string, Uint8Array, string | undefined])[] = [
  ['v1, TCP4', latin1('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n'), '192.0.2.1'],
  ['v1, TCP6', latin1('PROXY TCP6 2001:DB8::9 2001:db8::1 56324 443\r\n'), '2001:db8::9'],
  ['v1, TCP6 of IPv4', latin1('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n'), '192.0.2.1'],
  [
    'v1, the lowest and the highest port',
    latin1('PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n'),
    '192.0.2.1',
  ],
  [
    'v1, the longest TCP6',
    latin1(
      `PROXY TCP6 ${Array(2).fill('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff').join(' ')} 65535 65535\r\n`,
    ),
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ],
  ['v1, UNKNOWN', latin1('PROXY UNKNOWN\r\n'), undefined],
  ['v1, UNKNOWN and anything', latin1('PROXY UNKNOWN ffff::1 what ever, 1 2\r\n'), undefined],
  ['v1, UNKNOWN as long as a line may be', latin1(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), undefined],
  ['v2, TCP over IPv4', binaryHead(v4), '192.0.2.1'],
  ['v2, TCP over IPv6', binaryHead({ ...v6, family: 0x21 }), '2001:db8::9'],
  ['v2, IPv6 of IPv4', binaryHead({ ...mapped, family: 0x21 }), '192.0.2.1'],
  ['v2, a client of HTTP/3: UDP over IPv4', binaryHead({ ...v4, family: 0x12 }), '192.0.2.1'],
  ['v2, extensions behind the addresses', binaryHead({ ...v4, behind: tlvs }), '192.0.2.1'],
  ['v2, extensions behind IPv6', binaryHead({ ...v6, family: 0x21, behind: tlvs }), '2001:db8::9'],
  ['v2, as long as a head may be', binaryHead({ ...v4, behind: Array<number>(4_084).fill(0) }), '192.0.2.1'],
  ['v2, LOCAL without anything', binaryHead({ command: 0x20, family: 0 }), undefined],
  ['v2, LOCAL with addresses, which are ignored', binaryHead({ ...v4, command: 0x20 }), undefined],
  ['v2, LOCAL of a family that does not exist', binaryHead({ command: 0x20, family: 0xff }), undefined],
  ['v2, LOCAL with extensions', binaryHead({ command: 0x20, family: 0, behind: tlvs }), undefined],
  ['v2, UNSPEC', binaryHead({ family: 0 }), undefined],
  ['v2, UNSPEC with extensions', binaryHead({ family: 0, behind: tlvs }), undefined],
  ['v2, a UNIX socket', binaryHead({ family: 0x31, behind: unixAddresses }), undefined],
];

for (const [what, head, address] of whole) {
  test(`${what}: whole, byte by byte, and with bytes behind`, async (t) => {
    const expected = { address, length: head.length };
    t.same(read(head), expected, 'whole');
    for (const behind of ['G', 'GET / HTTP/1.1\r\n\r\n', 'PROXY TCP4 ', '\x16\x03\x01', '\r\n']) {
      t.same(read(Buffer.concat([head, latin1(behind)])), expected, `with ${JSON.stringify(behind)} behind`);
    }
    t.same(read(Buffer.concat([head, head])), expected, 'with another head behind: the first one counts');
    for (let length = 0; length < head.length; length += 1) {
      const found = read(head.subarray(0, length));
      if (found !== undefined) t.fail(`${length} of ${head.length} bytes gave ${JSON.stringify(found)}`);
    }
    const inside = new Uint8Array(head.length + 20).fill(0x0a);
    inside.set(head, 10);
    t.same(read(inside.subarray(10, 10 + head.length)), expected, 'in the middle of a larger buffer');
  });
}

for (const [what, text, code] of [
  ['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'proxy_head_missing'],
  ['one byte that begins neither', 'G', 'proxy_head_missing'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00', 'proxy_head_missing'],
  ['lower case', 'proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_missing'],
  ['no blank behind PROXY', 'PROXYTCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_missing'],
  ['a line end before it', '\r\nPROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_missing'],
  ['a signature cut off', '\r\n\r\n\0\r\nQUIX', 'proxy_head_missing'],
  ['a bare LF', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n', 'proxy_head_malformed'],
  ['nothing but PROXY', 'PROXY \r\n', 'proxy_head_malformed'],
  ['no addresses', 'PROXY TCP4\r\n', 'proxy_head_malformed'],
  ['two blanks', 'PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['two blanks inside', 'PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['a blank at the end', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n', 'proxy_head_malformed'],
  ['a tab', 'PROXY TCP4\t192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['an unknown family', 'PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['a family in lower case', 'PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['UNKNOWN run together', 'PROXY UNKNOWNS\r\n', 'proxy_head_malformed'],
  ['IPv6 as TCP4', 'PROXY TCP4 2001:db8::9 2001:db8::1 1 2\r\n', 'proxy_head_malformed'],
  ['IPv4 as TCP6', 'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['two families', 'PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n', 'proxy_head_malformed'],
  ['two families the other way', 'PROXY TCP6 2001:db8::1 192.0.2.1 1 2\r\n', 'proxy_head_malformed'],
  ['no destination', 'PROXY TCP4 192.0.2.1\r\n', 'proxy_head_malformed'],
  ['no ports', 'PROXY TCP4 192.0.2.1 198.51.100.1\r\n', 'proxy_head_malformed'],
  ['one port', 'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n', 'proxy_head_malformed'],
  ['three ports', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n', 'proxy_head_malformed'],
  ['a port over 65535', 'PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n', 'proxy_head_malformed'],
  ['a port below 0', 'PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n', 'proxy_head_malformed'],
  ['a port with a zero in front', 'PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n', 'proxy_head_malformed'],
  ['a port that is none', 'PROXY TCP4 192.0.2.1 198.51.100.1 http 2\r\n', 'proxy_head_malformed'],
  ['a host name', 'PROXY TCP4 localhost 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['an octal address', 'PROXY TCP4 0300.0.2.1 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['an address with a zone', 'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n', 'proxy_head_malformed'],
  ['a NUL', 'PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n', 'proxy_head_malformed'],
  ['a CR inside', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n', 'proxy_head_malformed'],
  ['a line of 108 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, 'proxy_head_too_long'],
  ['no line end within 107 bytes', `PROXY UNKNOWN ${'x'.repeat(93)}`, 'proxy_head_too_long'],
  ['no line end at all', `PROXY TCP4 ${'1'.repeat(10_000)}`, 'proxy_head_too_long'],
] as const) {
  test(`no head: ${what}`, async (t) => {
    t.equal(read(latin1(text)), code);
  });
}

for (const [what, bytes, code] of [
  ['version 1 in the form of version 2', binaryHead({ ...v4, command: 0x11 }), 'proxy_head_malformed'],
  ['version 3', binaryHead({ ...v4, command: 0x31 }), 'proxy_head_malformed'],
  ['a command that does not exist', binaryHead({ ...v4, command: 0x22 }), 'proxy_head_malformed'],
  ['a family that does not exist', binaryHead({ ...v4, family: 0x41 }), 'proxy_head_malformed'],
  ['the last family', binaryHead({ ...v4, family: 0xf1 }), 'proxy_head_malformed'],
  ['a transport that does not exist', binaryHead({ ...v4, family: 0x13 }), 'proxy_head_malformed'],
  ['a transport of no family', binaryHead({ family: 0x03 }), 'proxy_head_malformed'],
  ['no addresses', binaryHead({ family: 0x11 }), 'proxy_head_malformed'],
  [
    'IPv4 one byte short',
    binaryHead({ family: 0x11, behind: Array<number>(11).fill(1) }),
    'proxy_head_malformed',
  ],
  [
    'IPv6 one byte short',
    binaryHead({ family: 0x21, behind: Array<number>(35).fill(1) }),
    'proxy_head_malformed',
  ],
  ['IPv4 addresses as IPv6', binaryHead({ ...v4, family: 0x21 }), 'proxy_head_malformed'],
  [
    'UNIX one byte short',
    binaryHead({ family: 0x31, behind: unixAddresses.slice(1) }),
    'proxy_head_malformed',
  ],
  [
    '4,097 bytes behind the fixed part',
    binaryHead({ ...v4, behind: Array<number>(4_085).fill(0) }),
    'proxy_head_too_long',
  ],
  ['as long as the field can say', binaryHead({ ...v4, claim: 65_535 }), 'proxy_head_too_long'],
  ['LOCAL, too long', binaryHead({ command: 0x20, family: 0, claim: 4_097 }), 'proxy_head_too_long'],
] as const) {
  test(`no head of version 2: ${what}; its first 16 bytes tell`, async (t) => {
    t.equal(read(bytes), code);
    t.equal(read(bytes.subarray(0, 16)), code, 'nothing more is waited for');
    t.equal(read(bytes.subarray(0, 15)), undefined);
  });
}

test('each byte of the signature counts', async (t) => {
  const head = binaryHead(v4);
  for (let at = 0; at < signature.length; at += 1) {
    const wrong = Uint8Array.from(head);
    wrong[at] = (wrong[at] ?? 0) ^ 0x20;
    t.equal(read(wrong), 'proxy_head_missing', `byte ${at}`);
    t.equal(read(wrong.subarray(0, at + 1)), 'proxy_head_missing', `byte ${at}, as soon as it is there`);
  }
});

test('nothing of what came is in the violation', async (t) => {
  try {
    readProxyHead(latin1('PROXY TCP4 secret secret 1 2\r\n'));
    t.fail('was read');
  } catch (error) {
    t.ok(error instanceof ProxyHeadViolation);
    t.notMatch(String(error), /secret/);
  }
});
