/**
 * Opens WebSockets, says so, and holds them until it is stopped.
 * `node websocket-idle.ts URL COUNT`
 */
import { openWebSockets } from './websockets.ts';

const [url = '', count = ''] = process.argv.slice(2);
const sockets = await openWebSockets(new URL(url), Number(count));
for (const socket of sockets) {
  socket.on('close', () => {
    throw new Error('an idle WebSocket was closed');
  });
}
process.stdout.write(`{"open":${sockets.length}}\n`);
