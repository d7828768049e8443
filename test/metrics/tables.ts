/**
 * The tables of docs/operations.md, written from the metrics as the programs declare them and from the fields of the
 * access log. Run as a program it writes them into the document; the test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { AgentWatch } from '../../agent/admin/watch.ts';
import { ProxyWatch } from '../../proxy/admin/watch.ts';
import type { Metric } from '../../shared/metrics/metric.ts';
import { processMetrics } from '../../shared/metrics/process-metrics.ts';

export const operationsPath = new URL('../../docs/operations.md', import.meta.url);

/** Fields of an exchange's line, in their order, and what they say. Each that the line can have is here. */
export const logFields: Readonly<Record<string, string>> = {
  request: 'the id of the request; of one that a trusted proxy sent, its own',
  client: 'the address of the client, as TRUSTED_PROXIES say it',
  method: 'as it was sent',
  host: 'of Host, in lower case and without port',
  path: 'as it was sent, without its query',
  status: 'of the final answer; missing where the client was gone before there was one',
  code: 'what went wrong or was refused, as in Proxy-Status; beside a 2xx, why the request was sent again',
  backend: 'the id of the backend that the route points at',
  tunnel: 'the link that carried it, the last one where it was sent again',
  agent: 'the instance of the agent at the other end',
  requestBytes: 'body of the request; after an upgrade the raw bytes too',
  responseBytes: 'body of the answer; after an upgrade the raw bytes too',
  headMs: "from the whole head of the request to the head of the backend's final answer",
  totalMs: 'from the whole head of the request to the end',
  retries: 'how often it was sent again',
  abortedBy: 'who broke it off where it did not end in order: client, backend or proxy',
};

const process = processMetrics();
const common = new Set(process.map(({ name }) => name));

function own(metrics: readonly Metric[]): readonly Metric[] {
  return metrics.filter(({ name }) => !common.has(name));
}

/** Each table of metrics, by the name of its place in the document. */
export const metricTables: Readonly<Record<string, readonly Metric[]>> = {
  proxy: own(new ProxyWatch('0').metrics()),
  agent: own(new AgentWatch('0').metrics()),
  process,
};

/** The document with each table as the programs have it now. A table without its place is an error. */
export function withTables(document: string): string {
  const tables = { ...mapValues(metricTables, metricTable), log: logTable() };
  let text = document;
  for (const [name, table] of Object.entries(tables)) {
    const [begin, end] = [`<!-- table: ${name} -->\n`, '<!-- end of table -->'];
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`docs/operations.md has no place for the table ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
  }
  return text;
}

function metricTable(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${shown} | ${help} |\n`;
  });
  return `| Name | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

function logTable(): string {
  const rows = Object.entries(logFields).map(([name, meaning]) => `| \`${name}\` | ${meaning} |\n`);
  return `| Field | What it says |\n| --- | --- |\n${rows.join('')}`;
}

function mapValues<Value>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

if (import.meta.main) writeFileSync(operationsPath, withTables(readFileSync(operationsPath, 'utf8')));
