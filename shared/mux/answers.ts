/**
 * The frames a session owes its peer on behalf of no stream: ACKs of pings and RSTs of refused SYNs. The peer alone decides how
 * many it provokes, so their number is bounded here; reaching the bound is a flood. It does not know what happens then.
 */
import { resetCode } from './codes.ts';
import { frameFlag, frameType, writeHeader } from './frame.ts';

/**
 * A peer that reads keeps this near zero; so many that wait mean that it only provokes. They always fit one output (12 KiB of 16),
 * with room for the GoAway and the ping before them.
 */
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

  /** Writes all of them; returns where they end. */
  write(into: Uint8Array, at: number): number {
    let end = at;
    for (const value of this.#pingValues) {
      end = writeHeader(into, end, frameType.ping, frameFlag.ack, 0, value);
    }
    for (const id of this.#refusedIds) {
      end = writeHeader(into, end, frameType.windowUpdate, frameFlag.rst, id, resetCode.refused);
    }
    this.#pingValues.length = 0;
    this.#refusedIds.length = 0;
    return end;
  }
}
