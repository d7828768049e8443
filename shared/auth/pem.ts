/** Finds the blocks of a PEM text (RFC 7468) and what each says it is. It reads no key. */

export interface PemBlock {
  /** `PUBLIC KEY`, `CERTIFICATE`, `EC PRIVATE KEY`. */
  readonly label: string;
  /** The block whole, fit for node:crypto. */
  readonly text: string;
}

const begin = '-----BEGIN ';
const dashes = '-----';

/** In order; what stands between blocks is passed over, and a block without its end is none. */
export function readPemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = text.indexOf(begin);
  while (at !== -1) {
    const labelAt = at + begin.length;
    const labelEnd = text.indexOf(dashes, labelAt);
    if (labelEnd === -1) break;
    const label = text.slice(labelAt, labelEnd);
    const end = `-----END ${label}-----`;
    const endAt = text.indexOf(end, labelEnd);
    if (endAt === -1) break;
    blocks.push({ label, text: text.slice(at, endAt + end.length) });
    at = text.indexOf(begin, endAt);
  }
  return blocks;
}
