/** The room, put together: which checks the gate runs, in which order, from the settings. It knows no check from inside. */
import type { ProxySettings } from '../config.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Handler } from '../exchange.ts';
import type { BackendRecord } from '../records/record.ts';
import { Assertions } from './assertions.ts';
import { createBasic } from './basic.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { createIdentity } from './identity.ts';
import { createKeySetDoor, keySetPath } from './key-set.ts';
import { createNetworksCheck } from './networks.ts';

export interface AccessOptions {
  readonly settings: ProxySettings;
  /** Our name in Proxy-Status. */
  readonly name: string;
  /** Of the proxy; known once it listens. */
  readonly publicUrl: () => string;
  readonly log: Log;
  /** Without it, nothing is on record. */
  readonly recordOf?: (backendId: string) => BackendRecord | undefined;
}

export interface Access extends Gate {
  /** What the proxy itself answers, on every host, by path: no backend is asked. */
  readonly doors: ReadonlyMap<string, Handler>;
}

export function createAccess({ settings, name, publicUrl, log, recordOf }: AccessOptions): Access {
  const { basicAuthFile: file, assertionKeyFile, clientAccess: defaultAccess } = settings;
  const assertions = new Assertions({ file: assertionKeyFile, log });
  const sign: Assertions['sign'] = (assertion) => assertions.sign(assertion);
  const gate = createGate({
    name,
    recordOf: recordOf ?? (() => undefined),
    defaultAccess,
    before: recordOf === undefined ? [] : [createNetworksCheck()],
    authenticators: file === undefined ? [] : [createBasic({ file, log })],
    after: recordOf === undefined ? [] : [createIdentity({ sign, issuer: publicUrl })],
  });
  return { ...gate, doors: new Map([[keySetPath, createKeySetDoor(assertions, name)]]) };
}
