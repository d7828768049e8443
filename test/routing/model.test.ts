/** Random comings and goings, against a model that looks at everybody. PROPERTY_RUNS=20000 runs longer. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { Registry, RouteConflict } from '../../proxy/routing/registry.ts';
import type { Route } from '../../proxy/routing/routes.ts';
import { chosen, errorOf, FakeTunnel } from './tunnels.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 300);

const change = fc.record({
  kind: fc.constantFrom('add', 'add', 'remove', 'accepting', 'health', 'load'),
  tunnel: fc.nat({ max: 7 }),
  hosts: fc.uniqueArray(fc.constantFrom('a', 'b', '*.c', '*'), { maxLength: 3 }),
  paths: fc.uniqueArray(fc.constantFrom('/', '/x', '/x/y'), { minLength: 1, maxLength: 2 }),
  load: fc.nat({ max: 3 }),
});

/** Claims of tunnels that are here, and of ids of which none is. */
class Model {
  readonly live = new Map<FakeTunnel, Route[]>();
  readonly away = new Map<string, Route[]>();

  /** Another id with a live tunnel holds one of them. */
  isHeld(tunnel: FakeTunnel, claims: readonly Route[]): boolean {
    return [...this.live].some(
      ([{ backendId }, theirs]) =>
        backendId !== tunnel.backendId && claims.some((claim) => has(theirs, claim)),
    );
  }

  add(tunnel: FakeTunnel, claims: Route[]): void {
    this.live.set(tunnel, claims);
    this.away.delete(tunnel.backendId);
    // Whoever is away loses what somebody else takes.
    for (const [id, theirs] of this.away) {
      this.away.set(
        id,
        theirs.filter((route) => !has(claims, route)),
      );
    }
  }

  remove(tunnel: FakeTunnel): void {
    const claims = this.live.get(tunnel);
    if (claims === undefined) return;
    this.live.delete(tunnel);
    const isLast = ![...this.live.keys()].some(({ backendId }) => backendId === tunnel.backendId);
    if (isLast) this.away.set(tunnel.backendId, claims);
  }

  /** The names that may be chosen, or why there is none. */
  answer(host: string, path: string): string[] {
    const id = this.#holder(host, path);
    if (id === undefined) {
      const knowsNone = [...this.live.values(), ...this.away.values()].every(({ length }) => length === 0);
      return [knowsNone ? 'agent_offline' : 'no_route'];
    }
    const accepting = [...this.live.keys()].filter(
      ({ backendId, isAccepting }) => backendId === id && isAccepting,
    );
    if (accepting.length === 0) return ['agent_offline'];
    const well = accepting.filter(({ isHealthy }) => isHealthy);
    if (well.length === 0) return ['backend_unhealthy'];
    const least = Math.min(...well.map(({ exchanges }) => exchanges));
    return well.filter(({ exchanges }) => exchanges === least).map(({ name }) => name);
  }

  #holder(host: string, path: string): string | undefined {
    const patterns = [host, `*${host.slice(host.indexOf('.'))}`, '*'];
    const prefixes = ['/x/y', '/x', '/'].filter(
      (prefix) => prefix === '/' || `${path}/`.startsWith(`${prefix}/`),
    );
    const claims: [id: string, claims: Route[]][] = [
      ...Array.from(this.live, ([{ backendId }, routes]): [string, Route[]] => [backendId, routes]),
      ...this.away,
    ];
    for (const pattern of patterns) {
      for (const prefix of prefixes) {
        const found = claims.find(([, routes]) => has(routes, { host: pattern, path: prefix }));
        if (found !== undefined) return found[0];
      }
    }
    return undefined;
  }
}

function has(routes: readonly Route[], wanted: Route): boolean {
  return routes.some(({ host, path }) => host === wanted.host && path === wanted.path);
}

test('whoever comes and goes, the answer is what looking at everybody would give', (t) => {
  let answers = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const registry = new Registry<FakeTunnel>();
      const model = new Model();
      const tunnels = Array.from({ length: 8 }, (_, i) => new FakeTunnel(`id ${i % 3}`, `${i}`));
      for (const { kind, tunnel: index, hosts, paths, load } of changes) {
        const tunnel = tunnels[index];
        if (tunnel === undefined) throw new Error('eight tunnels');
        if (kind === 'accepting') tunnel.isAccepting = !tunnel.isAccepting;
        else if (kind === 'health') tunnel.isHealthy = !tunnel.isHealthy;
        else if (kind === 'load') tunnel.exchanges = load;
        else if (kind === 'remove') {
          registry.remove(tunnel);
          model.remove(tunnel);
        } else {
          const claims = hosts.flatMap((host) => paths.map((path) => ({ host, path })));
          const isHeld = model.isHeld(tunnel, claims);
          const isRefused = errorOf(() => registry.add(tunnel, claims)) instanceof RouteConflict;
          if (isHeld !== isRefused) throw new Error(`held: ${isHeld}, refused: ${isRefused}`);
          if (!isHeld) model.add(tunnel, claims);
        }
        for (const host of ['a', 'b', 'x.c', 'x.y.c']) {
          for (const path of ['/', '/x', '/x/y/z', '/xx']) {
            const name = chosen(registry, `${host}${path}`);
            const right = model.answer(host, path);
            if (!right.includes(name)) throw new Error(`${host}${path}: ${name}, not ${right.join(' or ')}`);
            if (tunnels.some((other) => other.name === name)) answers += 1;
          }
        }
      }
      if (registry.tunnels().length !== model.live.size) throw new Error('tunnels are counted wrongly');
    }),
    { numRuns },
  );
  t.ok(answers > numRuns * 10, `${answers} requests found a tunnel`);
  t.end();
});
