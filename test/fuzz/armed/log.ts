/** The log of a program, judged: no mistake of the program itself, and nothing that somebody keeps secret. */
import type { Program } from '../../e2e/support/program.ts';

/** Every secret that these tests make up themselves has it. */
const marked = /kept-secret[\w.-]*/;
/** Errors that mean a mistake in the program. */
const mistakes =
  /\b(?:TypeError|RangeError|ReferenceError|SyntaxError|URIError|AssertionError|ERR_[A-Z_]+)\b|uncaught|unhandled/i;
/** Shorter ones, and those of a few characters, stand in a log by chance. */
const leastLength = 24;

export function wrongInLog({ lines }: Pick<Program, 'lines'>, secrets: readonly string[]): string[] {
  const kept = new Set(secrets.flatMap(words));
  const wrong: string[] = [];
  for (const line of lines) {
    const text = JSON.stringify(line);
    const word = marked.exec(text)?.[0] ?? words(text).find((each) => kept.has(each));
    if (word !== undefined) wrong.push(`a secret in the log, ${word}: ${text.slice(0, 600)}`);
    const isMistake = line['level'] === undefined || line['level'] === 'error' || line['level'] === 'fatal';
    if (isMistake || mistakes.test(JSON.stringify([line['reason'], line['error']])))
      wrong.push(`a mistake in the log: ${text.slice(0, 1_000)}`);
    if (wrong.length > 5) break;
  }
  return wrong;
}

function words(text: string): string[] {
  return text.split(/[^\w=-]+/).filter((word) => word.length >= leastLength && new Set(word).size > 8);
}
