/**
 * The route table: host pattern and path prefix → backend id. Precedence: an exact host before a wildcard before
 * any host; under one host the longest path prefix that ends on a segment border. What is on record and what agents
 * claim are two tables, and the first is asked first (registry.ts). It knows ids and nothing of who is connected.
 */

/** Hosts are lower-case without port: `a.example.com`, `*.example.com` (exactly one label), `*`. Paths begin with `/`. */
export interface Route {
  readonly host: string;
  readonly path: string;
}

interface PathEntry {
  readonly path: string;
  readonly backendId: string;
}

export class RouteTable {
  /** Per host pattern its prefixes, the longest first. */
  readonly #hosts = new Map<string, PathEntry[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  holderOf(route: Route): string | undefined {
    return this.#hosts.get(route.host)?.find((entry) => entry.path === route.path)?.backendId;
  }

  /** Sets the route's holder, whoever it was before. */
  set(route: Route, backendId: string): void {
    this.delete(route);
    const entries = this.#hosts.get(route.host) ?? [];
    const behind = entries.findIndex((entry) => entry.path.length < route.path.length);
    entries.splice(behind === -1 ? entries.length : behind, 0, { path: route.path, backendId });
    this.#hosts.set(route.host, entries);
    this.#size += 1;
  }

  delete(route: Route): void {
    const entries = this.#hosts.get(route.host);
    const place = entries?.findIndex((entry) => entry.path === route.path) ?? -1;
    if (entries === undefined || place === -1) return;
    entries.splice(place, 1);
    this.#size -= 1;
    if (entries.length === 0) this.#hosts.delete(route.host);
  }

  /** The backend id for a request, or undefined. `path` is raw and without its query. */
  find(host: string, path: string): string | undefined {
    return (
      longestPrefix(this.#hosts.get(host), path) ??
      longestPrefix(this.#hosts.get(wildcardOf(host)), path) ??
      longestPrefix(this.#hosts.get('*'), path)
    );
  }

  /** Whose the path would be if the case of its letters did not count; more than one where routes differ in case alone. */
  findAlike(host: string, path: string): readonly string[] {
    const folded = path.toLowerCase();
    for (const pattern of [host, wildcardOf(host), '*']) {
      const alike = (this.#hosts.get(pattern) ?? []).filter((each) =>
        isUnder(folded, each.path.toLowerCase()),
      );
      const longest = alike[0]?.path.length;
      if (longest === undefined) continue;
      return alike.filter((each) => each.path.length === longest).map((each) => each.backendId);
    }
    return [];
  }
}

function longestPrefix(entries: readonly PathEntry[] | undefined, path: string): string | undefined {
  return entries?.find((entry) => isUnder(path, entry.path))?.backendId;
}

/** `/api` covers `/api` and `/api/x`, not `/apix`; `/api/` covers `/api/x` only. */
function isUnder(path: string, prefix: string): boolean {
  if (prefix === '/') return true;
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/';
}

/** `a.b.example.com` → `*.b.example.com`: a wildcard stands for exactly one label, as in certificates. */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 1 ? '*.' : `*${host.slice(dot)}`;
}
