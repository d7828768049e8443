/** Whether there is room for one more link, beside those that stay and those that are to go. */
import { test } from 'tap';
import { Door } from '../../proxy/gateway/door.ts';
import { Revocations } from '../../proxy/gateway/revocations.ts';
import { readRecord } from '../../proxy/records/record-reader.ts';
import { createAgentVerifier } from '../../shared/auth/verifier.ts';
import type { AgentGrant } from '../../shared/auth/grant.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';

interface Row {
  readonly says: string;
  /** `s` stays, `g` is to go, `x` has ended; in capitals of another subject. */
  readonly links: string;
  readonly outcome: string;
}

const none = { backends: ['shop'], expiresAtMs: 0 };
const ask = { backend: 'shop', hosts: [], paths: [] };

function outcome(held: string, grant: AgentGrant, maxLinks?: number): string {
  const record = readRecord({ id: 'shop', ...(maxLinks === undefined ? {} : { limits: { maxLinks } }) });
  const door = new Door({
    verifier: createAgentVerifier({ secret: 'x'.repeat(32) }),
    revocations: new Revocations(),
    registry: { checkRoutes: () => undefined },
    recordOf: () => record,
    baseDomain: undefined,
    requiresRecord: false,
  });
  const links = Array.from(held, (letter) => ({
    backendId: 'shop',
    grant: { ...none, subject: letter === letter.toLowerCase() ? 'one' : 'another' },
    isGoingAway: letter.toLowerCase() === 'g',
    isAlive: letter.toLowerCase() !== 'x',
  }));
  try {
    door.checkRoom({ ask, grant }, new Set(links));
    return 'room';
  } catch (error) {
    if (error instanceof TunnelError) return error.code;
    throw error;
  }
}

const full = 'too_many_links_of_token';
const rows: readonly Row[] = [
  { says: 'none', links: '', outcome: 'room' },
  { says: 'one stays', links: 's', outcome: 'room' },
  { says: 'both stay', links: 'ss', outcome: full },
  { says: 'both are to go', links: 'gg', outcome: 'room' },
  { says: 'one is replaced, and the other is next', links: 'ggs', outcome: 'room' },
  { says: 'both are replaced', links: 'ggss', outcome: full },
  { says: 'those that were to go do not', links: 'gggg', outcome: full },
  { says: 'nor do these', links: 'gggs', outcome: full },
  { says: 'what has ended is nothing', links: 'xxxxggxx', outcome: 'room' },
  { says: 'nor is what another has', links: 'SSGGGGs', outcome: 'room' },
];

for (const { says, links, outcome: wanted } of rows) {
  test(`two links of a token: ${says}`, (t) => {
    t.equal(outcome(links, { ...none, links: 2, subject: 'one' }), wanted);
    const onRecord = wanted === full ? 'too_many_links_on_record' : wanted;
    const ofAll = links.replaceAll(/[A-Z]/g, '');
    t.equal(outcome(ofAll, { ...none, subject: 'one' }, 2), onRecord, 'of a record');
    t.end();
  });
}
