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
  /** Its backend is well, as far as its agent knows. */
  readonly isHealthy: boolean;
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

/** Whose route it is, where there is one, and a tunnel to it or why there is none. */
export type Selection<T> =
  | { readonly kind: 'tunnel'; readonly backendId: string; readonly tunnel: T }
  | { readonly kind: 'no_route'; readonly backendId: undefined }
  | { readonly kind: 'backend_unhealthy'; readonly backendId: string }
  /** Nobody is there now; since when (of the clock given at construction). Undefined: no route is known to anybody. */
  | { readonly kind: 'agent_offline'; readonly backendId: string | undefined; readonly sinceMs: number };

/** Ids without a tunnel that are remembered; beyond it the longest away is forgotten. */
const maxRemembered = 1_000;

export class Registry<T extends Registered> {
  readonly #routes = new RouteTable();
  readonly #backends = new Map<string, Backend<T>>();
  /** Ids without a tunnel and since when, the longest away first. */
  readonly #away = new Map<string, number>();
  readonly #random: () => number;
  readonly #nowMs: () => number;
  readonly #bornMs: number;
  #onChange: (() => void) | undefined;

  constructor(random: () => number = Math.random, nowMs: () => number = () => performance.now()) {
    this.#random = random;
    this.#nowMs = nowMs;
    this.#bornMs = nowMs();
  }

  /** Calls `onChange` whenever a tunnel has come or serves again. One at a time. */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** What a tunnel says of itself has changed. */
  noteChange(): void {
    this.#onChange?.();
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

  /** Puts the tunnel to use under these routes and no others. @throws RouteConflict, and nothing is changed */
  add(tunnel: T, routes: readonly Route[]): void {
    const { backendId } = tunnel;
    this.checkRoutes(backendId, routes);
    const backend = this.#backends.get(backendId) ?? { tunnels: new Map(), lastRoutes: [] };
    this.#backends.set(backendId, backend);
    // A tunnel that asks anew, and an id that comes back, serve what they ask for now, not what they served before.
    const before = backend.tunnels.get(tunnel) ?? backend.lastRoutes;
    backend.lastRoutes = [];
    this.#away.delete(backendId);
    backend.tunnels.set(tunnel, routes);
    this.#dropUnclaimed(backendId, backend, before);
    for (const route of routes) this.#routes.set(route, backendId);
    this.noteChange();
  }

  /** Idempotent. */
  remove(tunnel: T): void {
    const { backendId } = tunnel;
    const backend = this.#backends.get(backendId);
    const claimed = backend?.tunnels.get(tunnel);
    if (backend === undefined || claimed === undefined) return;
    backend.tunnels.delete(tunnel);
    if (backend.tunnels.size > 0) {
      this.#dropUnclaimed(backendId, backend, claimed);
      return;
    }
    backend.lastRoutes = claimed;
    this.#away.set(backendId, this.#nowMs());
    const [longestAway] = this.#away.keys();
    if (this.#away.size > maxRemembered && longestAway !== undefined) this.#forget(longestAway);
  }

  /**
   * The tunnel for a request: of its backend's healthy ones the least loaded, ties at random; `except` was tried
   * already. A proxy that knows no route at all has just started: whoever serves is on the way.
   */
  select(host: string, path: string, except?: ReadonlySet<T>): Selection<T> {
    const backendId = this.#routes.find(host, path);
    if (backendId === undefined) {
      return this.#routes.size === 0
        ? { kind: 'agent_offline', backendId, sinceMs: this.#bornMs }
        : { kind: 'no_route', backendId };
    }
    let best: T | undefined;
    let bestLoad = Infinity;
    let ties = 0;
    let isSomebodyThere = false;
    for (const tunnel of this.#backends.get(backendId)?.tunnels.keys() ?? []) {
      if (!tunnel.isAccepting || except?.has(tunnel) === true) continue;
      isSomebodyThere = true;
      if (!tunnel.isHealthy) continue;
      const load = tunnel.load();
      if (load > bestLoad) continue;
      ties = load === bestLoad ? ties + 1 : 1;
      // The n-th of n equals replaces the choice with a chance of 1/n: all are equally likely, without a list.
      if (ties === 1 || this.#random() * ties < 1) best = tunnel;
      bestLoad = load;
    }
    if (best !== undefined) return { kind: 'tunnel', backendId, tunnel: best };
    if (isSomebodyThere) return { kind: 'backend_unhealthy', backendId };
    // Where its tunnels are there and only take nothing new, they are about to leave.
    return { kind: 'agent_offline', backendId, sinceMs: this.#away.get(backendId) ?? this.#nowMs() };
  }

  #forget(backendId: string): void {
    this.#away.delete(backendId);
    this.#drop(backendId, this.#backends.get(backendId)?.lastRoutes ?? []);
    this.#backends.delete(backendId);
  }

  /** Of these routes, those that no tunnel of the id claims. */
  #dropUnclaimed(backendId: string, { tunnels }: Backend<T>, routes: readonly Route[]): void {
    const claimed = [...tunnels.values()].flat();
    this.#drop(
      backendId,
      routes.filter((route) => !claimed.some((other) => isSame(route, other))),
    );
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
