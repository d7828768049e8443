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
  /** What a server may take it for that ignores case and decodes: nearly always one. */
  readonly alike: readonly string[];
  readonly backendId: string;
  /** The id alone in a list, made once: it is the answer to most questions. */
  readonly backendIds: readonly string[];
}

export class RouteTable {
  /** Per host pattern its prefixes, the longest first. */
  readonly #hosts = new Map<string, PathEntry[]>();
  /** Of its host patterns those with a wildcard for one label: where there are none, none has to be looked for. */
  #wildcards = 0;
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
    const known = this.#hosts.get(route.host);
    if (known === undefined && isWildcard(route.host)) this.#wildcards += 1;
    const entries = known ?? [];
    const behind = entries.findIndex((entry) => entry.path.length < route.path.length);
    const entry = { path: route.path, alike: alikeOf(route.path), backendId, backendIds: [backendId] };
    entries.splice(behind === -1 ? entries.length : behind, 0, entry);
    this.#hosts.set(route.host, entries);
    this.#size += 1;
  }

  delete(route: Route): void {
    const entries = this.#hosts.get(route.host);
    const place = entries?.findIndex((entry) => entry.path === route.path) ?? -1;
    if (entries === undefined || place === -1) return;
    entries.splice(place, 1);
    this.#size -= 1;
    if (entries.length > 0) return;
    this.#hosts.delete(route.host);
    if (isWildcard(route.host)) this.#wildcards -= 1;
  }

  /** The backend id for a request, or undefined. `path` is raw and without its query. */
  find(host: string, path: string): string | undefined {
    return (
      longestPrefix(this.#hosts.get(host), path) ??
      longestPrefix(this.#wildcardAt(host), path) ??
      longestPrefix(this.#hosts.get('*'), path)
    );
  }

  /** Whose routes there are for the host, whatever their paths. */
  holdersAt(host: string): readonly string[] {
    return [host, wildcardOf(host), '*'].flatMap((pattern) =>
      (this.#hosts.get(pattern) ?? []).map(({ backendId }) => backendId),
    );
  }

  /**
   * Whose the path would be if the case of letters did not count, nor whether a prefix is written with percent-encodings;
   * more than one where routes differ in that alone.
   */
  findAlike(host: string, path: string): readonly string[] {
    const folded = path.toLowerCase();
    const found = alikeAmong(this.#hosts.get(host), folded);
    if (found.length > 0) return found;
    const wild = alikeAmong(this.#wildcardAt(host), folded);
    return wild.length > 0 ? wild : alikeAmong(this.#hosts.get('*'), folded);
  }

  #wildcardAt(host: string): readonly PathEntry[] | undefined {
    return this.#wildcards === 0 ? undefined : this.#hosts.get(wildcardOf(host));
  }
}

const nobody: readonly string[] = [];

/** Asked for every request: where a backend is alone, nothing is made. */
function alikeAmong(entries: readonly PathEntry[] | undefined, folded: string): readonly string[] {
  if (entries === undefined) return nobody;
  let longest = -1;
  let ids: readonly string[] = nobody;
  for (const { path, alike, backendId, backendIds } of entries) {
    if (longest !== -1 && path.length !== longest) break;
    if (!isUnderAny(folded, alike)) continue;
    longest = path.length;
    ids = ids.length === 0 ? backendIds : [...ids, backendId];
  }
  return ids;
}

function isUnderAny(path: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (isUnder(path, prefix)) return true;
  return false;
}

/** Bytes as chars, as whoever reads paths for the gate decodes them. */
function alikeOf(path: string): readonly string[] {
  const decoded = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return [...new Set([path.toLowerCase(), decoded.toLowerCase()])];
}

function longestPrefix(entries: readonly PathEntry[] | undefined, path: string): string | undefined {
  if (entries === undefined) return undefined;
  for (const entry of entries) if (isUnder(path, entry.path)) return entry.backendId;
  return undefined;
}

/** `/api` covers `/api` and `/api/x`, not `/apix`; `/api/` covers `/api/x` only. */
function isUnder(path: string, prefix: string): boolean {
  if (prefix === '/') return true;
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/';
}

function isWildcard(pattern: string): boolean {
  return pattern.startsWith('*.');
}

/** `a.b.example.com` → `*.b.example.com`: a wildcard stands for exactly one label, as in certificates. */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 1 ? '*.' : `*${host.slice(dot)}`;
}
