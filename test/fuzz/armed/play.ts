/**
 * Plays a seed against a proxy with everything on, and judges it: it lives, each answer is whole HTTP with a status that is
 * somebody's, its log holds no mistake of a program and no secret of anybody, and honest people are served afterwards.
 */
/* oxlint-disable no-await-in-loop -- case after case, a few at a time */
import { Random } from '../random.ts';
import { oddAgent } from './agents.ts';
import { readAnswers, wrongWith } from './answers.ts';
import { wrongInLog } from './log.ts';
import { askHonestly, makePools, signIn } from './pools.ts';
import { oddAdminRequest, oddRequest } from './requests.ts';
import type { Pools } from './requests.ts';
import { adminToken, agentToken, password } from './scene.ts';
import type { Scene } from './scene.ts';
import { talk } from './talk.ts';

export interface Played {
  readonly cases: number;
  /** How often each status came. */
  readonly statuses: ReadonlyMap<number, number>;
  /** What was wrong, with the case that showed it. Empty: nothing. */
  readonly wrong: readonly string[];
  readonly grownBytes: number;
}

export interface Bounds {
  /** The proxy is played with until one of the two is reached. */
  readonly cases: number;
  readonly untilMs: number;
}

/** Cases at the same time: so many that one that waits keeps nobody, and few enough to tell which one it was. */
const atOnce = 8;
/** Requests that are made of the same sessions and ways back: a multiple of those at once. */
const casesAPool = 800;
/** Wrong answers after which nothing new is learnt. */
const maxWrong = 5;

export async function playArmed(scene: Scene, seed: number, { cases, untilMs }: Bounds): Promise<Played> {
  const { proxy, provider } = scene;
  const random = new Random(seed);
  const secrets = new Set<string>();
  let pools = await makePools(scene, random, secrets);
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  provider.odd = new Random(seed + 1);
  let played = 0;
  let firstBytes = 0;
  /** Those of the last round: one of them has ended the proxy, where it has ended. */
  const last: string[] = [];
  while (played < cases && performance.now() < untilMs && wrong.length < maxWrong && proxy.isRunning) {
    if (played > 0 && played % casesAPool === 0) {
      // A way back is good once, and whom an odd provider knows no more is signed out.
      provider.odd = undefined;
      pools = await makePools(scene, random, secrets);
      provider.odd = new Random(seed + played);
    }
    last.length = 0;
    const round = Array.from({ length: atOnce }, () => oneCase(scene, random, pools, statuses, last));
    for (const found of await Promise.all(round)) if (found !== undefined) wrong.push(found);
    played += atOnce;
    if (firstBytes === 0 && played >= cases / 2) firstBytes = await proxy.rssBytes();
  }
  provider.odd = undefined;
  if (proxy.isRunning) {
    wrong.push(...(await honestAfterwards(scene)));
    wrong.push(...wrongInLog(proxy, [...secrets, ...provider.secrets]));
  } else wrong.push(`the proxy ended:\n${proxy.output}\nafter ${last.join('\n')}`);
  const grownBytes = proxy.isRunning && firstBytes > 0 ? (await proxy.rssBytes()) - firstBytes : 0;
  return { cases: played, statuses, wrong, grownBytes };
}

/** What was wrong with it. Everything that chance decides is decided before anything is waited for. */
async function oneCase(
  scene: Scene,
  random: Random,
  pools: Pools,
  statuses: Map<number, number>,
  last: string[],
): Promise<string | undefined> {
  const count = (status: number): unknown => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const kind = random.below(20);
  if (kind === 0) {
    const token = agentToken(scene.agentSigner, 'peer');
    pools.secrets.add(token);
    try {
      count(await oddAgent(scene.port, random, token, pools.agentTokens, pools.secrets));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return undefined;
  }
  const isAdmin = kind <= 2;
  const bytes = isAdmin ? oddAdminRequest(random) : oddRequest(random, pools);
  last.push(JSON.stringify(bytes));
  const leaves = !isAdmin && random.below(24) === 0 ? 'resets' : 'ends';
  const { text, ended } = await talk(isAdmin ? scene.adminPort : scene.port, bytes, leaves);
  const found = leaves === 'resets' ? undefined : judge(bytes, text, ended, count, isAdmin);
  return (
    found &&
    `${found}\n  sent: ${JSON.stringify(bytes.slice(0, 4_000))}\n  got: ${JSON.stringify(text.slice(0, 600))}`
  );
}

function judge(
  bytes: string,
  text: string,
  ended: 'fin' | 'reset' | 'never',
  count: (status: number) => unknown,
  isAdmin: boolean,
): string | undefined {
  if (ended === 'never') return 'no end';
  const { answers, isCut, wrong } = readAnswers(text, /^\s*HEAD /.test(bytes), ended);
  for (const answer of answers) count(answer.status);
  // The admin listener is node's own server.
  if (isCut && ended === 'fin' && !isAdmin) return 'an answer that is cut short looks whole';
  return wrong ?? answers.map(wrongWith).find((each) => each !== undefined);
}

/** Whoever comes after all of it is served as before. */
async function honestAfterwards(scene: Scene): Promise<string[]> {
  const { port, adminPort } = scene;
  const encoded = Buffer.from(`alice@example.com:${password}`).toString('base64');
  const basic = `Authorization: Basic ${encoded}`;
  // From where nothing has failed yet, where that is believed.
  const from = 'X-Forwarded-For: 198.51.100.1';
  const json = 'Accept: application/json';
  const wanted: readonly (readonly [
    what: string,
    status: number,
    ask: () => ReturnType<typeof askHonestly>,
  ])[] = [
    ['anybody, at a public backend', 200, () => askHonestly(port, 'open.example.com', '/', [from])],
    [
      'a program without a word of who it is',
      401,
      () => askHonestly(port, 'shop.example.com', '/', [json, from]),
    ],
    ['a password', 200, () => askHonestly(port, 'shop.example.com', '/', [basic, from])],
    [
      'a session',
      200,
      async () =>
        askHonestly(port, 'shop.example.com', '/', [`Cookie: ${await signIn(scene, 'shop.example.com')}`]),
    ],
    [
      'the published keys',
      200,
      () => askHonestly(port, 'x.example.com', '/.well-known/inverting-proxy/jwks.json'),
    ],
    ['whether it lives', 200, () => askHonestly(adminPort, '127.0.0.1', '/healthz')],
    [
      'the admin API',
      200,
      () => askHonestly(adminPort, '127.0.0.1', '/api/backends', [`Authorization: Bearer ${adminToken}`]),
    ],
  ];
  const wrong: string[] = [];
  for (const [what, status, ask] of wanted) {
    try {
      const answer = await ask();
      if (answer.status !== status)
        wrong.push(`afterwards, ${what}: ${answer.status} ${answer.body.slice(0, 200)}`);
    } catch (error) {
      wrong.push(`afterwards, ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return wrong;
}
