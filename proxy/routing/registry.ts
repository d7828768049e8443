/**
 * Who is connected and what they serve: tunnels by backend id, routes by what the tunnels claim. Several tunnels
 * of one id share its routes; a route that another id holds is refused by name. An id whose tunnels are all away
 * is remembered with its routes, so that its clients hear "offline" and not "no such route".
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { RouteTable } from './routes.ts';
import type { Route } from './routes.ts';

/** What the registry needs of a tunnel. */
export interface Registered {
  readonly backendId: string;
  readonly isAccepting: boolean;
  load(): number;
}

export interface RouteConflictAnswer {
  readonly status: 409;
  readonly route: Route;
}

/** Another backend id holds a route that was asked for. */
export class RouteConflict extends TunnelError<'route_conflict', RouteConflictAnswer> {}

/** Each live tunnel with the routes it claims; `lastRoutes` are those of the tunnel that left last. */
interface Backend<T> {
  readonly tunnels: Map<T, readonly Route[]>;
  lastRoutes: readonly Route[];
}

export type Selection<T> =
  { readonly kind: 'tunnel'; readonly tunnel: T } | { readonly kind: 'no_route' | 'agent_offline' };

/** Ids without a tunnel that are remembered; beyond it the longest away is forgotten. */
const maxRemembered = 1_000;

export class Registry<T extends Registered> {
  readonly #routes = new RouteTable();
  readonly #backends = new Map<string, Backend<T>>();
  /** Ids without a tunnel, the longest away first. */
  readonly #away = new Set<string>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Live tunnels. */
  tunnels(): T[] {
    return Array.from(this.#backends.values(), ({ tunnels }) => Array.from(tunnels.keys())).flat();
  }

  /** Throws where one of the routes is held by another id with a live tunnel. @throws RouteConflict */
  checkRoutes(backendId: string, routes: readonly Route[]): void {
    for (const route of routes) {
      const holder = this.#routes.holderOf(route);
      if (holder === undefined || holder === backendId || this.#away.has(holder)) continue;
      throw new RouteConflict(`the route ${route.host}${route.path} is held by backend ${holder}`, {
        code: 'route_conflict',
        scope: 'link',
        initiator: 'remote',
        answer: { status: 409, route },
      });
    }
  }

  /** Puts the tunnel to use under these routes. @throws RouteConflict, and nothing is changed */
  add(tunnel: T, routes: readonly Route[]): void {
    const { backendId } = tunnel;
    this.checkRoutes(backendId, routes);
    const backend = this.#backends.get(backendId) ?? { tunnels: new Map(), lastRoutes: [] };
    this.#backends.set(backendId, backend);
    // An id that comes back serves what it asks for now, not what it served before it went.
    this.#drop(backendId, backend.lastRoutes);
    backend.lastRoutes = [];
    this.#away.delete(backendId);
    backend.tunnels.set(tunnel, routes);
    for (const route of routes) this.#routes.set(route, backendId);
  }

  /** Idempotent. */
  remove(tunnel: T): void {
    const { backendId } = tunnel;
    const backend = this.#backends.get(backendId);
    const claimed = backend?.tunnels.get(tunnel);
    if (backend === undefined || claimed === undefined) return;
    backend.tunnels.delete(tunnel);
    if (backend.tunnels.size > 0) {
      const stillClaimed = [...backend.tunnels.values()].flat();
      this.#drop(
        backendId,
        claimed.filter((route) => !stillClaimed.some((other) => isSame(route, other))),
      );
      return;
    }
    backend.lastRoutes = claimed;
    this.#away.add(backendId);
    const [longestAway] = this.#away;
    if (this.#away.size > maxRemembered && longestAway !== undefined) this.#forget(longestAway);
  }

  /** The tunnel for a request: the least loaded of its backend, ties at random; `except` was tried already. */
  select(host: string, path: string, except?: ReadonlySet<T>): Selection<T> {
    const backendId = this.#routes.find(host, path);
    if (backendId === undefined) return { kind: this.#routes.size === 0 ? 'agent_offline' : 'no_route' };
    const tunnel = this.#leastLoaded(this.#backends.get(backendId)?.tunnels.keys() ?? [], except);
    return tunnel === undefined ? { kind: 'agent_offline' } : { kind: 'tunnel', tunnel };
  }

  #leastLoaded(tunnels: Iterable<T>, except: ReadonlySet<T> | undefined): T | undefined {
    let best: T | undefined;
    let bestLoad = Infinity;
    let ties = 0;
    for (const tunnel of tunnels) {
      if (!tunnel.isAccepting || except?.has(tunnel) === true) continue;
      const load = tunnel.load();
      if (load > bestLoad) continue;
      ties = load === bestLoad ? ties + 1 : 1;
      // The n-th of n equals replaces the choice with a chance of 1/n: all are equally likely, without a list.
      if (ties === 1 || this.#random() * ties < 1) best = tunnel;
      bestLoad = load;
    }
    return best;
  }

  #forget(backendId: string): void {
    this.#away.delete(backendId);
    this.#drop(backendId, this.#backends.get(backendId)?.lastRoutes ?? []);
    this.#backends.delete(backendId);
  }

  /** Another id may have taken a route over while its holder was away. */
  #drop(backendId: string, routes: readonly Route[]): void {
    for (const route of routes) {
      if (this.#routes.holderOf(route) === backendId) this.#routes.delete(route);
    }
  }
}

function isSame(a: Route, b: Route): boolean {
  return a.host === b.host && a.path === b.path;
}
