/** Opens WebSockets on raw sockets, for the programs of the load. It knows no frames. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Opened at the same time: a burst of thousands would measure the backlog of a socket. */
const atOnce = 32;

/** Resolves when all of them have switched. Rejects where one is refused or breaks. */
export async function openWebSockets(url: URL, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  let begun = 0;
  const openSome = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      // oxlint-disable-next-line no-await-in-loop -- bounded on purpose
      sockets.push(await openWebSocket(url));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, openSome));
  return sockets;
}

async function openWebSocket(url: URL): Promise<Socket> {
  const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true });
  await once(socket, 'connect');
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    // oxlint-disable-next-line no-await-in-loop
    const [bytes]: unknown[] = await once(socket, 'data');
    head += String(bytes);
    if (head.length > 8_192) throw new Error('the answer to an upgrade has no end');
  }
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${head.split('\r\n', 1)[0] ?? ''}`);
  return socket;
}
