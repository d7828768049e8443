/** What --help and --version print. Knows declarations and no values. */
import { flagOf } from './declaration.ts';
import type { Declaration, Declarations } from './declaration.ts';
import { readVersion } from './version.ts';

export interface Program {
  /** As it is typed: `inverting-proxy`. */
  readonly name: string;
  /** One line: what it does. */
  readonly summary: string;
  /** Ways to call it, without the program's name. */
  readonly usage: readonly string[];
  readonly settings: Declarations;
}

/**
 * The text to print when the command line asks for help or for the version, wherever it does; else undefined. Whoever
 * asks for help is not told that a setting is missing.
 */
export function readRequestedText(program: Program, argv: readonly string[]): string | undefined {
  if (argv.includes('--help') || argv.includes('-h')) return writeHelp(program);
  if (argv.includes('--version')) return `${program.name} ${readVersion()}\n`;
  return undefined;
}

export function writeHelp({ name, summary, usage, settings }: Program): string {
  const lines = [`${name} ${readVersion()}: ${summary}`, ''];
  for (const [index, line] of usage.entries())
    lines.push(`${index === 0 ? 'Usage:' : '      '} ${name} ${line}`.trimEnd());
  lines.push('', ...sourcesOf(settings));
  for (const declaration of Object.values(settings)) {
    lines.push(
      '',
      `  ${[...namesOf(declaration), `(${declaration.format.kind})`].join(' ')}`,
      `      ${declaration.doc}`,
    );
    lines.push(`      ${defaultOf(declaration)}`);
  }
  lines.push('', '  --help, --version', '');
  return lines.join('\n');
}

function sourcesOf(settings: Declarations): string[] {
  const lines = [
    'Settings come from flags, else from -e NAME=VALUE or the environment, else from the file that CONFIG_FILE or',
  ];
  lines.push(
    '--config-file names (.json, .yaml), else they have the default shown. Durations are 250ms, 15s, 5m, 1h, 30d;',
  );
  lines.push('sizes 512B, 64KiB, 16MiB, 1GiB or plain bytes; lists are separated by commas.');
  const hasSecret = Object.values(settings).some(({ format }) => format.isSecret === true);
  if (hasSecret) lines.push('A secret may also lie in a file: NAME_FILE then gives its path.');
  return lines;
}

function namesOf(declaration: Declaration): string[] {
  const flag = `--${flagOf(declaration)}`;
  return declaration.env === undefined ? [flag] : [`${flag}, ${declaration.env}`];
}

function defaultOf({ default: text, isRequired, example }: Declaration): string {
  const shown = example === undefined ? '' : `, for example ${example}`;
  if (isRequired === true) return `required${shown}`;
  return text === undefined || text === '' ? `not set by default${shown}` : `default ${text}${shown}`;
}
