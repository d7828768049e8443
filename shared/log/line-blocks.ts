/**
 * Lines that wait to be written, as bytes in blocks of memory that go round: lines come by the thousand a second, and as strings
 * each of them would live until it is written, and be collected at the price of what has lived. It knows no file.
 */

/** Holds the lines that are gathered for one write; a longer line has a block of its own. */
const blockBytes = 64 * 1024;
/** Of UTF-8 for one UTF-16 unit. */
const mostBytesPerUnit = 3;

export class LineBlocks {
  /** The oldest first; the last one is `#block`, while it has room. */
  #full: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;
  #waitingBytes = 0;
  #spare: Buffer | undefined;

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(line: string): void {
    const mostBytes = line.length * mostBytesPerUnit;
    if (mostBytes > blockBytes) {
      this.#close();
      const bytes = Buffer.from(line);
      this.#full.push(bytes);
      this.#waitingBytes += bytes.length;
      return;
    }
    if (this.#block !== undefined && blockBytes - this.#used < mostBytes) this.#close();
    const block = this.#block ?? this.#takeSpare();
    this.#block = block;
    const bytes = block.write(line, this.#used);
    this.#used += bytes;
    this.#waitingBytes += bytes;
  }

  /** The first bytes that wait: they wait no longer. Undefined: nothing waits. */
  take(): Buffer | undefined {
    if (this.#full.length === 0) this.#close();
    const bytes = this.#full.shift();
    this.#waitingBytes -= bytes?.length ?? 0;
    return bytes;
  }

  /** What was taken is written: its memory may be used again. */
  giveBack(bytes: Buffer): void {
    if (bytes.buffer.byteLength === blockBytes) this.#spare = Buffer.from(bytes.buffer);
  }

  #takeSpare(): Buffer {
    const spare = this.#spare ?? Buffer.allocUnsafeSlow(blockBytes);
    this.#spare = undefined;
    return spare;
  }

  #close(): void {
    if (this.#block === undefined) return;
    this.#full.push(this.#block.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }
}
