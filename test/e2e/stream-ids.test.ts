/**
 * Links whose stream ids come to their end: the agent has its next link before the old one is given up, again and again,
 * and no request notices. The proxy runs in this process, so that its ids can begin near their end.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer } from 'node:http';
import { t as file, test } from 'tap';
import { createProxy } from '../../proxy/proxy.ts';
import { loadProxySettings } from '../../proxy/config.ts';
import { ProxyWatch } from '../../proxy/admin/watch.ts';
import { createAgentVerifier } from '../../shared/auth/verifier.ts';
import { createLog } from '../../shared/log/log.ts';
import { listen } from './support/listen.ts';
import { readResponse } from './support/message.ts';
import { says, type LogLine } from './support/program.ts';
import { createSecret, linksUp, mintToken, productOnly, startAgent } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const http = createServer((_request, response) => response.end('ok'));
const port = await listen(http);
file.teardown(() => {
  http.closeAllConnections();
  http.close();
});

test('requests go on over links that are given up after fifty streams each', productOnly, async (t) => {
  const secret = createSecret();
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLog({ name: 'proxy', level: 'info', format: 'json', destination });
  const env = { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', AGENT_SECRET: secret };
  const settings = loadProxySettings({ argv: [], env, readFile: () => '' });
  // Even ids, as the proxy gives them: the last of them is 2^32 - 2.
  const streamIds = { firstStreamId: 2 ** 32 - 2 * 1050, idsLowAt: 2 ** 32 - 2 * 1000 };
  const running = await createProxy({
    settings,
    verifier: createAgentVerifier({ secret }),
    log,
    streamIds,
    watch: new ProxyWatch('0'),
  }).start(new AbortController().signal);
  t.teardown(() => running.stop(AbortSignal.timeout(0)));
  const listening = lines.find(says('listening'));
  const target = { host: '127.0.0.1', port: Number(listening?.['port']) };
  const token = await mintToken(t, secret, ['--backend', 'default']);
  const proxy = { url: `ws://127.0.0.1:${target.port}` };
  const agent = startAgent(t, { proxy, token, backend: port, env: { LINKS: '1' } });
  await linksUp(agent, 1);

  const client = await dial(t, target);
  const connected = (): number => lines.filter(says('agent connected')).length;
  // A thousand ids are left when the next link is dialled: for more than the time that takes.
  for (let i = 0; i < 3000 && connected() < 3; i += 1) {
    client.write('GET / HTTP/1.1\r\nHost: ids.test\r\n\r\n');
    const { status } = await readResponse(client);
    if (status === 200) continue;
    t.fail(`request ${i} was answered with ${status}`);
    break;
  }
  t.equal(connected(), 3, 'two links were given up for a next one');
  t.ok(
    lines.filter(says('agent disconnected')).every((line) => line['code'] === 1000),
    'each ended in order',
  );
});
