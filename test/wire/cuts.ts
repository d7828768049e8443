/**
 * Where messages are cut in two: at every offset with WIRE_WHOLE=1, else at every fourth, each vector beginning one later
 * than the one before it. A cut is a connection or two, and there are 15,000 of them.
 */
import { cutAt } from '../http1/pieces.ts';

export const isWhole = process.env['WIRE_WHOLE'] === '1';
export const offsets = isWhole ? 'every offset' : 'every fourth offset';

/** All of them take 20 s on an idle machine of two cores. */
export const cutsTimeoutMs = 110_000;

export function cutsOf(bytes: Uint8Array, number: number): [label: string, pieces: Uint8Array[]][] {
  const step = isWhole ? 1 : 4;
  const cuts: [string, Uint8Array[]][] = [];
  for (let at = 1 + (number % step); at < bytes.length; at += step)
    cuts.push([`cut at ${at}`, cutAt(bytes, at)]);
  return cuts;
}
