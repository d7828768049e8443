/**
 * Counts what the engine's own functions cost, by the bytes they go through, since no coverage sees into them. Replaces them for the
 * whole process: for a program of its own, before anything that is to be measured is loaded.
 */

/** Cost of a call in bytes gone through; the result is there when the length alone does not say it. */
type Cost = (self: unknown, args: readonly unknown[], result: unknown) => number;

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array ? value.length : 1;
const ofSelf: Cost = (self) => lengthOf(self);
const ofFirst: Cost = (_, [first]) => lengthOf(first);
const ofResult: Cost = (_, __, result) => lengthOf(result);
const ofSearch: Cost = (self, [, from], found) =>
  (typeof found === 'number' && found >= 0 ? found + 1 : lengthOf(self)) -
  (typeof from === 'number' ? from : 0);

/** Owner, its name in messages, and what each method costs. */
const METHODS: readonly (readonly [owner: object, methods: Readonly<Record<string, Cost>>])[] = [
  [
    String.prototype,
    {
      endsWith: ofFirst,
      includes: ofSelf,
      indexOf: ofSearch,
      replaceAll: ofSelf,
      split: ofSelf,
      startsWith: ofFirst,
      toLowerCase: ofSelf,
      toUpperCase: ofSelf,
    },
  ],
  [String, { fromCharCode: (_, args) => args.length }],
  [Array.prototype, { join: ofResult, map: ofSelf, slice: ofResult, splice: ofSelf }],
  [Uint8Array.prototype, { fill: ofSelf, set: ofFirst }],
  // Every expression is held to be linear by a test of its own.
  [RegExp.prototype, { exec: ofFirst, test: ofFirst }],
  [JSON, { parse: ofFirst, stringify: ofResult }],
];

/** Of constant cost: a slice of a string or an array of bytes shares what it is cut from. */
const CONSTANT = [
  'add',
  'charCodeAt',
  'clear',
  'delete',
  'floor',
  'get',
  'getOwnPropertyDescriptor',
  'has',
  'isArray',
  'isSafeInteger',
  'max',
  'min',
  'pop',
  'push',
  'slice',
  'subarray',
  'values',
  // Their callbacks are seen by coverage.
  'every',
  'filter',
  'reduce',
  'some',
  // Of a number, or a call of one of the others.
  'toString',
  'apply',
  // Only while a module is loaded.
  'from',
];

/** What may be called on a value of the engine's without more thought. */
export const KNOWN_NATIVES: ReadonlySet<string> = new Set([
  ...METHODS.flatMap(([, methods]) => Object.keys(methods)),
  ...CONSTANT,
]);

export class NativeCounter {
  steps = 0;

  /** Replaces the functions; there is no way back. */
  install(): void {
    for (const [owner, methods] of METHODS) {
      for (const [name, cost] of Object.entries(methods)) this.#replace(owner, name, cost);
    }
    this.#replaceConstructors();
  }

  #replace(owner: object, name: string, cost: Cost): void {
    const original: unknown = Reflect.get(owner, name);
    if (typeof original !== 'function') throw new Error(`no such function: ${name}`);
    const count = (self: unknown, args: readonly unknown[], result: unknown): void => {
      this.steps += Math.max(1, cost(self, args, result));
    };
    Object.defineProperty(owner, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]): unknown {
        let result: unknown;
        try {
          result = Reflect.apply(original, this, args);
          return result;
        } finally {
          count(this, args, result);
        }
      },
    });
  }

  /** A set of something costs its members, bytes cost being zeroed or copied. */
  #replaceConstructors(): void {
    const count = (cost: number): void => void (this.steps += cost);
    const construct = <T extends object>(
      original: T & (new (...args: never[]) => object),
      cost: (args: readonly unknown[]) => number,
    ): T =>
      new Proxy(original, {
        construct(target, args: unknown[], newTarget) {
          count(cost(args));
          return Reflect.construct(target, args, newTarget);
        },
      });
    globalThis.Set = construct(Set, ([members]) =>
      members instanceof Set ? members.size : lengthOf(members),
    );
    globalThis.Uint8Array = construct(Uint8Array, ([from]) =>
      typeof from === 'number' ? from : lengthOf(from),
    );
  }
}
