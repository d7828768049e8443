/** Who serves what: conflicts, several tunnels of one id, those that are away, and what is left when all have gone. */
import { test } from 'tap';
import { Registry, RouteConflict } from '../../proxy/routing/registry.ts';
import { chosen, errorOf, FakeTunnel, routes } from './tunnels.ts';

test('nobody has connected yet: offline. Somebody has, elsewhere: no route', (t) => {
  const registry = new Registry<FakeTunnel>();
  t.equal(chosen(registry, 'a'), 'agent_offline');
  registry.add(new FakeTunnel('b'), routes('b'));
  t.equal(chosen(registry, 'a'), 'no_route');
  t.equal(chosen(registry, 'b'), 'b');
  t.end();
});

test('a route that another id holds is refused by name, and nothing is changed', (t) => {
  const registry = new Registry<FakeTunnel>();
  registry.add(new FakeTunnel('first'), routes('a.example.com/api', '*.example.com'));
  const second = new FakeTunnel('second');
  for (const add of [
    () => registry.checkRoutes('second', routes('b.example.com', 'a.example.com/api')),
    () => registry.add(second, routes('b.example.com', 'a.example.com/api')),
  ]) {
    const error = errorOf(add);
    t.ok(error instanceof RouteConflict);
    t.match(error, {
      code: 'route_conflict',
      message: 'the route a.example.com/api is held by backend first',
      answer: { status: 409, route: { host: 'a.example.com', path: '/api' } },
    });
  }
  t.equal(chosen(registry, 'b.example.com'), 'first', 'its wildcard: the other route was not taken either');
  t.same(
    registry.tunnels().map(({ name }) => name),
    ['first'],
  );
  registry.add(second, routes('a.example.com', 'a.example.com/api/v2', 'b.example.com'));
  t.equal(chosen(registry, 'a.example.com/api/v1'), 'first');
  t.equal(chosen(registry, 'a.example.com/api/v2/x'), 'second', 'what is more specific is another route');
  t.equal(chosen(registry, 'b.example.com'), 'second');
  t.end();
});

test('several tunnels of one id: the least loaded, of equals any with the same chance', (t) => {
  let next = 0;
  const registry = new Registry<FakeTunnel>(() => next);
  const tunnels = ['one', 'two', 'three'].map((name) => new FakeTunnel('id', name));
  for (const tunnel of tunnels) registry.add(tunnel, routes('*'));
  const [one, two, three] = tunnels;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three');
  one.exchanges = 5;
  two.exchanges = 2;
  three.exchanges = 3;
  t.equal(chosen(registry, 'x'), 'two');
  two.isAccepting = false;
  t.equal(chosen(registry, 'x'), 'three', 'one that takes no more is none');
  t.equal(chosen(registry, 'x', new Set([three])), 'one');
  t.equal(chosen(registry, 'x', new Set([three, one])), 'agent_offline');
  two.isAccepting = true;
  for (const tunnel of tunnels) tunnel.exchanges = 7;
  const counts = new Map<string, number>();
  for (let i = 0; i < 600; i++) {
    next = ((i * 7919) % 600) / 600;
    const name = chosen(registry, 'x');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.ok(counts.size >= 2, 'not always the same');
  t.end();
});

test('ties: each of n equals has a chance of 1 in n, whatever came before it in the order', (t) => {
  let seed = 1;
  // A generator of its own, so that the test says the same each time (Lehmer, 2^31-1).
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const registry = new Registry<FakeTunnel>(random);
  const heavy = new FakeTunnel('id', 'heavy');
  heavy.exchanges = 1;
  registry.add(heavy, routes('*'));
  for (let i = 0; i < 5; i++) registry.add(new FakeTunnel('id', `${i}`), routes('*'));
  const counts = new Map<string, number>();
  const draws = 50_000;
  for (let i = 0; i < draws; i++) {
    const name = chosen(registry, 'x');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.same([...counts.keys()].toSorted(), ['0', '1', '2', '3', '4']);
  for (const [name, count] of counts)
    t.ok(Math.abs(count - draws / 5) < 500, `${name}: ${count} of ${draws}`);
  t.end();
});

test('all tunnels of an id are away: its clients hear offline, and it comes back with what it asks for then', (t) => {
  const registry = new Registry<FakeTunnel>();
  registry.add(new FakeTunnel('other'), routes('other'));
  const first = new FakeTunnel('id', 'first');
  registry.add(first, routes('a', 'b'));
  registry.remove(first);
  registry.remove(first);
  t.equal(chosen(registry, 'a'), 'agent_offline');
  t.equal(chosen(registry, 'b'), 'agent_offline');
  const second = new FakeTunnel('id', 'second');
  registry.add(second, routes('b', 'c'));
  t.equal(chosen(registry, 'a'), 'no_route', 'it serves what it asks for now');
  t.equal(chosen(registry, 'b'), 'second');
  t.equal(chosen(registry, 'c'), 'second');
  registry.remove(first);
  t.equal(chosen(registry, 'b'), 'second', 'who has left already takes nothing along');
  t.end();
});

test('a tunnel that leaves takes its routes along, but those that others of its id claim too', (t) => {
  const registry = new Registry<FakeTunnel>();
  const [first, second] = [new FakeTunnel('id', 'first'), new FakeTunnel('id', 'second')];
  registry.add(first, routes('a', 'both'));
  registry.add(second, routes('both', 'b'));
  registry.remove(first);
  t.equal(chosen(registry, 'a'), 'no_route');
  t.equal(chosen(registry, 'both'), 'second');
  registry.remove(second);
  t.equal(chosen(registry, 'a'), 'no_route');
  t.equal(chosen(registry, 'both'), 'agent_offline');
  t.equal(chosen(registry, 'b'), 'agent_offline');
  t.end();
});

test('added again with other routes, a tunnel serves those and no others', (t) => {
  const registry = new Registry<FakeTunnel>();
  const [tunnel, twin] = [new FakeTunnel('id', 'tunnel'), new FakeTunnel('id', 'twin')];
  registry.add(tunnel, routes('a', 'b'));
  registry.add(tunnel, routes('b', 'c'));
  t.equal(chosen(registry, 'a'), 'no_route');
  t.equal(chosen(registry, 'b'), 'tunnel');
  t.equal(chosen(registry, 'c'), 'tunnel');
  t.equal(registry.tunnels().length, 1);
  registry.add(twin, routes('b'));
  registry.add(tunnel, routes('d'));
  t.equal(chosen(registry, 'c'), 'no_route');
  t.ok(['tunnel', 'twin'].includes(chosen(registry, 'b')), 'its twin still claims it');
  const other = new FakeTunnel('other');
  registry.add(other, routes('a'));
  t.throws(() => registry.add(tunnel, routes('a', 'e')), RouteConflict);
  t.ok(['tunnel', 'twin'].includes(chosen(registry, 'd')), 'refused, it keeps what it had');
  t.equal(chosen(registry, 'e'), 'no_route');
  registry.remove(tunnel);
  registry.remove(twin);
  registry.remove(other);
  for (const host of ['a', 'b', 'd']) registry.add(new FakeTunnel(`new ${host}`), routes(host));
  t.pass('nothing is held by anybody who has gone');
  t.end();
});

test('another id may take the route of one that is away, and keeps it when that comes back', (t) => {
  const registry = new Registry<FakeTunnel>();
  const first = new FakeTunnel('first');
  registry.add(first, routes('a', 'b'));
  registry.remove(first);
  const second = new FakeTunnel('second');
  registry.add(second, routes('a'));
  t.equal(chosen(registry, 'a'), 'second');
  t.equal(chosen(registry, 'b'), 'agent_offline');
  t.throws(() => registry.add(first, routes('a', 'b')), RouteConflict);
  registry.add(first, routes('b'));
  t.equal(chosen(registry, 'a'), 'second');
  t.equal(chosen(registry, 'b'), 'first');
  registry.remove(second);
  t.equal(chosen(registry, 'a'), 'agent_offline');
  t.end();
});

test('ids that are away are remembered, a thousand of them, the longest away forgotten first', (t) => {
  const registry = new Registry<FakeTunnel>();
  const stays = new FakeTunnel('stays');
  registry.add(stays, routes('stays'));
  const visit = (id: string) => {
    const tunnel = new FakeTunnel(id);
    registry.add(tunnel, routes(id));
    registry.remove(tunnel);
  };
  for (let i = 0; i < 1_000; i++) visit(`${i}`);
  t.equal(chosen(registry, '0'), 'agent_offline');
  visit('0');
  visit('1000');
  t.equal(chosen(registry, '0'), 'agent_offline', 'it was here again since');
  t.equal(chosen(registry, '1'), 'no_route');
  t.equal(chosen(registry, '2'), 'agent_offline');
  for (let i = 0; i < 5_000; i++) visit(`more ${i}`);
  t.equal(chosen(registry, '1000'), 'no_route');
  t.equal(chosen(registry, 'stays'), 'stays', 'who is here is never forgotten');
  t.same(registry.tunnels(), [stays]);
  t.end();
});

test('a backend that is not well gets nothing while another of its id is; alone it is told apart from one that is away', (t) => {
  const registry = new Registry<FakeTunnel>();
  const [well, unwell] = [new FakeTunnel('id', 'well'), new FakeTunnel('id', 'unwell')];
  registry.add(well, routes('*'));
  registry.add(unwell, routes('*'));
  unwell.isHealthy = false;
  well.exchanges = 1_000;
  t.equal(chosen(registry, 'x'), 'well', 'however much the other has to do');
  t.equal(chosen(registry, 'x', new Set([well])), 'backend_unhealthy');
  well.isAccepting = false;
  t.equal(chosen(registry, 'x'), 'backend_unhealthy');
  unwell.isAccepting = false;
  t.equal(chosen(registry, 'x'), 'agent_offline');
  t.end();
});

test('offline since: the start, the moment the last one left, or now where all are about to', (t) => {
  let nowMs = 5;
  const registry = new Registry<FakeTunnel>(Math.random, () => nowMs);
  const tunnel = new FakeTunnel('id');
  nowMs = 10;
  t.same(registry.select('x', '/'), { kind: 'agent_offline', backendId: undefined, sinceMs: 5 });
  registry.add(tunnel, routes('*'));
  nowMs = 20;
  tunnel.isAccepting = false;
  t.same(registry.select('x', '/'), { kind: 'agent_offline', backendId: 'id', sinceMs: 20 });
  nowMs = 30;
  registry.remove(tunnel);
  nowMs = 40;
  registry.remove(tunnel);
  t.same(registry.select('x', '/'), { kind: 'agent_offline', backendId: 'id', sinceMs: 30 });
  t.end();
});

test('who watches hears of every tunnel that comes, and of what is noted', (t) => {
  const registry = new Registry<FakeTunnel>();
  let heard = 0;
  registry.watch(() => (heard += 1));
  const tunnel = new FakeTunnel('id');
  registry.add(tunnel, routes('a'));
  t.equal(heard, 1);
  t.throws(() => registry.add(new FakeTunnel('other'), routes('a')));
  t.equal(heard, 1);
  registry.noteChange();
  t.equal(heard, 2);
  t.end();
});

test('of equal links of one agent the one that has something to say is taken', (t) => {
  const registry = new Registry<FakeTunnel>(() => 0);
  const [first, second, other] = ['a1', 'a2', 'b1'].map((name) => new FakeTunnel('id', name));
  if (first === undefined || second === undefined || other === undefined) throw new Error('three were made');
  first.agentInstance = 'a';
  second.agentInstance = 'a';
  other.agentInstance = 'b';
  for (const tunnel of [first, second, other]) registry.add(tunnel, routes('x'));
  other.exchanges = 100;
  t.equal(chosen(registry, 'x'), 'a2', 'by chance');
  first.hasUnsaid = true;
  t.equal(chosen(registry, 'x'), 'a1', 'it has something to say');
  t.equal(chosen(registry, 'x', new Set([first])), 'a2', 'and was tried');
  first.exchanges = 1;
  t.equal(chosen(registry, 'x'), 'a2', 'and more to do');
  first.exchanges = 0;
  first.isAccepting = false;
  t.equal(chosen(registry, 'x'), 'a2', 'and takes nothing new');
  first.isAccepting = true;
  first.isHealthy = false;
  t.equal(chosen(registry, 'x'), 'a2', 'and its backend is not well');
  first.isHealthy = true;
  second.exchanges = 1;
  other.exchanges = 0;
  first.exchanges = 1;
  t.equal(chosen(registry, 'x'), 'b1', 'another agent has less to do');
  second.agentInstance = undefined;
  first.agentInstance = undefined;
  second.exchanges = 0;
  first.exchanges = 0;
  other.exchanges = 1;
  t.equal(chosen(registry, 'x'), 'a2', 'whose they are nobody knows');
  t.end();
});
