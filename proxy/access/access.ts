/** The room, put together: which checks the gate runs, in which order, from the settings. It knows no check from inside. */
import type { ProxySettings } from '../config.ts';
import type { Log } from '../../shared/log/log.ts';
import type { BackendRecord } from '../records/record.ts';
import { createBasic } from './basic.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { createNetworksCheck } from './networks.ts';

export interface AccessOptions {
  readonly settings: ProxySettings;
  /** Our name in Proxy-Status. */
  readonly name: string;
  readonly log: Log;
  /** Without it, nothing is on record. */
  readonly recordOf?: (backendId: string) => BackendRecord | undefined;
}

export function createAccess({ settings, name, log, recordOf }: AccessOptions): Gate {
  const { basicAuthFile: file } = settings;
  return createGate({
    name,
    recordOf: recordOf ?? (() => undefined),
    defaultAccess: settings.clientAccess,
    before: recordOf === undefined ? [] : [createNetworksCheck()],
    authenticators: file === undefined ? [] : [createBasic({ file, log })],
    after: [],
  });
}
