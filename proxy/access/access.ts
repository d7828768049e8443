/**
 * The room, put together from the settings: which checks the gate runs, in which order, and which pages of its own the proxy
 * has. It knows no check from inside.
 */
import type { Log } from '../../shared/log/log.ts';
import { giveAnswer } from '../answer.ts';
import type { ProxySettings } from '../config.ts';
import type { Exchange, ExchangeRecord, Handler } from '../exchange.ts';
import { rateLimits } from '../rate-settings.ts';
import type { BackendRecord } from '../records/record.ts';
import { Assertions } from './assertions.ts';
import { Attempts } from './attempts.ts';
import { createBasic } from './basic.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { createIdentity } from './identity.ts';
import { createKeySetDoor, keySetPath } from './key-set.ts';
import { createNetworksCheck } from './networks.ts';
import { isReserved } from './page-paths.ts';
import { createPages } from './pages.ts';
import { createPathCheck } from './path-check.ts';
import { createPeople } from './people.ts';
import { Rates } from './rates.ts';
import { slowedPage } from './slowed-page.ts';
import type { Authenticator, Check } from './visit.ts';

export interface AccessOptions {
  readonly settings: ProxySettings;
  /** Our name in Proxy-Status. */
  readonly name: string;
  /** Of the proxy; known once it listens. */
  readonly publicUrl: () => string;
  readonly log: Log;
  /** Without it, nothing is on record. */
  readonly recordOf?: (backendId: string) => BackendRecord | undefined;
  /** Whose a path would be if the case of its letters did not count. */
  readonly backendsAlike: (host: string, path: string) => readonly string[];
  /** Whose any path of the host could be. */
  readonly backendsAt: (host: string) => readonly string[];
}

export interface Access extends Gate {
  /** Failed attempts of addresses to prove who they are. */
  readonly attempts: Attempts;
  /** A client's request has come, whatever it is for: false has answered it, since its address sends too many. */
  enter(exchange: Exchange): boolean;
  /** What is counted of the exchange as running is no more. */
  leave(record: ExchangeRecord): void;
  /** Who answers for a path of the proxy's own, on every host: no backend is asked. Undefined: it is a backend's. */
  doorOf(path: string): Handler | undefined;
}

export function createAccess(options: AccessOptions): Access {
  const { settings, name, publicUrl, log, recordOf = (): undefined => undefined } = options;
  const { backendsAlike, backendsAt } = options;
  const { basicAuthFile: file, assertionKeyFile, clientAccess: defaultAccess } = settings;
  const hasRecords = options.recordOf !== undefined;
  const assertions = new Assertions({ file: assertionKeyFile, log });
  const sign: Assertions['sign'] = (assertion) => assertions.sign(assertion);
  const people = createPeople({ settings, log });
  const attempts = new Attempts({ max: settings.maxFailuresPerAddress, windowMs: settings.failureWindowMs });
  const rates = new Rates(rateLimits(settings));
  const before: Check[] = [];
  if (hasRecords) before.push(createNetworksCheck());
  before.push(rates.atBackend);
  // Where nothing is guarded, no path can lead around a rule.
  if (hasRecords || defaultAccess.kind !== 'public')
    before.push(createPathCheck({ recordOf, defaultAccess, backendsAlike, backendsAt }));
  if (people !== undefined) before.push(people.withholdCookies);
  const authenticators: Authenticator[] = [...(people?.authenticators ?? [])];
  if (file !== undefined)
    authenticators.push(createBasic({ file, log, attempts, publicUrl: settings.publicUrl }));
  const counted = [rates.ofUser, rates.ofBackend];
  const gate = createGate({
    name,
    recordOf,
    defaultAccess,
    before,
    authenticators,
    after: hasRecords ? [...counted, createIdentity({ sign, issuer: publicUrl })] : counted,
    waysIn: people?.waysIn,
    waysOut: people?.waysOut,
  });
  const keySet = createKeySetDoor(assertions, name);
  const slowed = Array.from(
    people?.pages ?? [],
    ([path, page]) => [path, slowedPage(page, attempts)] as const,
  );
  const pages = createPages(new Map(slowed), name);
  return {
    ...gate,
    attempts,
    enter: (exchange) => {
      const refused = rates.enter(exchange);
      if (refused !== undefined) giveAnswer(exchange, refused, name);
      return refused === undefined;
    },
    leave: (record) => rates.release(record),
    doorOf: (path) => (path === keySetPath ? keySet : isReserved(path) ? pages : undefined),
  };
}
