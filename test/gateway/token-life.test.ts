/**
 * The end of a token on living links, and what puts it off: with real programs, and under load, since no request may be
 * lost by it.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { createBackendDialer } from '../../agent/backend/connect.ts';
import { BackendPool } from '../../agent/backend/pool.ts';
import { Connector } from '../../agent/connector/connector.ts';
import { dialProxy } from '../../agent/connector/dial.ts';
import { fixedToken } from '../../agent/token/token-source.ts';
import { createLog } from '../../shared/log/log.ts';
import { agentPath } from '../../shared/protocol/ask.ts';
import { ask } from '../admin/support/ask.ts';
import { says } from '../e2e/support/program.ts';
import { linksUp, productOnly } from '../e2e/support/tunnel.ts';
import { load, saysNothing, setStage } from './support/stage.ts';

test(
  'TOKEN_FILE is read again when it changes: links live on, and no request is lost',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const path = join(t.testdir(), 'token');
    const put = async (ttlMs: number): Promise<void> => {
      writeFileSync(`${path}.new`, `${await stage.token({ ttlMs, subject: 'renewing' })}\n`);
      renameSync(`${path}.new`, path);
    };
    await put(8_000);
    const agent = stage.agent('', { TOKEN_FILE: path });
    await linksUp(agent, 2);
    const running = load(stage);
    const { program } = stage.proxy;
    let from = 0;
    // Each ends before the load does: without the one that follows, the links would.
    for (const ttlMs of [8_000, 8_000, 60_000]) {
      await put(ttlMs);
      for (let link = 0; link < 2; link += 1) {
        const line = await program.line(says('agent renewed its token'), from);
        from = program.lines.indexOf(line, from) + 1;
        t.equal(line['subject'], 'renewing');
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    const outcomes = await running.stop();
    t.strictSame([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]));
    t.equal(agent.lines.filter(says('link up')).length, 2, 'the links are the first ones');
    t.equal(agent.lines.filter(says('link down')).length, 0);
    t.equal(agent.lines.filter(says('token renewed')).length, 6);
    saysNothing(t, stage, agent);
  },
);

test(
  'across the end of a token a new link is made before the old one breaks, and no request is lost',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    // A source that never says that there is a fresh token, as a file that is written too late: only dials find it.
    const url = `${stage.proxy.url}${agentPath}`;
    const target = {
      url,
      ask: { backend: 'default', hosts: [], paths: [] },
      userAgent: 'test',
      ca: undefined,
    };
    const pool = new BackendPool({
      dialer: createBackendDialer({ kind: 'tcp', host: '127.0.0.1', port: stage.backend }, undefined),
      connectTimeoutMs: 5_000,
      poolSize: 16,
      idleTimeoutMs: 5_000,
      onFailure: ({ code }) => t.fail(`the backend failed: ${code}`),
    });
    const connector = new Connector({
      links: 2,
      hello: {
        kind: 'hello',
        version: '1',
        instance: 'one',
        backend: 'default',
        hosts: [],
        paths: [],
        options: {},
      },
      log: createLog({ name: 'agent', level: 'error', format: 'json' }),
      tokens: { ...fixedToken(''), take: () => stage.token({ ttlMs: 2_000 }) },
      dial: (token, signal) =>
        dialProxy({ ...target, forwardProxy: undefined, noForwardProxy: [] }, token, signal),
      serve: (stream) => pool.serve(stream),
    });
    connector.start();
    const { program } = stage.proxy;
    await program.line(says('agent connected'));
    const running = load(stage);
    let from = 0;
    for (let ends = 0; ends < 6; ends += 1) {
      const line = await program.line(says('token expired'), from, 20_000);
      from = program.lines.indexOf(line, from) + 1;
    }
    // Those that were replaced are gone as well, and the load has seen it.
    await program.line(says('agent disconnected'), from);
    const outcomes = await running.stop();
    await connector.stop(AbortSignal.abort());
    pool.close();
    t.strictSame([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]));
    t.comment(
      `${outcomes.get('200') ?? 0} requests across ${program.lines.filter(says('token expired')).length} ends`,
    );
  },
);

test(
  'a token that ends closes its links with 1008: what is open has its grace, what is new is told',
  productOnly,
  async (t) => {
    const stage = await setStage(t, { DRAIN_TIMEOUT: '3s', QUEUE_TIMEOUT: '100ms' }, (request, response) => {
      if (request.url === '/long') setTimeout(() => response.end('whole'), 3_000);
      else if (request.url === '/endless') response.write('begun');
      else response.end('ok');
    });
    const agent = stage.agent(await stage.token({ ttlMs: 2_000 }), { LINKS: '1' });
    await linksUp(agent, 1);
    const { program } = stage.proxy;
    const endless = ask(stage.proxy.port, '/endless').then(
      () => 'ended',
      () => 'reset',
    );
    const long = stage.get('/long');
    await program.line(says('token expired'));
    t.equal((await stage.get()).status, 503, 'nothing new is served');
    const refused = await agent.line(says('refused by the proxy'));
    t.match(refused, { status: 401, reason: /has expired/ });
    const { status, body } = await long;
    t.strictSame([status, body], [200, 'whole'], 'what was open and ended within the grace is whole');
    t.match(await agent.line(says('link down')), { code: 1008, reason: 'token_expired' });
    t.equal(await endless, 'reset', 'what did not is reset, and never looks complete');
    saysNothing(t, stage, agent);
  },
);

test(
  'a fresh token must allow what the link serves; one that does not changes nothing',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const path = join(t.testdir(), 'token');
    writeFileSync(path, await stage.token({ ttlMs: 60_000, subject: 'first', hosts: ['a.test', 'b.test'] }));
    const agent = stage.agent('', { TOKEN_FILE: path, LINKS: '1' });
    await linksUp(agent, 1);
    const rows = [
      [await stage.token({ ttlMs: 60_000, backends: ['other'] }), /does not grant the backend default/],
      [await stage.token({ ttlMs: 60_000, hosts: ['a.test'] }), /does not grant the host b\.test/],
      [await stage.token({ ttlMs: 60_000, hosts: ['*.test'], paths: ['/a'] }), /does not grant the path \//],
      [await stage.token({ ttlMs: 60_000, nowMs: 0 }), /has expired/],
      ['not.a.token', /not a JWT/],
    ] as const;
    let from = 0;
    for (const [token, why] of rows) {
      writeFileSync(path, token);
      const line = await agent.line(says('renewal refused by the proxy'), from);
      from = agent.lines.indexOf(line) + 1;
      t.match(String(line['reason']), why);
    }
    writeFileSync(
      path,
      await stage.token({ ttlMs: 90_000, subject: 'last', hosts: ['*.test', 'a.test', 'b.test'] }),
    );
    await agent.line(says('token renewed'));
    t.match(await stage.proxy.program.line(says('agent renewed its token')), { subject: 'last' });
    t.equal(agent.lines.filter(says('link down')).length, 0);
    saysNothing(t, stage, agent);
  },
);

test(
  'an agent that was refused for its token dials with the fresh one as soon as it is there',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const path = join(t.testdir(), 'token');
    writeFileSync(path, await stage.token({ ttlMs: 1_000, nowMs: Date.now() - 60_000 }));
    const agent = stage.agent('', { TOKEN_FILE: path });
    await agent.line(says('refused by the proxy'));
    writeFileSync(path, await stage.token({ ttlMs: 60_000 }));
    // The pause after such a refusal alone would be 15 s or more.
    await linksUp(agent, 2, 0, 8_000);
    t.equal((await stage.get()).status, 200);
  },
);

test(
  'a token names how many links it may hold for a backend, whoever dials with it',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const subject = 'two at the most';
    const first = stage.agent(await stage.token({ ttlMs: 60_000, links: 2, subject }), { LINKS: '2' });
    await linksUp(first, 2);
    const second = stage.agent(await stage.token({ ttlMs: 60_000, links: 2, subject }), { LINKS: '1' });
    t.match(await second.line(says('refused by the proxy')), { status: 429, reason: /allows 2 links/ });
    const other = stage.agent(await stage.token({ ttlMs: 60_000, links: 1, subject: 'another' }), {
      LINKS: '1',
    });
    await linksUp(other, 1);
    const ofJti = stage.agent(await stage.token({ ttlMs: 60_000, links: 1 }), { LINKS: '2' });
    await linksUp(ofJti, 1);
    t.match(await ofJti.line(says('refused by the proxy')), { status: 429 });
    t.equal(ofJti.lines.filter(says('link up')).length, 1);
  },
);
