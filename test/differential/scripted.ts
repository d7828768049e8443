/** A backend that says exactly the bytes it was given, in pieces, to whoever asks for them. It parses no more than it must. */
import { createServer, type Server, type Socket } from 'node:net';
import { listen } from '../e2e/support/listen.ts';
import { caseOf } from './marker.ts';

export interface Script {
  readonly pieces: readonly Buffer[];
  readonly end: 'keep' | 'fin' | 'reset';
}

export class ScriptedBackend {
  readonly port: number;
  readonly #server: Server;
  readonly #scripts = new Map<number, Script>();
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async listen(): Promise<ScriptedBackend> {
    const server = createServer({ noDelay: true });
    return new ScriptedBackend(server, await listen(server));
  }

  set(id: number, script: Script): void {
    this.#scripts.set(id, script);
  }

  forget(id: number): void {
    this.#scripts.delete(id);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let asked = '';
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      asked += bytes.toString('latin1');
      // The clients send no bodies.
      if (!asked.includes('\r\n\r\n')) return;
      const script = this.#scripts.get(caseOf(asked) ?? -1);
      asked = '';
      if (script === undefined) socket.destroy();
      else say(socket, script, 0);
    });
  }
}

/** A connection that is to end takes no other request: it ends with its last piece. */
function say(socket: Socket, script: Script, index: number): void {
  const piece = script.pieces[index];
  if (piece === undefined) return;
  const isLast = index === script.pieces.length - 1;
  if (isLast && script.end !== 'keep') socket.removeAllListeners('data').resume();
  if (isLast && script.end === 'fin') {
    socket.end(piece);
    return;
  }
  socket.write(piece);
  if (!isLast) setImmediate(() => say(socket, script, index + 1));
  // Behind what was said, as far as the kernel allows.
  else if (script.end === 'reset') setImmediate(() => socket.resetAndDestroy());
}
