/** An agent with a good token that says more than anybody has to say. */
import { test } from 'tap';
import { ControlRate } from '../../proxy/gateway/control-rate.ts';
import { agentPath, agentSubprotocol } from '../../shared/protocol/ask.ts';
import { dialWebSocket } from '../../shared/transport/websocket/dial.ts';
import { says } from '../e2e/support/program.ts';
import { linksUp, productOnly } from '../e2e/support/tunnel.ts';
import { setStage } from './support/stage.ts';

test('so many at once, and then as many as time brings', (t) => {
  let nowMs = 0;
  const rate = new ControlRate(() => nowMs);
  const taken = (): number => {
    let count = 0;
    while (rate.take()) count += 1;
    return count;
  };
  t.equal(taken(), 200);
  nowMs += 1_000;
  t.equal(taken(), 20);
  nowMs += 3_600_000;
  t.equal(taken(), 200);
  t.end();
});

test(
  'a flood of renewals is a few lines of the log and the end of its link, and of no other',
  productOnly,
  async (t) => {
    const stage = await setStage(t);
    const token = await stage.token({ ttlMs: 60_000, backends: ['default', 'flood'] });
    const agent = stage.agent(token, { LINKS: '1' });
    await linksUp(agent, 1);
    const { webSocket, socket } = await dialWebSocket({
      url: `${stage.proxy.url}${agentPath}?backend=flood&host=flood.test`,
      subprotocol: agentSubprotocol,
      token: await stage.token({ ttlMs: 60_000, backends: ['flood'], hosts: ['flood.test'] }),
      userAgent: 'test',
      signal: AbortSignal.timeout(5_000),
    });
    t.teardown(() => socket.destroy());
    const { promise: closed, resolve } = Promise.withResolvers<string>();
    let answers = 0;
    webSocket.listen({
      onRead: () => undefined,
      onBinary: () => undefined,
      onText: () => void (answers += 1),
      onClose: (code, reason) => resolve(`${code} ${reason}`),
    });
    const hello = { kind: 'hello', version: '1', instance: 'i', backend: 'flood', hosts: [], paths: [] };
    webSocket.sendText(JSON.stringify({ ...hello, options: {} }));
    const renew = JSON.stringify({ kind: 'renew', token: 'no token' });
    for (let n = 0; n < 2_000 && webSocket.isOpen; n += 1) {
      webSocket.sendText(renew);
      // oxlint-disable-next-line no-await-in-loop -- each by itself, so that each is judged
      await new Promise((next) => setImmediate(next));
    }
    t.equal(await closed, '1008 too_many_messages');
    const refused = stage.proxy.program.lines.filter(says('renewal refused')).length;
    t.ok(refused > 0 && refused <= 250, `${refused} lines`);
    t.ok(answers <= 251, `${answers} answers`);
    t.equal((await stage.get()).status, 200);
  },
);
