/**
 * Something kept for each name, as far as there is room: the first so many names have one each, all later ones share
 * one. A label's values are bounded by it, whatever names come.
 */

/** The label of all names that came when there was no more room. No id can be called so: none has a parenthesis. */
export const otherName = '(other)';
/** The label of what has no name at all. */
export const noName = '(none)';

export class BoundedNames<Kept> {
  readonly #limit: number;
  readonly #create: () => Kept;
  readonly #kept = new Map<string, Kept>();
  #other: Kept | undefined;

  /** @param limit names that have something of their own */
  constructor(limit: number, create: () => Kept) {
    this.#limit = limit;
    this.#create = create;
  }

  of(name: string): Kept {
    return this.#kept.get(name) ?? this.#admit(name);
  }

  /** The label to use for a name; it takes a place like any other. */
  labelOf(name: string): string {
    this.of(name);
    return this.#kept.has(name) ? name : otherName;
  }

  entries(): [label: string, kept: Kept][] {
    const own = [...this.#kept];
    return this.#other === undefined ? own : [...own, [otherName, this.#other]];
  }

  #admit(name: string): Kept {
    if (this.#kept.size >= this.#limit) return (this.#other ??= this.#create());
    const kept = this.#create();
    this.#kept.set(name, kept);
    return kept;
  }
}
