/** What both ends of the load know without asking each other: the bytes that belong to a seed, the answer to a question. */
import { createHash } from 'node:crypto';

/** That many bytes, of which no two places look alike; the same for the same seed. */
export function bytesOf(seed: string, count: number): Buffer {
  return count === 0
    ? Buffer.alloc(0)
    : createHash('shake256', { outputLength: count }).update(seed).digest();
}

/** The one right answer to a small request: from 64 bytes to 4 KiB of text. */
export function answerTo(nonce: string, body: Uint8Array): string {
  const hash = createHash('sha256').update(nonce).update(body).digest();
  return hash.toString('hex').repeat(1 + ((hash[0] ?? 0) & 63));
}

export function sumOf(bytes: Uint8Array): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** An event of a stream as it stands on the wire. */
export function eventOf(number: number): string {
  return `id: ${number}\ndata: event number ${number}\n\n`;
}

/** The event that says that there are no more. */
export const lastEvent = 'event: end\ndata:\n\n';
