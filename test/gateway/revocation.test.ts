/** Tokens and subjects that are revoked through the admin API: on living links at once, at the door, and until when. */
import { test } from 'tap';
import { adminPortOf, ask } from '../admin/support/ask.ts';
import type { Answer } from '../admin/support/ask.ts';
import { says } from '../e2e/support/program.ts';
import { linksUp, productOnly } from '../e2e/support/tunnel.ts';
import { Revocations } from '../../proxy/gateway/revocations.ts';
import { adminToken, saysNothing, setStage } from './support/stage.ts';
import type { Stage } from './support/stage.ts';

async function admin(stage: Stage, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask(await adminPortOf(stage.proxy.program), `/api/revocations${path}`, { method, headers, ...text });
}

function jtiOf(token: string): string {
  const claims: { jti: string } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return claims.jti;
}

test(
  'a revoked token or subject loses its links at once, and comes back when it is lifted',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const mine = await stage.token({
      ttlMs: 60_000,
      backends: ['mine'],
      subject: 'shop/1 ü',
      hosts: ['mine.test'],
    });
    const other = await stage.token({ ttlMs: 60_000, backends: ['other'], hosts: ['other.test'] });
    const [agent, bystander] = [
      stage.agent(mine, { BACKEND_ID: 'mine' }),
      stage.agent(other, { BACKEND_ID: 'other' }),
    ];
    await Promise.all([linksUp(agent, 2), linksUp(bystander, 2)]);
    t.strictSame(JSON.parse((await admin(stage, 'GET', '')).body), { revocations: [] });

    const revoked = await admin(stage, 'POST', '', { subject: 'shop/1 ü' });
    t.equal(revoked.status, 201);
    t.equal(revoked.headers.location, '/api/revocations/subject%3Ashop%2F1%20%C3%BC');
    t.match(await agent.line(says('link down')), { code: 1008, reason: 'token_revoked' });
    t.match(await agent.line(says('refused by the proxy'), 0, 40_000), {
      status: 401,
      reason: 'the token has been revoked',
    });
    t.equal(bystander.lines.filter(says('link down')).length, 0, 'nobody else is touched');
    t.strictSame(JSON.parse((await admin(stage, 'GET', '')).body), {
      revocations: [{ id: 'subject:shop/1 ü', subject: 'shop/1 ü' }],
    });

    const until = new Date(Date.now() + 3_600_000).toISOString();
    t.equal((await admin(stage, 'POST', '', { jti: jtiOf(other), until })).status, 201);
    t.match(await bystander.line(says('link down')), { code: 1008, reason: 'token_revoked' });
    t.match(JSON.parse((await admin(stage, 'GET', '')).body), {
      revocations: [{}, { id: `jti:${jtiOf(other)}`, until }],
    });

    t.equal((await admin(stage, 'DELETE', '/subject%3Ashop%2F1%20%C3%BC')).status, 204);
    t.equal((await admin(stage, 'DELETE', '/subject%3Ashop%2F1%20%C3%BC')).status, 404);
    const again = stage.agent(mine, { BACKEND_ID: 'mine' });
    await linksUp(again, 2);
    saysNothing(t, stage, agent, bystander, again);
  },
);

test('what is no revocation is refused, and nobody revokes without the token', productOnly, async (t) => {
  const stage = await setStage(t);
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [{}, /one of jti and subject/],
    [{ jti: 'a', subject: 'b' }, /one of jti and subject/],
    [{ jti: '' }, /1 to 256 characters/],
    [{ jti: 7 }, /1 to 256 characters/],
    [{ subject: 'x'.repeat(257) }, /1 to 256 characters/],
    [{ jti: 'a', until: 'tomorrow' }, /a time with its zone/],
    [{ jti: 'a', until: '2099-01-01' }, /a time with its zone/],
    [{ jti: 'a', until: '2099-01-01T00:00:00' }, /a time with its zone/],
    [{ jti: 'a', until: '2001-01-01T00:00:00Z' }, /is over already/],
    [{ jti: 'a', why: 'b' }, /a field that is not known/],
    [[], /no object/],
    ['a', /no object/],
  ];
  const answers = await Promise.all(rows.map(([body]) => admin(stage, 'POST', '', body)));
  for (const [index, [body, why]] of rows.entries()) {
    t.equal(answers[index]?.status, 400, JSON.stringify(body));
    t.match(answers[index]?.body, why);
  }
  for (const path of ['/jti:nobody', '/nobody', '/subject:'])
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    t.equal((await admin(stage, 'DELETE', path)).status, 404, path);
  const port = await adminPortOf(stage.proxy.program);
  t.equal((await ask(port, '/api/revocations', { method: 'POST', body: '{"jti":"a"}' })).status, 401);
  t.strictSame(JSON.parse((await admin(stage, 'GET', '')).body), { revocations: [] });
});

test('a revocation ends when it says so, and a full list forgets none that is in force', (t) => {
  let nowMs = 1_000;
  const revocations = new Revocations(() => nowMs, 2);
  let told = 0;
  revocations.watch(() => (told += 1));
  t.ok(revocations.revoke({ jti: 'a' }, 2_000));
  t.ok(revocations.revoke({ subject: 'b' }));
  t.equal(revocations.revoke({ jti: 'c' }), undefined, 'there is no room');
  t.ok(revocations.revoke({ jti: 'a' }, 3_000), 'for what is there already, there is');
  t.equal(told, 3);
  nowMs = 2_999;
  t.ok(revocations.covers({ tokenId: 'a' }));
  t.throws(() => revocations.check({ tokenId: 'x', subject: 'b' }), { code: 'token_revoked' });
  t.notOk(revocations.covers({ tokenId: 'b', subject: 'a' }), 'a jti is no subject');
  t.notOk(revocations.covers({}), 'who has no name is not meant');
  nowMs = 3_000;
  t.notOk(revocations.covers({ tokenId: 'a' }));
  t.ok(revocations.revoke({ jti: 'c' }), 'what is over makes room');
  t.strictSame(
    revocations.list().map((one) => JSON.stringify(one)),
    ['{"subject":"b"}', '{"jti":"c"}'],
  );
  t.ok(revocations.lift({ jti: 'c' }));
  t.notOk(revocations.lift({ jti: 'c' }));
  t.end();
});
