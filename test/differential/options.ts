/** The command line of the differential run. It starts nothing. */
import { parseArgs } from 'node:util';

export const usage = `npm run differential -- [--cases N] [--responses N] [--seed N] [--backends LIST] [--clients LIST]
  --cases N       requests' cases; each goes to every backend (2000)
  --responses N   responses' cases; each is read by every client (a tenth of --cases)
  --seed N        what the cases are made from; printed, and random when not given
  --backends LIST of node,http-parser-js,nginx,apache,python,h11 (those that are installed)
  --clients LIST  of node,python,h11,curl (those that are installed)
  --direct        without proxy and agents between: shows that disagreements are seen`;

export const backendNames = ['node', 'http-parser-js', 'nginx', 'apache', 'python', 'h11'] as const;
export type BackendName = (typeof backendNames)[number];

export const clientNames = ['node', 'python', 'h11', 'curl'] as const;
export type ClientName = (typeof clientNames)[number];

export interface Options {
  readonly cases: number;
  readonly responses: number;
  readonly seed: number;
  /** Undefined: all that are installed. */
  readonly backends: readonly BackendName[] | undefined;
  readonly clients: readonly ClientName[] | undefined;
  readonly direct: boolean;
}

/** Throws an Error that says what would be right. */
export function readOptions(args: readonly string[], randomSeed: () => number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      responses: { type: 'string' },
      seed: { type: 'string' },
      backends: { type: 'string' },
      clients: { type: 'string' },
      direct: { type: 'boolean', default: false },
    },
  });
  const cases = count('cases', values.cases) ?? 2_000;
  return {
    cases,
    responses: count('responses', values.responses) ?? Math.ceil(cases / 10),
    seed: count('seed', values.seed) ?? randomSeed(),
    backends: names('backends', values.backends, backendNames),
    clients: names('clients', values.clients, clientNames),
    direct: values.direct,
  };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} ${text}: give a whole number`);
  return Number(text);
}

function names<Name extends string>(
  option: string,
  text: string | undefined,
  known: readonly Name[],
): readonly Name[] | undefined {
  if (text === undefined) return undefined;
  return text.split(',').map((given) => {
    const found = known.find((name) => name === given);
    if (found === undefined) throw new Error(`--${option} ${given}: give some of ${known.join(',')}`);
    return found;
  });
}
