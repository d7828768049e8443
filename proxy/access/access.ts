/** The room, put together: which checks the gate runs, in which order, from the settings. It knows no check from inside. */
import type { ProxySettings } from '../config.ts';
import type { BackendRecord } from '../records/record.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';

export interface AccessOptions {
  readonly settings: ProxySettings;
  /** Our name in Proxy-Status. */
  readonly name: string;
  /** Without it, nothing is on record. */
  readonly recordOf?: (backendId: string) => BackendRecord | undefined;
}

export function createAccess({ settings, name, recordOf = () => undefined }: AccessOptions): Gate {
  return createGate({
    name,
    recordOf,
    defaultAccess: settings.clientAccess,
    before: [],
    authenticators: [],
    after: [],
  });
}
