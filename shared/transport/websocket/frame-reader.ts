/**
 * Reads the frames of one end of a WebSocket (RFC 6455 §5) out of its bytes, cut anywhere. Binary payload is handed on as
 * it comes, unmasked in place and copied nowhere; text is short and comes whole. It knows no socket and answers nothing.
 */
import { TunnelError } from '../../errors/tunnel-error.ts';
import { applyMask, eightByteLength, finalBit, isCloseCode, longestShortPayload } from './frame.ts';
import { maskBit, maskBytes, opcode, twoByteLength } from './frame.ts';
import { Gathering } from './gathering.ts';

export interface FrameHandler {
  /** Some bytes of binary messages, in order: where a message begins or ends is not told. They are the receiver's to keep. */
  onBinary(bytes: Uint8Array): void;
  onText(text: string): void;
  onPing(payload: Uint8Array): void;
  /** 1005 where the peer gave no code. Nothing is read behind it. */
  onClose(code: number, reason: string): void;
}

export type FrameViolationCode =
  | 'reserved_bits'
  | 'unknown_opcode'
  | 'wrong_mask'
  | 'wrong_fragment'
  | 'long_control_frame'
  | 'impossible_length'
  | 'message_too_large'
  | 'bad_close'
  | 'bad_utf8';

/** The peer broke RFC 6455, or a bound of ours; `closeCode` is what it is told (§7.4.1). */
export class FrameViolation extends TunnelError<FrameViolationCode, { readonly closeCode: number }> {}

/** Text is control, small JSON objects; a hello with 64 names of 255 characters is under 20 KiB. */
const maxTextBytes = 256 * 1024;
/** A message of ours is under 64 KiB. Nothing is held of a larger one, but nobody has a reason to send it. */
const maxMessageBytes = 1024 * 1024;
const mostHeadBytes = 14;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #isMasked: boolean;
  readonly #head = new Uint8Array(mostHeadBytes);
  #headFilled = 0;
  readonly #mask = new Uint8Array(maskBytes);
  #hasMask = false;
  /** Of the frame whose payload is being read. */
  #opcode = -1;
  #isFinal = false;
  #payloadBytes = 0;
  #payloadRead = 0;
  /** The kind of the message that is not complete yet; -1: none. */
  #message = -1;
  #messageBytes = 0;
  readonly #text = new Gathering();
  /** Of a control frame, which may come between two fragments of text (§5.4). */
  readonly #control = new Gathering();
  #isOver = false;

  /** @param peer who sends: a client masks, a server does not (§5.1) */
  constructor(peer: 'client' | 'server', handler: FrameHandler) {
    this.#isMasked = peer === 'client';
    this.#handler = handler;
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#isOver = true;
  }

  /** The bytes are altered. @throws FrameViolation, and nothing is read any more */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#opcode === -1) {
        at = this.#readHead(bytes, at);
        if (this.#opcode !== -1 && this.#payloadBytes === 0) this.#endFrame();
        continue;
      }
      const end = Math.min(bytes.length, at + this.#payloadBytes - this.#payloadRead);
      const piece = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end);
      if (this.#hasMask) applyMask(piece, this.#mask, this.#payloadRead);
      this.#payloadRead += piece.length;
      at = end;
      const isEnd = this.#payloadRead === this.#payloadBytes;
      if (this.#opcode >= opcode.close) this.#control.add(piece);
      else if (this.#message === opcode.text) this.#text.add(piece);
      else this.#handler.onBinary(piece);
      if (isEnd) this.#endFrame();
    }
  }

  /** Takes what it needs of the head; gives where the payload begins, or the end where the head does not. */
  #readHead(bytes: Uint8Array, from: number): number {
    let at = this.#fillHead(bytes, from, 2);
    if (this.#headFilled < 2) return at;
    // Before its length is waited for: rubbish is refused by its first two bytes.
    this.#judgeStart();
    at = this.#fillHead(bytes, at, this.#headBytes());
    if (this.#headFilled === this.#headBytes()) this.#judgeHead();
    return at;
  }

  #fillHead(bytes: Uint8Array, from: number, toBytes: number): number {
    let at = from;
    while (this.#headFilled < toBytes && at < bytes.length) this.#head[this.#headFilled++] = bytes[at++]!;
    return at;
  }

  /** Its first two bytes are there. */
  #headBytes(): number {
    const short = this.#head[1]! & ~maskBit;
    const lengthBytes = short === twoByteLength ? 2 : short === eightByteLength ? 8 : 0;
    return 2 + lengthBytes + (this.#isMasked ? maskBytes : 0);
  }

  #judgeStart(): void {
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    if ((first & 0x70) !== 0) this.#fail('reserved_bits', 1002);
    if (((second & maskBit) !== 0) !== this.#isMasked) this.#fail('wrong_mask', 1002);
    const code = first & 0x0f;
    const isFinal = (first & finalBit) !== 0;
    if (code > opcode.pong || (code > opcode.binary && code < opcode.close))
      this.#fail('unknown_opcode', 1002);
    if (code >= opcode.close) {
      if (!isFinal) this.#fail('wrong_fragment', 1002);
      if ((second & ~maskBit) > longestShortPayload) this.#fail('long_control_frame', 1002);
    } else if ((code === opcode.continuation) === (this.#message === -1)) {
      this.#fail('wrong_fragment', 1002);
    }
  }

  #judgeHead(): void {
    const head = this.#head;
    const code = head[0]! & 0x0f;
    const length = this.#readLength(head[1]! & ~maskBit);
    if (code < opcode.close) this.#judgeSize(code, length);
    if (this.#isMasked) this.#mask.set(head.subarray(this.#headFilled - maskBytes, this.#headFilled));
    this.#hasMask = this.#isMasked && this.#mask.some((byte) => byte !== 0);
    this.#isFinal = (head[0]! & finalBit) !== 0;
    this.#opcode = code;
    this.#payloadBytes = length;
    this.#payloadRead = 0;
    this.#headFilled = 0;
  }

  #readLength(short: number): number {
    const head = this.#head;
    if (short < twoByteLength) return short;
    const bytes = short === twoByteLength ? 2 : 8;
    // §5.2: the most significant bit of eight bytes is 0.
    if (bytes === 8 && head[2]! >= 0x80) this.#fail('impossible_length', 1002);
    let length = 0;
    for (let i = 0; i < bytes; i += 1) length = length * 256 + head[2 + i]!;
    return length;
  }

  #judgeSize(code: number, length: number): void {
    if (code !== opcode.continuation) {
      this.#message = code;
      this.#messageBytes = 0;
    }
    this.#messageBytes += length;
    const most = this.#message === opcode.text ? maxTextBytes : maxMessageBytes;
    if (this.#messageBytes > most) this.#fail('message_too_large', 1009);
  }

  #endFrame(): void {
    const code = this.#opcode;
    this.#opcode = -1;
    if (code >= opcode.close) {
      this.#endControl(code, this.#control.take());
      return;
    }
    if (!this.#isFinal) return;
    const kind = this.#message;
    this.#message = -1;
    if (kind === opcode.text) this.#handler.onText(this.#decode(this.#text.take()));
  }

  #endControl(code: number, payload: Uint8Array): void {
    if (code === opcode.ping) this.#handler.onPing(payload);
    if (code !== opcode.close) return;
    this.#isOver = true;
    if (payload.length === 0) {
      this.#handler.onClose(1005, '');
      return;
    }
    const closeCode = payload.length === 1 ? 0 : payload[0]! * 256 + payload[1]!;
    if (!isCloseCode(closeCode)) this.#fail('bad_close', 1002);
    this.#handler.onClose(closeCode, this.#decode(payload.subarray(2)));
  }

  #decode(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      return this.#fail('bad_utf8', 1007, cause);
    }
  }

  #fail(code: FrameViolationCode, closeCode: number, cause?: unknown): never {
    this.#isOver = true;
    const answer = { closeCode };
    throw new FrameViolation(`the peer's WebSocket frame is refused: ${code}`, {
      code,
      scope: 'link',
      initiator: 'remote',
      answer,
      cause,
    });
  }
}
