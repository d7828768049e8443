/**
 * What `npm start` puts on the terminal: the children's log lines, short enough to read as they pass, and the address to
 * open. It knows no program; of a log line only the fields that every line has.
 */
import type { LogLine } from './child.ts';

/** Fields that every line carries and a person at a terminal knows without them. */
const quiet = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'v']);

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** `proxy    listening port=8080` */
export function formatLine(name: string, line: LogLine | string): string {
  const label = name.padEnd(8);
  if (typeof line === 'string') return `${label} ${line}`;
  const fields = Object.entries(line).filter(([key]) => !quiet.has(key));
  const text = typeof line['msg'] === 'string' ? line['msg'] : '';
  return [label, text, ...fields.map(([key, value]) => `${key}=${shown(value)}`)].join(' ').trimEnd();
}

export function printLine(name: string, line: LogLine | string): void {
  const text = formatLine(name, line);
  console.log(process.stdout.isTTY ? `\u001B[2m${text}\u001B[22m` : text);
}

export function printReady({ host, port, backend }: { host: string; port: number; backend: string }): void {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  const shownUrl = process.stdout.isTTY ? `\u001B[1m${url}\u001B[22m` : url;
  console.log(`\n  Open ${shownUrl}`);
  console.log(`  It is answered by ${backend}, through the proxy and the agent. Ctrl-C stops everything.\n`);
}
