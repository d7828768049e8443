/** A fresh token, wherever the agent's links are in their lives when it comes. */
import { test } from 'tap';
import { TokenUnavailable } from '../../agent/token/token-source.ts';
import type { TokenSource } from '../../agent/token/token-source.ts';
import { until } from '../transport/until.ts';
import { connect, pauseMs } from './connecting.ts';
import { StubProxy } from './stub-proxy.ts';

class Tokens implements TokenSource {
  current: string | TokenUnavailable = 'token 1';
  refusals = 0;
  #onFresh: ((token: string) => void) | undefined;

  async take(): Promise<string> {
    if (this.current instanceof TokenUnavailable) throw this.current;
    return this.current;
  }

  start(onFresh: (token: string) => void): void {
    this.#onFresh = onFresh;
  }

  stop(): void {
    this.#onFresh = undefined;
  }

  refused(): void {
    this.refusals += 1;
  }

  bring(token: string): void {
    this.current = token;
    this.#onFresh?.(token);
  }
}

const renewal = (token: string): RegExp => new RegExp(`^control .*"kind":"renew","token":"${token}"`, 'u');

test('living links are renewed by it, and the links to come are dialled with it', async (t) => {
  const proxy = await StubProxy.listen(t);
  const tokens = new Tokens();
  const connecting = connect(t, proxy, { tokens, links: 2 });
  await until('both are up', () => connecting.logged(/^link up/) === 2);
  tokens.bring('token 2');
  const sides = await Promise.all([proxy.side(1), proxy.side(2)]);
  await Promise.all(sides.map((side) => side.event(renewal('token 2'))));
  sides[0].link.sendControl('{"kind":"renewed","accepted":true}');
  await until('it is told', () => connecting.lines.includes('token renewed'));
  sides[1].link.sendControl('{"kind":"renewed","accepted":false,"why":"because"}');
  await until('it is told', () => connecting.lines.includes('renewal refused by the proxy reason=because'));
  t.equal(connecting.logged(/^link down/), 0, 'which ends nothing');
  sides[0].link.close(1012, 'because');
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  connecting.clock.advance(250);
  await proxy.side(3);
  t.equal(proxy.asked[2]?.authorization, 'Bearer token 2');
});

test('a proxy that answers what was not asked fills no log', async (t) => {
  const proxy = await StubProxy.listen(t);
  const tokens = new Tokens();
  const connecting = connect(t, proxy, { tokens });
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  tokens.bring('token 2');
  const side = await proxy.side(1);
  await side.event(renewal('token 2'));
  for (let n = 0; n < 100; n += 1)
    side.link.sendControl('{"kind":"renewed","accepted":false,"why":"because"}');
  side.link.close(1012, 'because');
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  t.equal(connecting.logged(/^renewal refused/), 1);
});

test('one that comes while a link is dialled with the one before is sent on that link', async (t) => {
  const proxy = await StubProxy.listen(t);
  const tokens = new Tokens();
  const connecting = connect(t, proxy, { tokens });
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  tokens.bring('token 2');
  // As a source that gives an older one to a dial which began before.
  tokens.current = 'token 1';
  const side = await proxy.side(1);
  side.link.close(1012, 'because');
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  connecting.clock.advance(250);
  await (await proxy.side(2)).event(renewal('token 2'));
  t.equal(proxy.asked[1]?.authorization, 'Bearer token 1');
});

test('whoever waits after a refusal dials at once with the fresh one', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.refusal = { status: 401, reason: 'expired' };
  const tokens = new Tokens();
  const connecting = connect(t, proxy, { tokens });
  t.equal(await pauseMs(connecting, 1), 22_500);
  t.equal(tokens.refusals, 1, 'the source hears of it');
  proxy.refusal = undefined;
  tokens.bring('token 2');
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  t.equal(proxy.asked[1]?.authorization, 'Bearer token 2');
});

test('without a token nothing is dialled, and the agent tries again for ever', async (t) => {
  const proxy = await StubProxy.listen(t);
  const tokens = new Tokens();
  tokens.current = new TokenUnavailable('the provider is away');
  const connecting = connect(t, proxy, { tokens });
  for (const ceilingMs of [250, 500, 1_000]) {
    const { length } = connecting.lines;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await until('a pause', () => connecting.clock.waitingCount === 1 && connecting.lines.length > length - 1);
    connecting.clock.advance(ceilingMs);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await until('another try', () => connecting.lines.length > length);
  }
  t.equal(proxy.asked.length, 0);
  t.ok(
    connecting.lines.every((line) => line.startsWith('no token to dial with reason=the provider is away')),
  );
  tokens.current = 'token 1';
  connecting.clock.advance(15_000);
  await until('it is up', () => connecting.logged(/^link up/) === 1);
});
