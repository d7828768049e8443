/**
 * A backend that notes every request it gets under the address of its client, whole or cut short, and answers each with a
 * body that says which request it answers. It accepts an upgrade and echoes what follows. It reads with the tests' own
 * parser, not with the product's.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { listen } from '../e2e/support/listen.ts';
import { ChunkedBody, readHead, value, type Head } from '../e2e/support/message.ts';
import { Wire } from '../e2e/support/wire.ts';

export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Decoded; empty as long as it is not complete. */
  readonly body: string;
  readonly isComplete: boolean;
}

/** The body of the answer to a request. */
export function tagOf(address: string, seen: Pick<Seen, 'method' | 'target' | 'body'>): string {
  return `${address} ${seen.method} ${seen.target} ${seen.body}`;
}

interface Note {
  readonly method: string;
  readonly target: string;
  body: string;
  isComplete: boolean;
}

export class TaggingBackend {
  readonly port: number;
  readonly #notes: Map<string, Note[]>;
  readonly #open: Set<Promise<void>>;

  private constructor(port: number, notes: Map<string, Note[]>, open: Set<Promise<void>>) {
    this.port = port;
    this.#notes = notes;
    this.#open = open;
  }

  static async listen(t: Test): Promise<TaggingBackend> {
    const notes = new Map<string, Note[]>();
    const open = new Set<Promise<void>>();
    const wires = new Set<Wire>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const wire = new Wire(socket);
      wires.add(wire);
      socket.once('close', () => wires.delete(wire));
      void serve(wire, notes, open);
    });
    const port = await listen(server);
    t.teardown(() => {
      for (const wire of wires) wire.socket.destroy();
      server.close();
    });
    return new TaggingBackend(port, notes, open);
  }

  /** What has come from a client, in order. */
  seenFrom(address: string): readonly Seen[] {
    return this.#notes.get(address) ?? [];
  }

  /** Resolves when no request is on its way: each is complete, or its connection was lost. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }
}

async function serve(wire: Wire, notes: Map<string, Note[]>, open: Set<Promise<void>>): Promise<void> {
  try {
    for (;;) {
      // An idle pooled connection waits here for as long as the whole file runs.
      const head = await readHead(wire, 600_000);
      const [method = '', target = ''] = head.startLine.split(' ');
      const note: Note = { method, target, body: '', isComplete: false };
      const address = value(head, 'x-forwarded-for') ?? '';
      notes.set(address, [...(notes.get(address) ?? []), note]);
      const over = Promise.withResolvers<void>();
      open.add(over.promise);
      try {
        note.body = await readBody(wire, head);
        note.isComplete = true;
      } finally {
        open.delete(over.promise);
        over.resolve();
      }
      if (value(head, 'upgrade') !== undefined) return await echo(wire);
      const tag = Buffer.from(tagOf(address, note), 'latin1');
      wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${tag.length}\r\n\r\n`);
      wire.write(tag);
    }
  } catch {
    // The connection is over: an ordinary end of a pooled one, or a request cut short, which its note says.
    wire.socket.destroy();
  }
}

async function readBody(wire: Wire, head: Head): Promise<string> {
  if (value(head, 'transfer-encoding') !== undefined) {
    return (await new ChunkedBody(wire).rest(600_000)).bytes.toString('latin1');
  }
  const length = Number(value(head, 'content-length') ?? '0');
  return length === 0 ? '' : (await wire.take(length, 600_000)).toString('latin1');
}

async function echo(wire: Wire): Promise<void> {
  wire.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  for (;;) wire.write(await wire.some(600_000));
}
