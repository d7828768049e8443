/**
 * Refuses a path that could be read as one of another backend, if that one is guarded: the client is let in by the rule of the
 * backend that the raw path leads to, and the server behind may be the same one. It knows rules and readings, and asks routing
 * whose a reading would be.
 */
import type { AccessRule, BackendRecord } from '../records/record.ts';
import { denial } from './denials.ts';
import { isPlain, readingsOf } from './readings.ts';
import type { Check } from './visit.ts';

export interface PathCheckOptions {
  readonly recordOf: (backendId: string) => BackendRecord | undefined;
  readonly defaultAccess: AccessRule;
  /** Whose the path would be if routing did not mind the case of letters. */
  readonly backendsAlike: (host: string, path: string) => readonly string[];
  /** Whose any path of the host could be. */
  readonly backendsAt: (host: string) => readonly string[];
}

export function createPathCheck(options: PathCheckOptions): Check {
  return ({ exchange, backendId }) => {
    const { host, path } = exchange.meaning;
    // Readings are work, and anybody may ask for it: only where there is anything to lead around.
    const isOdd = !isPlain(path);
    if (isOdd && !options.backendsAt(host).some((other) => other !== backendId && isGuarded(other, options)))
      return undefined;
    // A plain path is looked for too: the prefix that guards can be the one that is written oddly, or in capitals.
    const readings = isOdd ? readingsOf(path) : [path];
    if (readings === undefined) return denial('path_ambiguous');
    for (const reading of readings) {
      const backends = options.backendsAlike(host, reading);
      if (backends.includes(backendId)) continue;
      if (backends.some((other) => isGuarded(other, options))) return denial('path_ambiguous');
    }
    return undefined;
  };
}

function isGuarded(backendId: string, { recordOf, defaultAccess }: PathCheckOptions): boolean {
  const record = recordOf(backendId);
  if ((record?.access ?? defaultAccess).kind !== 'public') return true;
  return record !== undefined && record.networks.allow.length + record.networks.deny.length > 0;
}
