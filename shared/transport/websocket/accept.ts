/** The proxy's end of the handshake: an upgrade that has been judged already becomes a WebSocket. */
import type { Socket } from 'node:net';
import { answerUpgrade } from './handshake.ts';
import type { UpgradeRequest } from './handshake.ts';
import { WebSocket } from './web-socket.ts';
import type { LinkSocket } from './link-socket.ts';

/** Undefined: the handshake itself is not RFC 6455, and the peer has been told so. @param held what came behind the head */
export function acceptWebSocket(
  request: UpgradeRequest,
  subprotocol: string,
  socket: Socket,
  held: Uint8Array,
): LinkSocket | undefined {
  const { isAccepted, head } = answerUpgrade(request, subprotocol);
  if (!isAccepted) {
    socket.once('finish', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.end(head, 'latin1');
    return undefined;
  }
  socket.write(head, 'latin1');
  return { webSocket: new WebSocket(socket, 'none', held), socket };
}
