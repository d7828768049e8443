/**
 * The proxy's own keys and what is signed with them: made for this run, or of ASSERTION_KEY_FILE. A key that the file no
 * longer holds is published for as long as what it has signed lives. It knows no request.
 */
import {
  assertionLifeMs,
  createAssertionKeys,
  readAssertionKeys,
  signAssertion,
} from '../../shared/auth/assertion.ts';
import type { Assertion, AssertionKeys, PublishedKey } from '../../shared/auth/assertion.ts';
import type { Log } from '../../shared/log/log.ts';
import { WatchedFile } from './watched-file.ts';

export interface AssertionsOptions {
  /** Without it a key is made when it is first needed. */
  readonly file: string | undefined;
  readonly log: Log;
  readonly now?: (() => number) | undefined;
}

/** Beyond the life of the last assertion: whoever verifies may have kept the old set for as long as it says. */
const publishedForMs = 2 * assertionLifeMs;

export class Assertions {
  readonly #source: () => Promise<AssertionKeys>;
  readonly #now: () => number;
  /** By kid, those that were published, with the time until which they still are. */
  readonly #earlier = new Map<string, { readonly key: PublishedKey; readonly untilMs: number }>();
  #latest: AssertionKeys | undefined;

  /** Throws where the file cannot be read or is no good. */
  constructor({ file, log, now = () => performance.now() }: AssertionsOptions) {
    this.#now = now;
    if (file === undefined) {
      let made: Promise<AssertionKeys> | undefined;
      this.#source = () => (made ??= createAssertionKeys());
      return;
    }
    const watched = new WatchedFile({ path: file, read: readAssertionKeys, log, now });
    this.#source = async () => watched.current();
  }

  async sign(assertion: Assertion): Promise<string> {
    return signAssertion(await this.#keys(), assertion);
  }

  /** The JWK set (RFC 7517 §5). */
  async keySet(): Promise<{ readonly keys: readonly PublishedKey['jwk'][] }> {
    const { published } = await this.#keys();
    const nowMs = this.#now();
    const earlier = [...this.#earlier.values()].filter(
      ({ key, untilMs }) => nowMs < untilMs && !published.some(({ kid }) => kid === key.kid),
    );
    return { keys: [...published, ...earlier.map(({ key }) => key)].map(({ jwk }) => jwk) };
  }

  async #keys(): Promise<AssertionKeys> {
    const keys = await this.#source();
    if (keys === this.#latest) return keys;
    const nowMs = this.#now();
    for (const [kid, { untilMs }] of this.#earlier) if (untilMs <= nowMs) this.#earlier.delete(kid);
    for (const key of this.#latest?.published ?? [])
      this.#earlier.set(key.kid, { key, untilMs: nowMs + publishedForMs });
    this.#latest = keys;
    return keys;
  }
}
