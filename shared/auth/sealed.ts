/**
 * Small objects that somebody else keeps for us and can neither read nor change: JWE (RFC 7516), `dir` with A256GCM. The
 * keys are derived from the given secrets, one for each purpose, so that what was sealed for one is nothing for another.
 * The first secret seals, all of them open: so a secret is replaced without anybody losing what they keep.
 */
import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, errors } from 'jose';

export interface SealerOptions {
  /** Each at least 32 bytes (UTF-8); the first seals. */
  readonly secrets: readonly string[];
  /** What is sealed; part of the keys. */
  readonly purpose: string;
}

export interface Sealer {
  seal(content: Readonly<Record<string, unknown>>): Promise<string>;
  /** Undefined: it was not sealed with one of the secrets for this purpose, or is not what was sealed. */
  open(sealed: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** What a browser keeps in one cookie, name and attributes included (RFC 6265bis §5.6). */
const maxSealedLength = 4_096;

export function createSealer({ secrets, purpose }: SealerOptions): Sealer {
  const keys = secrets.map((secret) => deriveKey(secret, purpose));
  const [first] = keys;
  if (first === undefined) throw new Error('a sealer needs a secret');
  return {
    seal: (content) =>
      new CompactEncrypt(Buffer.from(JSON.stringify(content)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(first),
    async open(sealed) {
      if (sealed.length > maxSealedLength) return undefined;
      for (const key of keys) {
        // oxlint-disable-next-line no-await-in-loop -- the next secret is tried only where this one does not open it
        const content = await openWith(key, sealed);
        if (content !== undefined) return content;
      }
      return undefined;
    },
  };
}

/** HKDF (RFC 5869). The secrets are random and long already: no salt is needed. */
function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `inverting-proxy ${purpose}`, 32));
}

async function openWith(
  key: Uint8Array,
  sealed: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      // Nothing of ours is compressed.
      maxDecompressedLength: 0,
    });
    const content: unknown = JSON.parse(Buffer.from(plaintext).toString('utf8'));
    return isObject(content) ? content : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
