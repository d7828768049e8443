/**
 * One client that sends one vector, and whether what it got, and what the backend got of it, is what the vector says.
 * How the bytes are cut is not known here.
 */
/* oxlint-disable no-await-in-loop -- answers come one after the other */
import { isDeepStrictEqual } from 'node:util';
import { readHead, readResponse, status, value } from '../e2e/support/message.ts';
import type { Client } from './client.ts';
import { tagOf, type TaggingBackend } from './tagging-backend.ts';
import type { Refused, RequestOutcome } from './vectors.ts';

/** Reads what the proxy says. Throws what is wrong with it. `beat`: see Pulse. */
export async function judgeAnswers(
  client: Client,
  outcome: RequestOutcome,
  beat: () => Promise<void>,
): Promise<void> {
  const { wire, address } = client;
  for (const request of outcome.requests) {
    const isLast = request === outcome.requests.at(-1);
    if (isLast && outcome.ending === 'raw') break;
    const answer = await readResponse(wire, request.method);
    same('an answer', `${answer.status} ${answer.body.toString('latin1')}`, `200 ${tagOf(address, request)}`);
    const closes = isLast && outcome.ending === 'closed' && outcome.refused === undefined;
    same('Connection', value(answer, 'connection'), closes ? 'close' : undefined);
  }
  if (outcome.refused !== undefined) await judgeRefusal(client, outcome.refused);
  await judgeEnding(client, outcome, beat);
}

async function judgeRefusal({ wire }: Client, { status: code, reason }: Refused): Promise<void> {
  const answer = await readResponse(wire);
  same('the status', answer.status, code);
  same('Connection', value(answer, 'connection'), 'close');
  const proxyStatus = value(answer, 'proxy-status') ?? '';
  if (!proxyStatus.includes('; error=http_request_error; details="')) throw new Error(proxyStatus);
  const text = answer.body.toString('latin1');
  if (!text.includes(`: ${reason}.`)) throw new Error(`refused because of "${reason}", and said: ${text}`);
}

async function judgeEnding(
  client: Client,
  { ending }: RequestOutcome,
  beat: () => Promise<void>,
): Promise<void> {
  const { wire } = client;
  switch (ending) {
    case 'waiting':
      await beat();
      same('how the proxy left', wire.leaving, undefined);
      same('bytes without an answer due', wire.unread.toString('latin1'), '');
      wire.reset();
      return;
    case 'raw':
      same('the status', status(await readHead(wire)), 101);
      same('the echo', (await wire.take(6)).toString('latin1'), 'FRAMES');
      wire.end();
      break;
    case 'open':
      wire.end();
      break;
    case 'closed':
      same('how the proxy left', await wire.left(), 'fin');
      wire.end();
  }
  same('how the proxy left', await wire.left(), 'fin');
  same('bytes behind the last answer', wire.unread.toString('latin1'), '');
}

/** What is wrong with what the backend got; undefined where nothing is. To be asked when all has settled. */
export function faultAtBackend(
  address: string,
  { requests, unfinished }: RequestOutcome,
  backend: TaggingBackend,
): string | undefined {
  const seen = backend.seenFrom(address);
  const complete = requests.map((request) => ({ ...request, isComplete: true }));
  // The head of a request that breaks off in its body may have gone on already, and its end never has.
  const wholes =
    unfinished === undefined
      ? [complete]
      : [complete, [...complete, { ...unfinished, body: '', isComplete: false }]];
  if (wholes.some((whole) => isDeepStrictEqual(seen, whole))) return undefined;
  return `the backend got ${JSON.stringify(seen)}`;
}

function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted)
    throw new Error(`${what}: ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`);
}
