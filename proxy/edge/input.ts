/**
 * The bytes a client has sent and nobody has read yet: usually one read of the socket, seldom two joined. It
 * holds at most one socket read (64 KiB) beyond `maxPipelinedBytes`, because what node has read cannot be unread.
 */
const nothing = new Uint8Array(0);

export class Input {
  bytes: Uint8Array = nothing;
  offset = 0;

  get length(): number {
    return this.bytes.length - this.offset;
  }

  get isEmpty(): boolean {
    return this.offset === this.bytes.length;
  }

  append(chunk: Uint8Array): void {
    this.bytes = this.isEmpty ? chunk : Buffer.concat([this.bytes.subarray(this.offset), chunk]);
    this.offset = 0;
  }

  /** Takes all that is left. */
  take(): Uint8Array {
    const rest = this.isEmpty ? nothing : this.bytes.subarray(this.offset);
    this.clear();
    return rest;
  }

  clear(): void {
    this.bytes = nothing;
    this.offset = 0;
  }
}
