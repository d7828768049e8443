/**
 * fetch towards an identity provider, bounded in time and size. Whatever means that it is away becomes one error, so that
 * who asks need not know how a connection fails.
 */
import type * as OpenidClient from 'openid-client';
import { ProviderError } from './provider-error.ts';

/** A provider that has not answered by then is away. */
export const providerTimeoutMs = 10_000;
/** Metadata, keys and tokens are some KiB. */
const maxBytes = 1024 * 1024;

export interface BoundedRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: OpenidClient.FetchBody;
}

/** @throws ProviderError `provider_away` */
export async function fetchFromProvider(url: string, request: BoundedRequest): Promise<Response> {
  const { method = 'GET', headers = {}, body } = request;
  try {
    const signal = AbortSignal.timeout(providerTimeoutMs);
    // What a provider answers with is its own: following a redirect would let it choose whose answer is taken.
    const response = await fetch(url, { method, headers, body: body ?? null, redirect: 'manual', signal });
    const whole = await readWhole(response);
    const { status } = whole;
    if (status >= 500 || status === 429) throw away(`it answers ${String(status)}`);
    return whole;
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw away(reasonOf(error), error);
  }
}

/** The same answer with all of its body, which is bounded. @throws ProviderError `provider_away` */
export async function readWhole(response: Response): Promise<Response> {
  const { status, headers } = response;
  const bytes = await readBounded(response);
  // Only these may be without a body, and must be (Fetch §2.2.3).
  return new Response(status === 204 || status === 304 ? null : bytes, { status, headers });
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.byteLength;
    if (length > maxBytes) throw away(`its answer is longer than ${String(maxBytes)} bytes`);
    pieces.push(piece);
  }
  return Uint8Array.from(Buffer.concat(pieces));
}

function away(reason: string, cause?: unknown): ProviderError {
  return new ProviderError('provider_away', `the identity provider is away: ${reason}`, cause);
}

/** fetch says "fetch failed", and why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if (error.name === 'TimeoutError') return `no answer in ${String(providerTimeoutMs)} ms`;
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}
