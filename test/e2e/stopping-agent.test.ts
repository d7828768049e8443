/**
 * An agent that stops says so on each of its links, and one of them may be heard late: from the first word on, requests go to
 * other agents, or wait for one, and not to a link that will refuse them. The agents here are links in the test's hand.
 */
import { t as file, test, type Test } from 'tap';
import { dialProxy } from '../../agent/connector/dial.ts';
import { ProxyLink } from '../../agent/connector/proxy-link.ts';
import { agentPath } from '../../shared/protocol/ask.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Recorder } from '../mux/recorder.ts';
import { readResponse, value } from './support/message.ts';
import { says } from './support/program.ts';
import { createSecret, mintToken, productOnly, type Proxy, startProxy } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const secret = createSecret();
const token = await mintToken(file, secret, ['--backend', 'default']);
const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved');

interface Hand {
  readonly link: ProxyLink;
  served: number;
}

/** A link of the agent with that instance, up, which answers whatever it is asked. */
async function linkOf(t: Test, proxy: Proxy, instance: string): Promise<Hand> {
  const ask = { backend: 'default', hosts: [], paths: [] };
  const rest = { userAgent: 'test', ca: undefined, forwardProxy: undefined, noForwardProxy: [] };
  const target = { url: `${proxy.url}${agentPath}`, ask, ...rest };
  const socket = await dialProxy(target, token, AbortSignal.timeout(10_000));
  const hello = { kind: 'hello', version: '1.2.3', instance, ...ask, options: {} } as const;
  const user = new Recorder();
  const hand: Hand = {
    served: 0,
    link: new ProxyLink(socket, {
      hello,
      serve: (stream: MuxStream) => {
        hand.served += 1;
        user.onStream(stream);
        stream.write(answer);
      },
    }),
  };
  t.teardown(() => hand.link.close('the test is over'));
  await hand.link.up;
  return hand;
}

async function asks(t: Test, proxy: Proxy): Promise<{ status: number; code: string | undefined }> {
  const client = await dial(t, proxy);
  client.write('POST /x HTTP/1.1\r\nHost: stopping.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  const message = await readResponse(client);
  return { status: message.status, code: /details="(\w+)"/.exec(value(message, 'proxy-status') ?? '')?.[1] };
}

test('what it says on one link counts for all of its links, and for nobody else', productOnly, async (t) => {
  const proxy = await startProxy(t, { secret, env: { QUEUE_TIMEOUT: '0s' } });
  const [first, second] = [await linkOf(t, proxy, 'a'), await linkOf(t, proxy, 'a')];
  t.equal((await asks(t, proxy)).status, 200);
  first.link.tell({ kind: 'health', serving: false, why: 'the agent stops', stopping: true });
  await proxy.program.line(says('agent stops'));
  const before = first.served + second.served;
  t.strictSame(await asks(t, proxy), { status: 503, code: 'agent_offline' });
  t.equal(first.served + second.served, before, 'the other link was not asked');
  const other = await linkOf(t, proxy, 'b');
  for (let count = 1; count <= 4; count += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    t.equal((await asks(t, proxy)).status, 200);
    t.equal(other.served, count, 'the other agent serves');
  }
});
