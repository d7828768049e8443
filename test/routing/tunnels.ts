/** Tunnels that are nothing but what routing sees of one, and how the tests ask for them. */
import type { Registered, Registry } from '../../proxy/routing/registry.ts';
import type { Route } from '../../proxy/routing/routes.ts';

export class FakeTunnel implements Registered {
  readonly backendId: string;
  readonly name: string;
  isAccepting = true;
  isHealthy = true;
  agentInstance: string | undefined = undefined;
  hasUnsaid = false;
  exchanges = 0;

  constructor(backendId: string, name = backendId) {
    this.backendId = backendId;
    this.name = name;
  }

  load(): number {
    return this.exchanges;
  }
}

/** `host/path` as people write it: `a.example.com/api`, `*` for every path of every host. */
export function route(text: string): Route {
  const slash = text.indexOf('/');
  return slash === -1 ? { host: text, path: '/' } : { host: text.slice(0, slash), path: text.slice(slash) };
}

export function routes(...texts: string[]): Route[] {
  return texts.map(route);
}

/** The name of the tunnel, or why there is none. */
export function chosen(registry: Registry<FakeTunnel>, ask: string, except?: Set<FakeTunnel>): string {
  const { host, path } = route(ask);
  const selection = registry.select(host, path, except);
  return selection.kind === 'tunnel' ? selection.tunnel.name : selection.kind;
}

/** What it throws, or undefined. */
export function errorOf(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
