/**
 * The frames a session owes its peer on behalf of no stream: ACKs of pings and RSTs of refused SYNs. The peer alone decides how
 * many it provokes, so their number is bounded here; reaching the bound is a flood. It does not know what happens then.
 */
import { resetCode } from './codes.ts';
import { frameFlag, frameType, headerBytes, writeHeader } from './frame.ts';

/** A peer that reads keeps this near zero; 1,024 waiting answers (12 KiB) mean that it only provokes. */
const maxWaiting = 1_024;

export class Answers {
  readonly #pingValues: number[] = [];
  readonly #refusedIds: number[] = [];

  get size(): number {
    return this.#pingValues.length + this.#refusedIds.length;
  }

  /** False: there are too many already. */
  acknowledgePing(value: number): boolean {
    if (this.size >= maxWaiting) return false;
    this.#pingValues.push(value);
    return true;
  }

  /** False: there are too many already. */
  refuse(id: number): boolean {
    if (this.size >= maxWaiting) return false;
    this.#refusedIds.push(id);
    return true;
  }

  /** Writes as many as fit; returns where they end. */
  write(into: Uint8Array, at: number): number {
    let end = at;
    const pings = Math.min(this.#pingValues.length, framesThatFit(into, end));
    for (let i = 0; i < pings; i++) {
      end = writeHeader(into, end, frameType.ping, frameFlag.ack, 0, this.#pingValues[i] ?? 0);
    }
    this.#pingValues.splice(0, pings);
    const refusals = Math.min(this.#refusedIds.length, framesThatFit(into, end));
    for (let i = 0; i < refusals; i++) {
      const id = this.#refusedIds[i] ?? 0;
      end = writeHeader(into, end, frameType.windowUpdate, frameFlag.rst, id, resetCode.refused);
    }
    this.#refusedIds.splice(0, refusals);
    return end;
  }
}

function framesThatFit(into: Uint8Array, at: number): number {
  return Math.floor((into.length - at) / headerBytes);
}
