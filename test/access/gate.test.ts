/** The gate: in which order it asks, what stops it, and what it says of whom. */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { test } from 'tap';
import { createGate } from '../../proxy/access/gate.ts';
import type { GateOptions } from '../../proxy/access/gate.ts';
import { denial } from '../../proxy/access/denials.ts';
import type { Authenticator, Check, Identity } from '../../proxy/access/visit.ts';
import type { User } from '../../proxy/exchange.ts';
import type { BackendRecord } from '../../proxy/records/record.ts';
import { ask, statusOf, valuesOf } from './support/visit.ts';

const alice: User = { subject: '1', issuer: 'https://id.example', email: 'alice@example.com', groups: [] };
const open: GateOptions = {
  name: 'p',
  recordOf: () => undefined,
  defaultAccess: { kind: 'public' },
  before: [],
  authenticators: [],
  after: [],
};

function record(more: Partial<BackendRecord>): BackendRecord {
  const networks = { allow: [], deny: [] };
  const base = { id: 'shop', hosts: [], paths: [], forwardIdentity: false, keepAuthorization: false };
  return { ...base, networks, limits: {}, ...more };
}

function saying(identity: Identity, more: Partial<Authenticator> = {}): Authenticator {
  return { challenge: 'Bearer', identify: () => identity, ...more };
}

const isAlice: Identity = { kind: 'user', user: alice, byAuthorization: true };

test('a public backend with nothing configured is admitted at once', (t) => {
  const { exchange } = ask();
  t.equal(createGate(open).admit(exchange, 'shop'), true);
  t.match(exchange.admission, { backendId: 'shop', user: undefined, withholdsAuthorization: false });
  t.end();
});

test('the checks are asked in order, and the first with an answer is the last that is asked', async (t) => {
  for (const stop of ['before-1', 'before-2', 'who', 'after-1', 'none']) {
    const asked: string[] = [];
    const check = (name: string, waits: boolean): Check => {
      return () => {
        asked.push(name);
        const verdict = name === stop ? denial('access_denied') : undefined;
        return waits ? Promise.resolve(verdict) : verdict;
      };
    };
    const who: Authenticator = {
      challenge: undefined,
      identify: () => {
        asked.push('who');
        return Promise.resolve(stop === 'who' ? undefined : isAlice);
      },
    };
    const gate = createGate({
      ...open,
      defaultAccess: { kind: 'signed-in' },
      before: [check('before-1', false), check('before-2', true)],
      authenticators: [who],
      after: [check('after-1', true)],
    });
    const { exchange, answer } = ask();
    t.equal(await gate.admit(exchange, 'shop'), stop === 'none', stop);
    const all = ['before-1', 'before-2', 'who', 'after-1'];
    t.strictSame(asked, stop === 'none' ? all : all.slice(0, all.indexOf(stop) + 1), stop);
    t.equal(exchange.admission === undefined, stop !== 'none');
    t.equal(answer() === '', stop === 'none');
    if (stop !== 'none') t.equal(exchange.record.backendId, 'shop');
  }
});

test('who is not known hears 401 with every challenge there is', async (t) => {
  const { exchange, answer } = ask();
  const authenticators = [saying(undefined), saying(undefined, { challenge: 'Basic realm="p"' })];
  const gate = createGate({ ...open, defaultAccess: { kind: 'signed-in' }, authenticators });
  t.equal(await gate.admit(exchange, 'shop'), false);
  t.equal(statusOf(answer()), 401);
  t.strictSame(valuesOf(answer(), 'www-authenticate'), ['Bearer, Basic realm="p"']);
  t.equal(exchange.record.code, 'sign_in_required');
});

test('who is not known is invited where an authenticator can', async (t) => {
  const location = [['Location', 'https://id.example/']] as const;
  for (const invite of [
    () => denial('sign_in_required', { status: 302, fields: location }),
    () => Promise.resolve(denial('sign_in_required', { status: 302, fields: location })),
  ]) {
    const { exchange, answer } = ask();
    const authenticators = [saying(undefined, { invite })];
    const gate = createGate({ ...open, defaultAccess: { kind: 'signed-in' }, authenticators });
    t.equal(await gate.admit(exchange, 'shop'), false);
    t.equal(statusOf(answer()), 302);
    t.strictSame(valuesOf(answer(), 'location'), ['https://id.example/']);
    t.strictSame(valuesOf(answer(), 'cache-control'), ['no-store']);
  }
});

test('who is not on the list hears 403 that names the account, harmless in each kind of body', async (t) => {
  const email = `<img src=x onerror=alert(1)>"'&@\u00e9\u{1f600}\r\nX: y`;
  const identity: Identity = { kind: 'user', user: { ...alice, email }, byAuthorization: false };
  const access = { kind: 'listed', emails: [], domains: [], groups: ['staff'], subjects: [] } as const;
  for (const accept of ['text/html', 'application/json', 'text/plain']) {
    const { exchange, answer } = ask({ lines: [`Accept: ${accept}`] });
    const recordOf = (): BackendRecord => record({ access });
    const gate = createGate({
      ...open,
      recordOf,
      authenticators: [saying(identity)],
      waysOut: () => [{ path: '/out', text: 'Out' }],
    });
    t.equal(await gate.admit(exchange, 'shop'), false);
    const [head = '', body = ''] = answer().split('\r\n\r\n');
    t.equal(statusOf(head), 403);
    t.notMatch(head, /onerror|alert/);
    t.match(body, /^[\n -~]*$/, 'ASCII alone');
    t.notMatch(body, accept === 'text/html' ? /<img|onerror=/ : /\r/);
    t.match(body, /img src/);
    if (accept === 'application/json') t.equal(JSON.parse(body).account, email);
    if (accept === 'text/html') t.match(body, '<a href="/out">');
  }
});

test("a credential that is none of ours is the backend's where everybody may pass, and refused elsewhere", async (t) => {
  const refused: Identity = { kind: 'refused', answer: denial('sign_in_required') };
  for (const kind of ['public', 'signed-in'] as const) {
    const { exchange } = ask();
    const recordOf = (): BackendRecord => record({ forwardIdentity: true, access: { kind } });
    const gate = createGate({ ...open, recordOf, authenticators: [saying(refused)] });
    t.equal(await gate.admit(exchange, 'shop'), kind === 'public');
  }
});

function wrong(code: 'token_refused' | 'origin_refused'): Identity {
  return { kind: 'refused', answer: denial(code) };
}

test('who is proven in one way is not refused for another; else the first refusal is told', async (t) => {
  const bob: Identity = { kind: 'user', user: { ...alice, subject: '2' }, byAuthorization: false };
  const rows: readonly (readonly [readonly Identity[], string | undefined, string?])[] = [
    [[wrong('token_refused'), bob], '2'],
    [[wrong('token_refused'), undefined, bob], '2'],
    [[isAlice, bob], '1'],
    [[wrong('token_refused'), undefined], undefined, 'token_refused'],
    [[undefined, wrong('origin_refused'), undefined], undefined, 'origin_refused'],
    [[wrong('token_refused'), wrong('origin_refused')], undefined, 'token_refused'],
    [[undefined], undefined, 'sign_in_required'],
    [[], undefined, 'sign_in_required'],
  ];
  for (const [identities, subject, code] of rows) {
    for (const waits of [false, true]) {
      const authenticators = identities.map((identity) =>
        saying(identity, waits ? { identify: () => Promise.resolve(identity) } : {}),
      );
      const { exchange } = ask();
      const gate = createGate({ ...open, defaultAccess: { kind: 'signed-in' }, authenticators });
      t.equal(await gate.admit(exchange, 'shop'), subject !== undefined);
      t.equal(exchange.admission?.user?.subject, subject);
      t.equal(exchange.record.code, code);
      if (subject === '2') t.equal(exchange.admission?.withholdsAuthorization, false, 'the token goes on');
    }
  }
});

test('nobody is asked who they are where that matters to nobody', async (t) => {
  const rows: readonly [Partial<BackendRecord>, boolean][] = [
    [{}, false],
    [{ forwardIdentity: true }, true],
    [{ limits: { requestsPerSecondPerUser: 1 } }, true],
    [{ limits: { requestsPerSecond: 1 } }, false],
    [{ access: { kind: 'signed-in' } }, true],
  ];
  for (const [more, matters] of rows) {
    const { exchange } = ask();
    const gate = createGate({ ...open, recordOf: () => record(more), authenticators: [saying(isAlice)] });
    t.equal(await gate.admit(exchange, 'shop'), true);
    t.equal(exchange.admission?.user === alice, matters, JSON.stringify(more));
    const isPrivate = exchange.admission?.responseFields.some(
      ([name, value]) => name === 'Cache-Control' && value === 'private',
    );
    t.equal(isPrivate, matters, 'what somebody gets is no cache’s to keep for others');
  }
});

test('an Authorization that was meant for the proxy stays here, unless the record keeps it', async (t) => {
  for (const keepAuthorization of [false, true]) {
    for (const byAuthorization of [false, true]) {
      const { exchange } = ask();
      const access = { kind: 'signed-in' } as const;
      const recordOf = (): BackendRecord => record({ access, keepAuthorization });
      const authenticators = [saying({ kind: 'user', user: alice, byAuthorization })];
      t.equal(await createGate({ ...open, recordOf, authenticators }).admit(exchange, 'shop'), true);
      t.equal(exchange.admission?.withholdsAuthorization, byAuthorization && !keepAuthorization);
    }
  }
});
