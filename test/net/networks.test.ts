/**
 * Addresses of clients: one spelling for each, networks that cover them, who is counted together, and who stands at the
 * origin of a chain of X-Forwarded-For.
 */
import { test } from 'tap';
import { Networks, groupOf, readAddress } from '../../shared/net/networks.ts';
import { network } from '../../shared/config/addresses.ts';
import { list } from '../../shared/config/format.ts';

/** As TRUSTED_PROXIES is written. */
function networks(text: string): Networks {
  return new Networks(list(network()).read(text, () => ''));
}

for (const [text, usual, why] of [
  ['192.0.2.1', '192.0.2.1', 'IPv4'],
  ['0.0.0.0', '0.0.0.0', 'the lowest'],
  ['255.255.255.255', '255.255.255.255', 'the highest'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', 'lower case, the longest run of zeros left out (RFC 5952)'],
  ['2001:db8::0001', '2001:db8::1', 'no zeros in front'],
  ['::', '::', 'all zeros'],
  ['::ffff:192.0.2.1', '192.0.2.1', 'IPv4 over an IPv6 socket (RFC 4291 §2.5.5.2)'],
  ['::ffff:c000:201', '192.0.2.1', 'the same in hexadecimal'],
  ['::FFFF:192.0.2.1', '192.0.2.1', 'in any case'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201', 'IPv6 with an IPv4 tail stays IPv6'],
  ['fe80::1%eth0', 'fe80::1', 'the zone means something to this machine alone (RFC 4007 §11)'],
] as const) {
  test(`readAddress spells ${text} as ${usual}: ${why}`, async (t) => {
    t.equal(readAddress(text), usual);
    t.equal(readAddress(usual), usual, 'what it gives is what it takes');
  });
}

test('readAddress takes nothing that is not exactly one address', async (t) => {
  for (const text of [
    '',
    ' ',
    'localhost',
    'unknown',
    '_hidden',
    '192.0.2',
    '192.0.2.1.1',
    '192.0.2.256',
    '192.0.2.01',
    '0xc0.0.2.1',
    '0xc0000201',
    '3221225985',
    '192.0.2.1 ',
    ' 192.0.2.1',
    '192.0.2.1\n',
    '192.0.2.1:80',
    '192.0.2.1/32',
    '[::1]',
    '::1/128',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::ffff:192.0.2.256',
    '::ffff:0300.0.2.1',
    '::ffff:0x7f.0.0.1',
    '::192.0.2.1',
    '::g',
    'fe80::1%',
    '１.2.3.4',
  ]) {
    t.equal(readAddress(text), undefined, JSON.stringify(text));
  }
});

for (const [what, address, group] of [
  ['one IPv4 address alone', '192.0.2.1', '192.0.2.1'],
  ['IPv4 over IPv6 as IPv4, and not all of it as one /64', '::ffff:192.0.2.1', '192.0.2.1'],
  ['the /64 of an IPv6 address', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['another address of the same /64', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['the next /64', '2001:db8:1:3::', '2001:db8:1:3::/64'],
  ['loopback', '::1', '::/64'],
  ['link-local, whatever its zone', 'fe80::1%eth0', 'fe80::/64'],
] as const) {
  test(`groupOf: ${what}`, async (t) => {
    t.equal(groupOf(address), group);
  });
}

test('groupOf: two IPv4 addresses are two, two IPv6 addresses of one /64 are one', async (t) => {
  t.not(groupOf('192.0.2.1'), groupOf('192.0.2.2'));
  t.equal(groupOf('2001:db8::1'), groupOf('2001:db8::ffff'));
  t.not(groupOf('2001:db8::1'), groupOf('2001:db8:0:1::1'));
});

for (const [given, covered, outside] of [
  ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', '::a00:1']],
  ['192.0.2.7', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
  ['192.0.2.7/31', ['192.0.2.6', '192.0.2.7'], ['192.0.2.5', '192.0.2.8']],
  ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
  ['::/0', ['::1', '2001:db8::1', 'fe80::1%eth0'], ['1.2.3.4', '::ffff:1.2.3.4']],
  ['fd00::/8', ['fd00::1', 'fdff::1'], ['fc00::1', 'fe00::1', '10.0.0.1']],
  ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::1']],
  ['::1', ['::1'], ['::', '::2', '127.0.0.1']],
  ['::ffff:10.0.0.0/104', ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.0', '::1']],
  ['10.0.0.0/8,fd00::/8', ['10.0.0.1', 'fd00::1'], ['192.0.2.1', '2001:db8::1']],
] as const) {
  test(`Networks of ${given}`, async (t) => {
    const found = networks(given);
    t.equal(found.isEmpty, false);
    for (const address of covered) t.equal(found.covers(address), true, `${address} is in it`);
    for (const address of outside) t.equal(found.covers(address), false, `${address} is not`);
    for (const text of ['', 'localhost', '10.0.0.1:80'])
      t.equal(found.covers(text), false, `"${text}" is not`);
  });
}

test('no networks cover nobody', async (t) => {
  t.equal(networks('').isEmpty, true);
  t.equal(networks('').covers('127.0.0.1'), false);
});

for (const [what, address, chain, origin] of [
  ['nobody says anything', '10.0.0.1', [], '10.0.0.1'],
  ['one client', '10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
  ['a stranger is not believed', '203.0.113.1', ['198.51.100.1'], '203.0.113.1'],
  ['the first untrusted from the right', '10.0.0.1', ['1.1.1.1, 203.0.113.9, 10.0.0.2'], '203.0.113.9'],
  [
    'over several lines, in order',
    '10.0.0.1',
    ['1.1.1.1', '203.0.113.9', '10.0.0.2, 10.0.0.3'],
    '203.0.113.9',
  ],
  ['all are trusted: the first of them', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
  ['garbage ends the search', '10.0.0.1', ['203.0.113.9, unknown, 10.0.0.2'], '10.0.0.2'],
  ['garbage alone', '10.0.0.1', ['unknown'], '10.0.0.1'],
  ['a gap ends the search', '10.0.0.1', ['203.0.113.9,,10.0.0.2'], '10.0.0.2'],
  ['an empty value says nothing', '10.0.0.1', [''], '10.0.0.1'],
  ['an obfuscated one (RFC 7239 §6.3)', '10.0.0.1', ['203.0.113.9, _hidden'], '10.0.0.1'],
  ['blanks around', '10.0.0.1', ['  203.0.113.9\t ,  10.0.0.2 '], '203.0.113.9'],
  ['with a port', '10.0.0.1', ['203.0.113.9:51234, 10.0.0.2:443'], '203.0.113.9'],
  ['IPv6', '10.0.0.1', ['2001:DB8::9, fd00::2'], '2001:db8::9'],
  ['IPv6 in brackets', '10.0.0.1', ['[2001:db8::9], [fd00::2]'], '2001:db8::9'],
  ['IPv6 in brackets with a port', '10.0.0.1', ['[2001:db8::9]:51234, [fd00::2]:443'], '2001:db8::9'],
  ['IPv4 in IPv6', '::ffff:10.0.0.1', ['::ffff:203.0.113.9, ::ffff:10.0.0.2'], '203.0.113.9'],
  ['IPv4 in brackets is no address', '10.0.0.1', ['[203.0.113.9]'], '10.0.0.1'],
  ['no port behind the colon', '10.0.0.1', ['203.0.113.9:'], '10.0.0.1'],
  ['a port with letters', '10.0.0.1', ['203.0.113.9:http'], '10.0.0.1'],
  ['a port of six digits', '10.0.0.1', ['203.0.113.9:655360'], '10.0.0.1'],
  ['half a bracket', '10.0.0.1', ['[2001:db8::9'], '10.0.0.1'],
  ['in quotes', '10.0.0.1', ['"203.0.113.9"'], '10.0.0.1'],
] as const) {
  test(`originOf: ${what}`, async (t) => {
    t.equal(networks('10.0.0.0/8,fd00::/8').originOf(address, chain), origin);
  });
}

test('originOf: a head full of trusted hops takes no longer than reading them', async (t) => {
  const hops = Array.from({ length: 8_000 }, () => '10.1').join(',');
  const chain = [
    `203.0.113.9, ${Array.from({ length: 3_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(',')}`,
  ];
  const startedAtMs = performance.now();
  t.equal(networks('10.0.0.0/8').originOf('10.0.0.1', chain), '203.0.113.9');
  t.equal(networks('10.0.0.0/8').originOf('10.0.0.1', [hops]), '10.0.0.1');
  t.ok(performance.now() - startedAtMs < 1_000, 'within a second, tens of milliseconds usually');
});
