/**
 * Typed access to the fields of a control message: each reader gives the value or throws a `ControlViolation` that names
 * the field, never its content. It knows no kind of message.
 */
import { ControlViolation } from './control-violation.ts';
import { maxNames } from './grammar.ts';

type ReadName = (text: string) => string | undefined;

export class ControlFields {
  readonly #object: object;
  readonly #prefix: string;

  constructor(object: object, prefix = '') {
    this.#object = object;
    this.#prefix = prefix;
  }

  text(name: string, maxLength: number): string {
    const value = this.#get(name);
    if (typeof value === 'string' && value.length <= maxLength) return value;
    throw this.#wrong(name, `a string of at most ${maxLength} characters`);
  }

  optionalText(name: string, maxLength: number): string | undefined {
    return this.#get(name) === undefined ? undefined : this.text(name, maxLength);
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name, 'true or false');
  }

  optionalFlag(name: string): boolean | undefined {
    return this.#get(name) === undefined ? undefined : this.flag(name);
  }

  count(name: string): number {
    const value = this.#get(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#wrong(name, 'a whole number');
  }

  optionalCount(name: string): number | undefined {
    return this.#get(name) === undefined ? undefined : this.count(name);
  }

  name(name: string, read: ReadName): string {
    const value = this.#get(name);
    const normal = typeof value === 'string' ? read(value) : undefined;
    if (normal === undefined) throw this.#wrong(name, 'well-formed');
    return normal;
  }

  optionalName(name: string, read: ReadName): string | undefined {
    return this.#get(name) === undefined ? undefined : this.name(name, read);
  }

  /** A list of at most `maxNames` names, each in its normal form. */
  names(name: string, read: ReadName): readonly string[] {
    return this.#list(name, (item) => (typeof item === 'string' ? read(item) : undefined));
  }

  /** A list of at most `maxNames` strings. */
  texts(name: string, maxLength: number): readonly string[] {
    return this.#list(name, (item) =>
      typeof item === 'string' && item.length <= maxLength ? item : undefined,
    );
  }

  object(name: string): ControlFields {
    const value = this.#get(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#wrong(name, 'an object');
    return new ControlFields(value, `${this.#prefix}${name}.`);
  }

  /** Own fields only: what an object inherits, no peer has sent. */
  #get(name: string): unknown {
    return Object.getOwnPropertyDescriptor(this.#object, name)?.value;
  }

  #list(name: string, read: (item: unknown) => string | undefined): readonly string[] {
    const list = this.#get(name);
    if (!Array.isArray(list) || list.length > maxNames)
      throw this.#wrong(name, `a list of at most ${maxNames}`);
    return list.map((item: unknown) => {
      const value = read(item);
      if (value === undefined) throw this.#wrong(name, 'a list of well-formed strings');
      return value;
    });
  }

  #wrong(name: string, right: string): ControlViolation {
    return new ControlViolation(
      'control_field',
      `a control message's ${this.#prefix}${name} is not ${right}`,
    );
  }
}
