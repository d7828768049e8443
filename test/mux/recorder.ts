/** A user of a session that writes down what it is told, as sentences, and consumes at once unless told otherwise. */
import { resetCode, type ResetCode } from '../../shared/mux/codes.ts';
import type { SessionHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';

const resetNames = Object.keys(resetCode);

export class Recorder implements SessionHandler, StreamHandler {
  /** `stream 1`, `data 1 <hex>`, `end 1`, `reset 1 done`, `writable 1`, `goaway 0`, `ids low`. Data that follows data is one sentence. */
  readonly events: string[] = [];
  readonly streams = new Map<number, MuxStream>();
  readonly received = new Map<number, number>();
  outputCalls = 0;
  consumes = true;
  accepts = true;
  /** Called after an event was written down. */
  react: (event: 'stream' | 'data' | 'end' | 'reset' | 'writable', stream: MuxStream) => void = () => {};
  /** Counts only: for bulk. */
  quiet = false;

  onStream(stream: MuxStream): void {
    this.events.push(`stream ${stream.id}`);
    this.streams.set(stream.id, stream);
    if (this.accepts) stream.handler = this;
    this.react('stream', stream);
  }

  onOutput(): void {
    this.outputCalls++;
  }

  onGoAway(code: number): void {
    this.events.push(`goaway ${code}`);
  }

  onIdsLow(): void {
    this.events.push('ids low');
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    this.received.set(stream.id, (this.received.get(stream.id) ?? 0) + bytes.length);
    if (!this.quiet) this.#noteData(stream.id, bytes);
    if (this.consumes) stream.consume(bytes.length);
    this.react('data', stream);
  }

  onEnd(stream: MuxStream): void {
    this.events.push(`end ${stream.id}`);
    this.react('end', stream);
  }

  onReset(stream: MuxStream, code: ResetCode): void {
    this.events.push(`reset ${stream.id} ${resetNames[code]}`);
    this.react('reset', stream);
  }

  onWritable(stream: MuxStream): void {
    if (!this.quiet) this.events.push(`writable ${stream.id}`);
    this.react('writable', stream);
  }

  #noteData(id: number, bytes: Uint8Array): void {
    const last = this.events.length - 1;
    const hex = Buffer.from(bytes).toString('hex');
    if (this.events[last]?.startsWith(`data ${id} `)) this.events[last] += hex;
    else this.events.push(`data ${id} ${hex}`);
  }
}
