/**
 * docs/http.md lists every change that is made on the way; here messages that show them all go through the real tunnel, and
 * what differs on the other side is exactly what the list says: a difference without a row fails, a row that nothing shows
 * fails, and so does a field name of a row that no difference has, or the other way round.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcrypt';
import { t as file, test, type Test } from 'tap';
import { adminPortOf, ask } from '../admin/support/ask.ts';
import { readHead, status, value, type Head } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { dial, type Wire } from '../e2e/support/wire.ts';
import { namesField, readChangeRows } from './change-table.ts';
import { changesBetween } from './line-changes.ts';
import { inEveryRequest, requestCases, type Changes } from './request-changes.ts';
import { responseCases, type ResponseCase } from './response-changes.ts';

const backend = await Recorder.listen(file);
const directory = mkdtempSync(join(tmpdir(), 'changes-'));
file.teardown(() => rmSync(directory, { recursive: true }));
const users = join(directory, 'users');
writeFileSync(users, `alice@example.com:${hashSync('a', 4)}\n`);
const adminToken = 'an admin token of more than 32 bytes';
const [plain, trusted, guarded] = await Promise.all([
  startTunnel(file, { backend: backend.address }),
  startTunnel(file, {
    backend: backend.address,
    proxyEnv: { TRUSTED_PROXIES: '127.0.0.1' },
    agentEnv: { HOST_HEADER: 'backend.internal' },
  }),
  startTunnel(file, {
    backend: backend.address,
    // Nobody is sent to that provider here.
    proxyEnv: {
      ADMIN_TOKEN: adminToken,
      BASIC_AUTH_FILE: users,
      OIDC_ISSUER: 'http://127.0.0.1:1',
      OIDC_CLIENT_ID: 'proxy',
    },
  }),
]);
if (guarded.proxy !== undefined) {
  const { status: set } = await ask(await adminPortOf(guarded.proxy), '/api/backends/default', {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ access: 'public', forwardIdentity: true }),
  });
  if (set !== 201) throw new Error(`the record was answered with ${set}`);
}
const rows = readChangeRows();

/** A head with the empty line behind it, as it was on the wire. */
function textOf({ startLine, lines }: Head): string {
  return [startLine, ...lines, '', ''].join('\r\n');
}

/** The body behind a head as it is on the wire, frame and all. No body here has an empty line within. */
async function rawBody(wire: Wire, head: Head, isAnswer: boolean): Promise<string> {
  if (value(head, 'transfer-encoding') !== undefined) return wire.until('\r\n\r\n');
  const length = value(head, 'content-length');
  if (length !== undefined) return (await wire.take(Number(length))).toString('latin1');
  if (!isAnswer) return '';
  await wire.left();
  return (await wire.take(wire.unread.length)).toString('latin1');
}

/** All that an answer is on the wire, interim ones with it. */
async function rawAnswer(wire: Wire, method: string): Promise<string> {
  let text = '';
  for (;;) {
    const head = await readHead(wire);
    text += textOf(head);
    const code = status(head);
    if (code < 200 && code !== 101) continue;
    const isBodiless = method === 'HEAD' || code === 101 || code === 204 || code === 304;
    return isBodiless ? text : text + (await rawBody(wire, head, true));
  }
}

/** What differs is what is listed, and what is listed has rows that name the fields. */
function isListed(t: Test, found: readonly string[], listed: readonly Changes[]): void {
  const wanted = listed.flatMap((changes) => Object.values(changes).flat());
  t.strictSame(found.toSorted(), wanted.toSorted());
  for (const changes of listed) {
    for (const key of Object.keys(changes))
      t.ok(
        rows.some((row) => row.key === key),
        `${key} has its row`,
      );
  }
}

/** Ours and different in each run. */
function withoutNames(change: string): string {
  return change
    .replace(/^(\+ Via: 1\.\d) inverting-proxy-\w+$/, '$1 <name>')
    .replace(/^(\+ X-Inverting-Proxy-Assertion:) [\w-]+\.[\w-]+\.[\w-]+$/, '$1 <jwt>')
    .replace(/^(\+ X-Request-Id:) \w+-\w+$/, '$1 <id>');
}

for (const {
  what,
  trusted: isTrusted,
  guarded: isGuarded,
  lines,
  body = '',
  changes,
  always,
} of requestCases) {
  test(`a request with ${what}`, async (t) => {
    const client = await dial(t, isTrusted === true ? trusted : isGuarded === true ? guarded : plain);
    const sent = `${lines.join('\r\n')}\r\n\r\n${body}`;
    client.write(sent);
    const asked = await backend.take(targetOf(lines));
    const arrived = textOf(asked) + (await rawBody(asked.wire, asked, false));
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    await rawAnswer(client, 'GET');
    t.equal(asked.wire.unread.length, 0);
    isListed(t, changesBetween(sent, arrived).map(withoutNames), [changes, always ?? inEveryRequest]);
    asked.release();
  });
}

/** As the backend gets it. */
function targetOf(lines: readonly string[]): string {
  const [method, target = ''] = lines.find((line) => line !== '')?.split(' ') ?? [];
  const rest = target.replace(/^https?:\/\/[^/?]+/i, '');
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

async function answerOf(
  t: Test,
  { what, method = 'GET', version = '1.1', asking = [], answer, ends }: ResponseCase,
): Promise<string> {
  const path = `/answer/${encodeURIComponent(what)}`;
  const client = await dial(t, plain);
  client.write([`${method} ${path} HTTP/${version}`, 'Host: h', ...asking, '\r\n'].join('\r\n'));
  const asked = await backend.take(path);
  asked.wire.write(answer);
  if (ends === true) asked.wire.end();
  const arrived = await rawAnswer(client, method);
  t.equal(client.unread.length, 0);
  asked.release();
  return arrived;
}

for (const answered of responseCases) {
  test(`an answer with ${answered.what}`, async (t) => {
    isListed(t, changesBetween(answered.answer, await answerOf(t, answered)), [answered.changes]);
  });
}

test('every row of docs/http.md is shown, with every field that it names and no other', async (t) => {
  const shown = [...requestCases, ...responseCases].flatMap(({ changes }) => Object.entries(changes));
  const all = [...shown, ...Object.entries(inEveryRequest)];
  t.ok(rows.length > 20, `${rows.length} rows`);
  t.strictSame(
    rows.map(({ key }) => key),
    [...new Set(rows.map(({ key }) => key))],
    'each key once',
  );
  for (const row of rows) {
    const changes = all.filter(([key]) => key === row.key).flatMap(([, lines]) => lines);
    t.not(changes.length, 0, `${row.key} is shown`);
    t.match(row.sections, /(?:RFC 9\d{3} §\d|rule \d)/, `${row.key} says its section`);
    t.not(row.why, '', `${row.key} says why`);
    if (row.names.length === 0) continue;
    const fields = changes.filter((change) => change.includes(':'));
    const names = fields.map((change) => change.slice(2, change.indexOf(':')).toLowerCase());
    t.strictSame(
      names.filter((name) => !namesField(row, name)),
      [],
      `${row.key} names what it changes`,
    );
    const isShown = (known: string): boolean =>
      names.some((name) => namesField({ ...row, names: [known] }, name));
    t.strictSame(
      row.names.filter((known) => !isShown(known)),
      [],
      `${row.key} names nothing else`,
    );
  }
});
