/**
 * The differential run in small: generated requests and answers through the real proxy and agents, judged by the parsers
 * that are installed here, and the rows of found.json at each of them. `npm run differential` runs longer.
 */
import { test } from 'tap';
import { readFound } from './found.ts';
import { generate, runRequests } from './requests.ts';
import { runResponses } from './responses.ts';
import { shrink } from './shrink.ts';

// One exit listener for each process that is started.
process.setMaxListeners(50);

const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const shared = { seed, backends: undefined, clients: undefined, direct: false, keeps: false };

test('every parser reads what the edge reads, in the rows of found.json and in generated requests', async (t) => {
  const print = (line: string): void => t.comment(line);
  const rows = await readFound();
  const cases = [...rows, ...generate(seed, 1_200)];
  const counts = await runRequests({ ...shared, cases: cases.length, print }, cases);
  for (const line of counts.lines()) print(line);
  t.equal(counts.cases, cases.length);
  t.equal(counts.disagreements, 0);
});

test('every client reads in generated answers what the rules read', async (t) => {
  t.equal(await runResponses({ ...shared, responses: 300, print: (line) => t.comment(line) }), 0);
});

test('without the proxy in between, the same run finds that parsers disagree', async (t) => {
  const direct = {
    ...shared,
    backends: ['node'] as const,
    clients: ['node'] as const,
    direct: true,
    print: () => undefined,
  };
  const rows = await readFound();
  t.ok(
    (await runRequests({ ...direct, cases: rows.length }, rows)).disagreements > rows.length / 2,
    'requests',
  );
  t.ok((await runResponses({ ...direct, responses: 100 })) > 20, 'answers');
});

test('a case is made as small as it gets while it still shows what it shows', async (t) => {
  const first = { message: 'GET /x HTTP/1.1\r\n\r\n', cuts: 'bytes', halfClosesAtOnce: true } as const;
  const smallest = await shrink(first, async ({ message }) => /G.*\r/.test(message));
  t.strictSame(smallest, { message: 'G\r', cuts: 'whole', halfClosesAtOnce: false });
});
