/** Routes on record: they go before whatever agents claim, and nobody takes a part of them by claiming it. */
import { test } from 'tap';
import * as fc from 'fast-check';
import { Registry, RouteConflict } from '../../proxy/routing/registry.ts';
import type { Route } from '../../proxy/routing/routes.ts';
import { chosen, errorOf, FakeTunnel, route, routes } from './tunnels.ts';

test('precedence: on record before claimed; exact host, wildcard, any host; the longest path', (t) => {
  const registry = new Registry<FakeTunnel>();
  const ids = ['r-exact', 'r-path', 'r-wild', 'c-exact', 'c-wild', 'c-path', 'c-any'];
  // Claimed first: so they were not refused, and are looked at all the same.
  registry.add(
    new FakeTunnel('c-exact'),
    routes('shop.example.com/api/v1', 'b.wild.example.com', 'c.other.net'),
  );
  registry.add(new FakeTunnel('c-wild'), routes('*.example.com', '*.other.net'));
  registry.add(new FakeTunnel('c-path'), routes('free.example.com/x/y', '*/x/y/z'));
  registry.add(new FakeTunnel('c-any'), routes('*', '*/x'));
  registry.setRecorded('r-exact', routes('shop.example.com'));
  registry.setRecorded('r-path', routes('shop.example.com/api', 'free.example.com/x'));
  registry.setRecorded('r-wild', routes('*.wild.example.com/w', '*.wild.example.com/'));
  for (const id of ids.filter((each) => each.startsWith('r-'))) registry.add(new FakeTunnel(id), []);
  for (const [ask, id] of [
    ['shop.example.com/', 'r-exact'],
    ['shop.example.com/apix', 'r-exact'],
    ['shop.example.com/api', 'r-path'],
    ['shop.example.com/api/v1', 'r-path'],
    ['shop.example.com/api/v1/x', 'r-path'],
    ['free.example.com/x/y/z', 'r-path'],
    ['free.example.com/xx', 'c-wild'],
    ['a.wild.example.com/', 'r-wild'],
    ['b.wild.example.com/w', 'r-wild'],
    ['a.b.wild.example.com/', 'c-any'],
    ['a.example.com/', 'c-wild'],
    ['c.other.net/', 'c-exact'],
    ['d.other.net/', 'c-wild'],
    ['elsewhere/', 'c-any'],
    ['elsewhere/x/y', 'c-any'],
    ['elsewhere/x/y/z', 'c-path'],
  ] as const) {
    t.equal(chosen(registry, ask), id, ask);
  }
  t.end();
});

test('a claim within what another id has on record is refused by name; one around it gets the rest', (t) => {
  const rows: readonly (readonly [recorded: string, claim: string, isRefused: boolean])[] = [
    ['shop.example.com', 'shop.example.com', true],
    ['shop.example.com', 'shop.example.com/admin', true],
    ['shop.example.com/api', 'shop.example.com/api', true],
    ['shop.example.com/api', 'shop.example.com/api/v1', true],
    ['shop.example.com/api', 'shop.example.com', false],
    ['shop.example.com/api', 'shop.example.com/apis', false],
    ['shop.example.com', '*.example.com', false],
    ['shop.example.com', '*', false],
    ['*.example.com', 'shop.example.com', true],
    ['*.example.com', 'shop.example.com/admin', true],
    ['*.example.com', '*.example.com/admin', true],
    ['*.example.com', 'a.b.example.com', false],
    ['*.example.com', 'example.com', false],
    ['*.example.com/api', 'shop.example.com', false],
    ['*', 'shop.example.com/x', true],
    ['*', '*.example.com', true],
    ['*', '*/x', true],
    ['*/x', 'shop.example.com/x/y', true],
    ['*/x', 'shop.example.com/', false],
  ];
  for (const [recorded, claim, isRefused] of rows) {
    const registry = new Registry<FakeTunnel>();
    registry.setRecorded('owner', routes(recorded));
    const what = `${claim} beside ${recorded}`;
    t.equal(
      errorOf(() => registry.checkRoutes('owner', routes(claim))),
      undefined,
      `${what}: its own may`,
    );
    const error = errorOf(() => registry.add(new FakeTunnel('other'), routes(claim)));
    t.equal(error instanceof RouteConflict, isRefused, what);
    if (isRefused) {
      const { host, path } = route(claim);
      t.match(error, { message: `the route ${host}${path} is on record for backend owner` }, what);
      t.equal(registry.tunnels().length, 0, what);
    }
    const asked = recorded.replace('*.', 'z.').replace('*', 'z');
    t.equal(chosen(registry, asked), 'agent_offline', `${what}: the record's stays the record's`);
  }
  t.end();
});

test('on record and nobody there: offline, since it is on record or its last tunnel left', (t) => {
  let nowMs = 1_000;
  const registry = new Registry<FakeTunnel>(Math.random, () => nowMs);
  const since = (): number | undefined => {
    const selection = registry.select('shop.example.com', '/');
    return selection.kind === 'agent_offline' && selection.backendId === 'shop'
      ? selection.sinceMs
      : undefined;
  };
  registry.setRecorded('shop', routes('shop.example.com'));
  nowMs = 2_000;
  t.equal(since(), 1_000);
  registry.setRecorded('shop', routes('shop.example.com', 'b.example.com'));
  t.equal(since(), 1_000, 'a change is no arrival');
  t.equal(chosen(registry, 'elsewhere'), 'no_route', 'a route is known');
  const tunnel = new FakeTunnel('shop');
  registry.add(tunnel, []);
  t.equal(chosen(registry, 'b.example.com'), 'shop');
  nowMs = 3_000;
  tunnel.isAccepting = false;
  t.equal(since(), 3_000, 'about to leave');
  nowMs = 4_000;
  registry.remove(tunnel);
  nowMs = 5_000;
  t.equal(since(), 4_000);
  registry.setRecorded('shop', []);
  t.equal(chosen(registry, 'shop.example.com'), 'agent_offline', 'no route is known at all');
  registry.add(new FakeTunnel('other'), routes('o'));
  t.equal(chosen(registry, 'shop.example.com'), 'no_route');
  t.end();
});

test('a record comes over a living claim: its requests are no longer the claimant’s', (t) => {
  const registry = new Registry<FakeTunnel>();
  let changes = 0;
  registry.watch(() => (changes += 1));
  registry.add(new FakeTunnel('claimant'), routes('shop.example.com/admin', 'free.example.com'));
  registry.setRecorded('owner', routes('shop.example.com'));
  t.equal(changes, 2, 'who waits is asked again');
  t.equal(chosen(registry, 'shop.example.com/admin'), 'agent_offline');
  t.equal(chosen(registry, 'free.example.com'), 'claimant');
  registry.setRecorded('owner', []);
  t.equal(chosen(registry, 'shop.example.com/admin'), 'claimant', 'and are again when it goes');
  t.end();
});

test('whose a path would be if case did not count: on record before claimed too', (t) => {
  const registry = new Registry<FakeTunnel>();
  registry.setRecorded('guarded', routes('shop.example.com/admin'));
  registry.add(new FakeTunnel('open'), routes('*'));
  t.strictSame(registry.backendsAlike('shop.example.com', '/Admin/x'), ['guarded']);
  t.strictSame(registry.backendsAlike('shop.example.com', '/Other'), ['open']);
  t.equal(chosen(registry, 'shop.example.com/Admin/x'), 'open');
  t.end();
});

function toRoutes(all: readonly (readonly [host: string, path: string])[]): Route[] {
  return all.map(([host, path]) => ({ host, path }));
}

const pattern = fc.constantFrom('a.x', 'b.x', '*.x', '*');
const prefix = fc.constantFrom('/', '/p', '/p/q', '/pp');
const someRoutes = fc.uniqueArray(fc.tuple(pattern, prefix), { minLength: 1, maxLength: 4 });

test('whatever is claimed, in whatever order, a request that a record matches is its backend’s', (t) => {
  const order = fc.record({
    recorded: someRoutes,
    claims: fc.array(someRoutes, { maxLength: 4 }),
    isFirst: fc.boolean(),
  });
  fc.assert(
    fc.property(order, ({ recorded, claims, isFirst }) => {
      const alone = new Registry<FakeTunnel>();
      const registry = new Registry<FakeTunnel>();
      alone.setRecorded('owner', toRoutes(recorded));
      if (isFirst) registry.setRecorded('owner', toRoutes(recorded));
      for (const [index, claim] of claims.entries()) {
        errorOf(() => registry.add(new FakeTunnel(`c${index}`), toRoutes(claim)));
      }
      if (!isFirst) registry.setRecorded('owner', toRoutes(recorded));
      for (const host of ['a.x', 'b.x', 'c.x', 'y']) {
        for (const path of ['/', '/p', '/p/q', '/p/q/r', '/pp', '/pq']) {
          const isRecorded = alone.select(host, path).kind === 'agent_offline';
          const { backendId } = registry.select(host, path);
          if (isRecorded) t.equal(backendId, 'owner', `${host}${path}`);
          else t.not(backendId, 'owner', `${host}${path}`);
        }
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});
