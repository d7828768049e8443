/**
 * docs/operations.md and docs/grafana.json, held to the programs: every metric in a table is in a real scrape and the
 * other way round, every name and label in a rule or a panel exists, and every field of a log line is told.
 */
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { t as file, test } from 'tap';
import { createAccessLog } from '../../proxy/access-log.ts';
import { adminPortOf, scrape } from '../admin/support/ask.ts';
import type { Family } from '../admin/support/exposition.ts';
import { listen } from '../e2e/support/listen.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { codeOf } from '../house/markdown.ts';
import { logFields, metricTables, operationsPath, withTables } from './tables.ts';

const document = readFileSync(operationsPath, 'utf8');
const dashboard: unknown = JSON.parse(
  readFileSync(new URL('../../docs/grafana.json', import.meta.url), 'utf8'),
);

/** Labels that Prometheus itself puts on what it scrapes. */
const ofPrometheus = ['instance', 'job'];

interface Use {
  readonly metric: string;
  readonly labels: readonly string[];
}

/**
 * The metrics that a PromQL expression names, with the labels it asks of them: those in its braces, and those of the
 * `by` in front of it. Only as much of the language as stands in this repository.
 */
function usesOf(expression: string): Use[] {
  const uses = expression.matchAll(/\b((?:inverting|process|nodejs)_\w+)(?:\{([^}]*)\})?/g);
  const grouped = Array.from(expression.matchAll(/\bby \(([\w, ]*)\)/g), ([, names = '']) =>
    names.split(/, */),
  ).flat();
  return Array.from(uses, ([, metric = '', selector = '']) => ({
    metric,
    labels: [
      ...Array.from(selector.matchAll(/(\w+)(?:=|!=|=~|!~)"/g), ([, label = '']) => label),
      ...grouped,
    ],
  }));
}

function wrongUses(families: ReadonlyMap<string, Family>, expression: string): string[] {
  return usesOf(expression).flatMap(({ metric, labels }) => {
    const name = metric.replace(/_(?:bucket|sum|count)$/, '');
    const family = families.get(metric) ?? families.get(name);
    if (family === undefined) return [`${metric} in ${expression}`];
    if (family.type === 'histogram' ? metric === name : metric !== family.name)
      return [`${metric} is ${family.type}`];
    const declared = Object.values(metricTables)
      .flat()
      .find((candidate) => candidate.name === family.name);
    const known = new Set([
      ...ofPrometheus,
      ...(declared?.labels ?? []),
      ...(metric.endsWith('_bucket') ? ['le'] : []),
    ]);
    return labels.filter((label) => !known.has(label)).map((label) => `${metric} has no label ${label}`);
  });
}

/** Every text under that key, however deep. */
function textsUnder(key: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    name === key && typeof inner === 'string' ? [inner] : textsUnder(key, inner),
  );
}

async function scrapeBoth(): Promise<Map<string, Family>> {
  const server = createServer((_, response) => response.end('hello'));
  file.teardown(() => server.close());
  const tunnel = await startTunnel(file, { backend: await listen(server), agentEnv: { ADMIN_PORT: '0' } });
  if (tunnel.proxy === undefined || tunnel.agent === undefined) return new Map();
  await (await fetch(`http://127.0.0.1:${tunnel.port}/`)).text();
  const [proxy, agent] = await Promise.all([
    adminPortOf(tunnel.proxy).then((port) => scrape(port)),
    adminPortOf(tunnel.agent).then((port) => scrape(port)),
  ]);
  return new Map([...proxy, ...agent]);
}

test('the tables are those of the programs', async (t) => {
  t.equal(document, withTables(document), 'if not, run: npx node test/metrics/tables.ts');
});

test('a line with everything in it has the fields of the table, in its order', async (t) => {
  const fields: string[] = [];
  const log = {
    recordLine: () => (json: string) =>
      fields.push(...Object.keys(JSON.parse(`{${json.slice(0, -1)}}`) ?? {})),
  };
  createAccessLog(log)?.(
    {
      id: 'a',
      method: 'GET',
      host: 'b',
      target: '/c',
      clientAddress: 'd',
      startedAtMs: 0,
      headAtMs: 1,
      status: 200,
      code: 'e',
      backendId: 'f',
      tunnelId: 'g',
      agentInstance: 'h',
      requestBytes: 1,
      responseBytes: 1,
      raw: undefined,
      retries: 1,
      abortedBy: 'client',
      place: -1,
    },
    2,
  );
  t.strictSame(fields, Object.keys(logFields));
});

test('in real processes: every metric of the tables is there, and no other', async (t) => {
  const families = await scrapeBoth();
  if (families.size === 0) {
    t.pass('the product is not in the path');
    return;
  }
  const declared = Object.values(metricTables).flat();
  t.strictSame([...families.keys()].toSorted(), declared.map(({ name }) => name).toSorted());
  for (const { name, type, help, labels } of declared) {
    const family = families.get(name);
    t.strictSame([family?.type, family?.help], [type, help], name);
    for (const series of family?.series ?? []) {
      t.strictSame(
        Object.keys(series.labels)
          .filter((label) => label !== 'le')
          .toSorted(),
        labels.toSorted(),
        name,
      );
    }
  }

  const expressions = [
    ...textsUnder('expr', dashboard),
    ...textsUnder('query', dashboard),
    ...textsUnder('definition', dashboard),
  ];
  t.ok(expressions.length > 40, `${expressions.length} expressions in the dashboard`);
  t.strictSame(
    expressions.flatMap((expression) => wrongUses(families, expression)),
    [],
    'docs/grafana.json',
  );
  // A name alone is no expression.
  const rules = codeOf(document).filter((code) => /[({ ]/.test(code));
  t.strictSame(
    rules.flatMap((rule) => wrongUses(families, rule)),
    [],
    'docs/operations.md',
  );

  const drawn = new Set(
    expressions.flatMap(usesOf).map(({ metric }) => metric.replace(/_(?:bucket|sum|count)$/, '')),
  );
  t.strictSame(
    declared.map(({ name }) => name).filter((name) => !drawn.has(name)),
    [],
    'what no panel draws',
  );
  const said = `inverting_proxy_exchanges_total{klass="5xx"}, inverting_proxy_head_seconds, inverting_proxy_gone`;
  t.equal(
    wrongUses(families, said).length,
    3,
    'a wrong label, a histogram without its suffix and a wrong name are seen',
  );
});

test('the dashboard can be imported: panels with names of their own, in a grid', async (t) => {
  if (typeof dashboard !== 'object' || dashboard === null || !('panels' in dashboard))
    throw new Error('no panels');
  const panels: readonly Record<string, unknown>[] = Array.isArray(dashboard.panels) ? dashboard.panels : [];
  t.ok(panels.length > 30);
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'an id each');
  const taken = new Set<string>();
  for (const { title, type, gridPos, description } of panels) {
    if (type !== 'row') t.match(description, /^[A-Z].{10,200}[.:]$/, String(title));
    const { x, y, w, h } =
      typeof gridPos === 'object' && gridPos !== null
        ? { x: 0, y: 0, w: 0, h: 0, ...gridPos }
        : { x: 0, y: 0, w: 0, h: 0 };
    t.ok(w > 0 && h > 0 && x + w <= 24, `${String(title)} is in the grid`);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        const cell = `${column}/${line}`;
        if (taken.has(cell)) t.fail(`${String(title)} lies on another panel`);
        taken.add(cell);
      }
    }
  }
});
