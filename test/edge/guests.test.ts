/** Who is connected and how many may be: counts that follow from who is there, whatever comes and goes in which order. */
import * as fc from 'fast-check';
import { test } from 'tap';
import type { SweptConnection } from '../../proxy/edge/context.ts';
import { Guests } from '../../proxy/edge/guests.ts';
import { Networks } from '../../shared/net/networks.ts';

const exempt = new Networks([{ address: '10.0.0.0', prefixLength: 8, family: 'ipv4' }]);

function guests(maxConnections: number, maxConnectionsPerAddress: number): Guests {
  return new Guests({ maxConnections, maxConnectionsPerAddress }, exempt);
}

function nothing(): void {
  // Nobody is told.
}

function connection(): SweptConnection {
  return { isIdle: true, tick: nothing, destroy: nothing, abort: nothing };
}

function fill(house: Guests, addresses: readonly string[]): SweptConnection[] {
  return addresses.map((address) => {
    const guest = connection();
    house.add(guest, address);
    return guest;
  });
}

test('nobody is turned away below the limits, and exactly the next one is', async (t) => {
  const house = guests(3, 2);
  t.equal(house.refusalOf('192.0.2.1'), undefined);
  fill(house, ['192.0.2.1']);
  t.equal(house.refusalOf('192.0.2.1'), undefined, 'the second of two');
  fill(house, ['192.0.2.1']);
  t.equal(house.refusalOf('192.0.2.1'), 'too_many_connections_of_address');
  t.equal(house.refusalOf('192.0.2.2'), undefined, 'another address has not had any');
  fill(house, ['192.0.2.2']);
  t.equal(house.refusalOf('192.0.2.3'), 'too_many_connections', 'the house is full');
  t.equal(house.refusalOf('192.0.2.1'), 'too_many_connections', 'for everybody');
  t.equal(house.size, 3);
});

test('addresses of one IPv6 /64 are one, IPv4 over IPv6 is IPv4', async (t) => {
  const house = guests(100, 2);
  fill(house, ['2001:db8::1', '2001:db8::2']);
  t.equal(house.refusalOf('2001:db8::3'), 'too_many_connections_of_address');
  t.equal(house.refusalOf('2001:db8:0:1::3'), undefined);
  fill(house, ['192.0.2.1', '::ffff:192.0.2.1']);
  t.equal(house.refusalOf('192.0.2.1'), 'too_many_connections_of_address');
  t.equal(house.refusalOf('::ffff:c000:201'), 'too_many_connections_of_address');
  t.equal(house.refusalOf('::ffff:192.0.2.2'), undefined);
});

test('balancers bring the connections of many, and count in all only', async (t) => {
  const house = guests(5, 1);
  fill(house, ['10.0.0.1', '10.0.0.1', '::ffff:10.0.0.1', '10.0.0.1']);
  t.equal(house.refusalOf('10.0.0.1'), undefined);
  fill(house, ['10.0.0.1']);
  t.equal(house.refusalOf('10.0.0.1'), 'too_many_connections');
});

test('who leaves makes room, once', async (t) => {
  const house = guests(10, 2);
  const [first, second] = fill(house, ['192.0.2.1', '192.0.2.1']);
  if (first === undefined || second === undefined) throw new Error('two were added');
  house.remove(first);
  house.remove(first);
  house.remove(connection());
  t.equal(house.size, 1);
  fill(house, ['192.0.2.1']);
  t.equal(
    house.refusalOf('192.0.2.1'),
    'too_many_connections_of_address',
    'one left, one came: two are here',
  );
});

test('who is added twice is one', async (t) => {
  const house = guests(10, 2);
  const guest = connection();
  house.add(guest, '192.0.2.1');
  house.add(guest, '192.0.2.1');
  t.equal(house.size, 1);
  t.equal(house.refusalOf('192.0.2.1'), undefined);
  house.remove(guest);
  fill(house, ['192.0.2.1']);
  t.equal(house.refusalOf('192.0.2.1'), undefined, 'nothing of the first is left');
});

test('the same connection in another form keeps its place', async (t) => {
  const house = guests(10, 1);
  const before = connection();
  const after = connection();
  house.add(before, '192.0.2.1');
  house.replace(before, after);
  t.same([...house.connections()], [after]);
  t.equal(house.refusalOf('192.0.2.1'), 'too_many_connections_of_address');
  house.remove(before);
  t.equal(house.size, 1, 'the old form leaves nothing behind');
  house.remove(after);
  t.equal(house.size, 0);
  t.equal(house.refusalOf('192.0.2.1'), undefined);
});

test('a form that has gone already is not replaced', async (t) => {
  const house = guests(10, 1);
  const before = connection();
  house.add(before, '192.0.2.1');
  house.remove(before);
  house.replace(before, connection());
  t.equal(house.size, 0, 'who is over cannot go on');
});

test('those who leave and come while all are visited', async (t) => {
  const house = guests(10, 10);
  const [first, second, third] = fill(house, ['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  if (first === undefined || second === undefined || third === undefined) throw new Error('three were added');
  const visited: SweptConnection[] = [];
  for (const guest of house.connections()) {
    visited.push(guest);
    if (guest === first) house.remove(second);
  }
  t.same(visited, [first, third]);
});

test('after any comings and goings the counts are those of who is there', (t) => {
  const addresses = [
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '2001:db8::1',
    '2001:db8::2',
    '2001:db8:1::',
    '10.0.0.1',
  ];
  const step = fc.record({
    kind: fc.constantFrom('add', 'remove', 'replace'),
    who: fc.nat({ max: 7 }),
    address: fc.constantFrom(...addresses),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const house = guests(1_000, 3);
      const people: SweptConnection[] = Array.from({ length: 8 }, connection);
      const here = new Map<SweptConnection, string>();
      for (const { kind, who, address } of steps) {
        const person = people[who] ?? connection();
        if (kind === 'remove') {
          house.remove(person);
          here.delete(person);
        } else if (kind === 'add') {
          house.add(person, address);
          here.set(person, address);
        } else {
          const next = connection();
          const from = here.get(person);
          people[who] = next;
          house.replace(person, next);
          here.delete(person);
          if (from !== undefined) here.set(next, from);
        }
      }
      const fresh = guests(1_000, 3);
      for (const [person, address] of here) fresh.add(person, address);
      if (house.size !== here.size) throw new Error(`${house.size} instead of ${here.size}`);
      for (const address of addresses)
        if (house.refusalOf(address) !== fresh.refusalOf(address))
          throw new Error(`another count of ${address}`);
    }),
  );
  t.pass('for all of them');
  t.end();
});
