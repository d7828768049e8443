/** The shared secret that signs agents' tokens, as text and as bytes. */
import { randomBytes } from 'node:crypto';

/** HS256 wants a key at least as long as its hash (RFC 7518 §3.2). */
export const minSecretBytes = 32;

/** A fresh secret of 256 random bits, in base64url; for one run, or to be kept. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Its bytes (UTF-8). A short one is a mistake of this program: settings refuse it before it comes here. */
export function readSecret(secret: string): Buffer {
  const bytes = Buffer.from(secret, 'utf8');
  if (bytes.length < minSecretBytes) throw new Error(`an agent secret has at least ${minSecretBytes} bytes`);
  return bytes;
}
