/**
 * Whom what a test starts belongs to: it is ended with its owner. A test of tap is one; a run outside of the test runner,
 * or a program that is started again and again within one test, has one of its own.
 */
export interface Owner {
  /** Runs when the owner is done, the last first. */
  teardown(end: () => unknown): void;
  /** False: say more about what happened. */
  passing(): boolean;
  comment(text: string): void;
}

export class OwnLife implements Owner {
  readonly #ends: (() => unknown)[] = [];
  readonly #parent: Owner | undefined;

  /** With a parent it is released when that one is, at the latest. */
  constructor(parent?: Owner) {
    this.#parent = parent;
    parent?.teardown(() => this.release());
  }

  teardown(end: () => unknown): void {
    this.#ends.push(end);
  }

  passing(): boolean {
    return this.#parent?.passing() ?? true;
  }

  comment(text: string): void {
    this.#parent?.comment(text);
  }

  /** Idempotent. */
  async release(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they were started
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
