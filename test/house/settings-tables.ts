/**
 * The tables of docs/settings.md, written from the programs' own declarations. Run as a program it writes them into the
 * document; the test compares. Outside the marked places the document is anybody's to edit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { agentSettings } from '../../agent/config.ts';
import { proxySettings } from '../../proxy/config.ts';
import { keygenSettings } from '../../proxy/keygen-command.ts';
import { tokenSettings } from '../../proxy/token-command.ts';
import { flagOf } from '../../shared/config/declaration.ts';
import type { Declaration, Declarations } from '../../shared/config/declaration.ts';

export const settingsPath = new URL('../../docs/settings.md', import.meta.url);

/** What a place in the document is called, and whose settings stand there. */
export const tables: Readonly<Record<string, Declarations>> = {
  proxy: proxySettings,
  agent: agentSettings,
  token: tokenSettings,
  keygen: keygenSettings,
};

/** The document with each table as the declarations have it now. A table without its place in the document is an error. */
export function withTables(document: string): string {
  let text = document;
  for (const [name, declarations] of Object.entries(tables)) {
    const [begin, end] = [`<!-- table: ${name} -->\n`, '<!-- end of table -->'];
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`docs/settings.md has no place for the table ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${writeTable(declarations)}\n${text.slice(to)}`;
  }
  return text;
}

function writeTable(declarations: Declarations): string {
  const rows = Object.values(declarations).map((declaration) => {
    const { format, doc } = declaration;
    const takes = format.right.replace(/^give /, '');
    return `| ${namesOf(declaration)} | ${defaultOf(declaration)} | ${escape(takes)} | ${escape(doc)} |\n`;
  });
  return `| Name | Default | Takes | Meaning |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

function namesOf(declaration: Declaration): string {
  const { env, alsoEnv, format } = declaration;
  if (env === undefined) return `\`--${flagOf(declaration)}\``;
  const names = [env];
  if (format.isSecret === true) names.push(`${env}_FILE`);
  if (alsoEnv !== undefined) names.push(alsoEnv);
  return names.map((name) => `\`${name}\``).join(' or ');
}

function defaultOf({ default: text, isRequired, example }: Declaration): string {
  const shown = example === undefined ? '' : `, as in \`${example}\``;
  if (isRequired === true) return `required${shown}`;
  return text === undefined || text === '' ? `none${shown}` : `\`${text}\``;
}

/** What Markdown would take for more than text. */
function escape(text: string): string {
  return text.replaceAll(/[|<>*]/g, String.raw`\$&`);
}

if (import.meta.main) writeFileSync(settingsPath, withTables(readFileSync(settingsPath, 'utf8')));
