/** What `npm run bench` is asked for. Everything wrong with it is said by name, with what would be right. */
import { parseArgs } from 'node:util';
import type { Sizes } from './rows/row.ts';
import type { PeerOptions } from './targets/peer.ts';

export interface Options extends Sizes {
  /** Empty: all. */
  readonly rows: readonly string[];
  readonly targets: readonly string[];
  readonly rounds: number;
  readonly jsonFile: string | undefined;
  readonly profileFolder: string | undefined;
  readonly backendPort: number;
  readonly peers: readonly PeerOptions[];
}

export class UsageError extends Error {}

export const usage = `npm run bench -- [flags]
  --rows a,b          only these rows
  --targets a,b       only these targets, by their names (ssh -R is "ssh -R"); ratios need nginx
  --seconds N         of one load (5)
  --rounds N          of each target, in turn (3)
  --quick             1 second, 1 round, small transfers, few WebSockets: whether it works, not how fast it is
  --json FILE         every sample, beside the table
  --profile FOLDER    a processor profile of our two programs for each row, and its top ten
  --backend-port N    the backends listen on N (nginx) and N+1 (uploads and WebSockets): for peers
  --peer NAME=URL[,URL]   another tunnel that is running: where it leads to N, and where to N+1
  --pids NAME=PID[,PID]   the processes of that peer
`;

const usual: Sizes & { rounds: number } = {
  seconds: 5,
  bulkBytes: 1_073_741_824,
  idleWebSockets: 2_000,
  rounds: 3,
};
const quick: typeof usual = { seconds: 1, bulkBytes: 67_108_864, idleWebSockets: 200, rounds: 1 };

const flags = {
  rows: { type: 'string', default: '' },
  targets: { type: 'string', default: '' },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  profile: { type: 'string' },
  'backend-port': { type: 'string', default: '0' },
  peer: { type: 'string', multiple: true, default: [] as string[] },
  pids: { type: 'string', multiple: true, default: [] as string[] },
} as const;

/** Throws UsageError. `rows` and `targets` are what there is, without peers. */
export function readOptions(
  argv: readonly string[],
  rows: readonly string[],
  targets: readonly string[],
): Options {
  const { values } = parse(argv);
  const sizes = values.quick ? quick : usual;
  const peers = readPeers(values.peer, values.pids);
  const backendPort = readNumber('--backend-port', values['backend-port'], 0, 65_534);
  if (peers.length > 0 && backendPort === 0)
    throw new UsageError('--peer needs --backend-port N: the port that the peer leads to');
  return {
    ...sizes,
    rows: readNames('--rows', values.rows, rows),
    targets: readNames('--targets', values.targets, [...targets, ...peers.map(({ name }) => name)]),
    seconds: readNumber('--seconds', values.seconds ?? String(sizes.seconds), 1, 600),
    rounds: readNumber('--rounds', values.rounds ?? String(sizes.rounds), 1, 100),
    jsonFile: values.json,
    profileFolder: values.profile,
    backendPort,
    peers,
  };
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof flags; strict: true }>>;

function parse(argv: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...argv], options: flags, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readNames(flag: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`${flag}: there is no ${unknown}, but ${known.join(', ')}`);
  return names;
}

function readNumber(flag: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max)
    throw new UsageError(`${flag}: ${text} is no whole number from ${min} to ${max}`);
  return number;
}

function readPeers(peers: readonly string[], pids: readonly string[]): PeerOptions[] {
  const pidsOf = new Map(pids.map((text) => readPair('--pids', text)));
  const found = peers.map((text) => {
    const [name, urls] = readPair('--peer', text);
    const [nginx, small] = urls.split(',').map((url) => readUrl(url));
    return {
      name,
      urls: { ...(nginx === undefined ? {} : { nginx }), ...(small === undefined ? {} : { small }) },
      pids: (pidsOf.get(name) ?? '')
        .split(',')
        .filter((pid) => pid !== '')
        .map((pid) => readNumber('--pids', pid, 1, 4_194_304)),
    };
  });
  const stray = [...pidsOf.keys()].find((name) => !found.some((it) => it.name === name));
  if (stray !== undefined) throw new UsageError(`--pids: there is no --peer ${stray}`);
  return found;
}

function readPair(flag: string, text: string): [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new UsageError(`${flag}: ${text} is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'http:' || url.port === '')
    throw new UsageError(`--peer: ${text} is no http:// URL with a port`);
  return url;
}
