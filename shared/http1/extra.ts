/** Fields that the caller adds to a head: a request id, an identity, a status of ours. */
import { isToken } from './grammar.ts';

/** Fields to add, in order. A name that is no token or a value that is no field value is a programmer's error. */
export type ExtraFields = readonly (readonly [name: string, value: string])[];

export const NO_EXTRA: ExtraFields = [];
const NOT_IN_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

export function extraLines(extra: ExtraFields): string {
  let text = '';
  for (const [name, value] of extra) {
    if (!isToken(name, 0, name.length) || NOT_IN_A_VALUE.test(value))
      throw new Error(`not a field to add: ${name}`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
