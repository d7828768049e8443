/**
 * Who is connected and what they serve: tunnels by backend id, routes by what is on record and by what the tunnels claim.
 * What is on record goes before every claim, however much more particular that is: nobody takes a part of a backend by
 * claiming it. Several tunnels of one id share its routes; a route that another id holds is refused by name. An id whose
 * tunnels are all away is remembered with its routes, so that its clients hear "offline" and not "no such route".
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
  /** Of the agent at its other end; undefined: nobody knows whether it is another's. */
  readonly agentInstance: string | undefined;
  /** It has a little to say that waits for company: the next exchange on it takes that along. */
  readonly hasUnsaid: boolean;
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

/** Routes that an id has whoever serves it, and since when (of the clock given at construction). */
interface Recorded {
  readonly routes: readonly Route[];
  readonly sinceMs: number;
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
  readonly #recordedRoutes = new RouteTable();
  readonly #recorded = new Map<string, Recorded>();
  /** Claimed by tunnels. */
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

  /**
   * The routes that are the id's whoever serves it, in place of those that were; none: it has none but those that its
   * tunnels claim. That no two ids are given one route is for the caller to see to.
   */
  setRecorded(backendId: string, routes: readonly Route[]): void {
    const before = this.#recorded.get(backendId);
    this.#recorded.delete(backendId);
    for (const route of before?.routes ?? []) {
      if (this.#recordedRoutes.holderOf(route) === backendId) this.#recordedRoutes.delete(route);
    }
    if (routes.length > 0) {
      this.#recorded.set(backendId, { routes, sinceMs: before?.sinceMs ?? this.#nowMs() });
      for (const route of routes) this.#recordedRoutes.set(route, backendId);
    }
    // Who waited for a tunnel may wait for nobody now, or for one that is there.
    this.noteChange();
  }

  /**
   * Throws where a route is held by another id: claimed by one with a live tunnel, or on record, so that not one request
   * could ever take it. Where another id has only a part of it on record, that part is not the claimant's, and the rest is.
   *
   * @throws RouteConflict
   */
  checkRoutes(backendId: string, routes: readonly Route[]): void {
    for (const route of routes) {
      // A pattern finds those that cover it, as a host finds those that cover that host.
      const owner = this.#recordedRoutes.find(route.host, route.path);
      if (owner !== undefined && owner !== backendId) throw heldBy(owner, route, 'is on record for');
      const holder = this.#routes.holderOf(route);
      if (holder === undefined || holder === backendId || this.#away.has(holder)) continue;
      throw heldBy(holder, route, 'is held by');
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
   * already. Of idle links of one agent it is one that has something to say: for the agent it is the same. A proxy that knows no
   * route at all has just started: whoever serves is on the way.
   */
  select(host: string, path: string, except?: ReadonlySet<T>): Selection<T> {
    const backendId = this.#recordedRoutes.find(host, path) ?? this.#routes.find(host, path);
    if (backendId === undefined) {
      return this.#routes.size + this.#recordedRoutes.size === 0
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
    if (best !== undefined) {
      // Who waits for company has nothing else to do.
      const mayHaveCompany = bestLoad === 0 && ties > 1 && !best.hasUnsaid;
      const tunnel = mayHaveCompany ? this.#companyOf(best, except) : best;
      return { kind: 'tunnel', backendId, tunnel };
    }
    if (isSomebodyThere) return { kind: 'backend_unhealthy', backendId };
    return { kind: 'agent_offline', backendId, sinceMs: this.#awaySinceMs(backendId) };
  }

  /** Of the idle links of the same agent one that has something to say; else the best itself. */
  #companyOf(best: T, except: ReadonlySet<T> | undefined): T {
    if (best.agentInstance === undefined) return best;
    for (const link of this.#backends.get(best.backendId)?.tunnels.keys() ?? []) {
      if (!link.hasUnsaid || link.agentInstance !== best.agentInstance || link.load() > 0) continue;
      if (link.isAccepting && link.isHealthy && except?.has(link) !== true) return link;
    }
    return best;
  }

  #awaySinceMs(backendId: string): number {
    const sinceMs = this.#away.get(backendId);
    if (sinceMs !== undefined) return sinceMs;
    // Where its tunnels are there and only take nothing new, they are about to leave.
    if (this.#backends.has(backendId)) return this.#nowMs();
    return this.#recorded.get(backendId)?.sinceMs ?? this.#nowMs();
  }

  /** Whose the path would be if the case of its letters did not count. */
  backendsAlike(host: string, path: string): readonly string[] {
    // As the path itself is looked for: what agents claim counts only where nothing is on record.
    const recorded = this.#recordedRoutes.findAlike(host, path);
    return recorded.length > 0 ? recorded : this.#routes.findAlike(host, path);
  }

  /** Whose any path of the host could be, on record or claimed; an id may be there more than once. */
  backendsAt(host: string): readonly string[] {
    return [...this.#recordedRoutes.holdersAt(host), ...this.#routes.holdersAt(host)];
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

function heldBy(holder: string, route: Route, how: string): RouteConflict {
  return new RouteConflict(`the route ${route.host}${route.path} ${how} backend ${holder}`, {
    code: 'route_conflict',
    scope: 'link',
    initiator: 'remote',
    answer: { status: 409, route },
  });
}

function isSame(a: Route, b: Route): boolean {
  return a.host === b.host && a.path === b.path;
}
