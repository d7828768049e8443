/** A WebSocket together with the socket under it, because back-pressure is read there. */
import type { Socket } from 'node:net';
import type { WebSocket } from './web-socket.ts';

export interface LinkSocket {
  readonly webSocket: WebSocket;
  /** TCP or TLS; paused until the WebSocket is listened to. */
  readonly socket: Socket;
}
