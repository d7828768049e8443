/** What the proxy says in one piece with its 101 reaches the link: the upgrade and the first frames may share a packet. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'tap';
import { dialWebSocket } from '../../shared/transport/websocket/dial.ts';
import { listen } from '../e2e/support/listen.ts';
import { LinkSide, subprotocol } from './links.ts';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

test('a stream that the proxy opens in the same packet as its 101 arrives', async (t) => {
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1')
      .update(String(request.headers['sec-websocket-key']) + guid)
      .digest('base64');
    const head =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`;
    const syn = Buffer.from('000000010000000200000005', 'hex');
    const frame = Buffer.concat([Buffer.of(0x82, 17), syn, Buffer.from('hello')]);
    socket.write(Buffer.concat([Buffer.from(head), Buffer.from('81026f6b', 'hex'), frame]));
    t.teardown(() => socket.destroy());
  });
  const port = await listen(server);
  t.teardown(() => server.close());
  const ends = await dialWebSocket({
    url: `ws://127.0.0.1:${port}/`,
    subprotocol,
    token: 'token',
    userAgent: 'test',
    signal: AbortSignal.timeout(5_000),
  });
  const side = new LinkSide(ends, 'client', {});
  await side.stream();
  t.same(side.events, ['control ok']);
  t.same(side.user.events, ['stream 2']);
  t.equal(side.user.received.get(2), 5);
  side.link.terminate();
});
