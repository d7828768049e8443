/**
 * One client that gets one response vector, and whether it sees what the vector says; and the requests behind it, on its
 * connection and on a new one, which must get their own answers and nothing of the earlier one.
 */
/* oxlint-disable no-await-in-loop -- answers come one after the other */
import { readHead, readResponse, status, value } from '../e2e/support/message.ts';
import type { Asked, Recorder } from '../e2e/support/recorder.ts';
import type { Wire } from '../e2e/support/wire.ts';
import type { ResponseOutcome } from './vectors.ts';

export type Version = '1.1' | '1.0';

export interface ResponseTrial {
  readonly method: string;
  readonly version: Version;
  readonly outcome: ResponseOutcome;
}

/** What the client must be told: nothing before its head, all of it, or a reset. Throws what is wrong. */
export async function judgeResponse(client: Wire, trial: ResponseTrial): Promise<void> {
  const { outcome, version } = trial;
  if (version === '1.1') {
    for (const code of outcome.interim) same('an interim answer', status(await readHead(client)), code);
  }
  switch (outcome.kind) {
    case 'refused':
      return judgeRefused(client);
    case 'aborted':
      return judgeAborted(client, outcome);
    case 'switched':
      return judgeSwitched(client, outcome);
    case 'answered':
      return judgeAnswered(client, trial);
  }
}

async function judgeRefused(client: Wire): Promise<void> {
  const answer = await readResponse(client);
  same('the status', answer.status, 502);
  const proxyStatus = value(answer, 'proxy-status') ?? '';
  if (!proxyStatus.endsWith('; error=http_protocol_error; details="backend_protocol"'))
    throw new Error(`Proxy-Status: ${proxyStatus}`);
}

async function judgeAborted(client: Wire, { status: code, body }: ResponseOutcome): Promise<void> {
  same('how the proxy left', await client.left(), 'reset');
  const text = client.unread.toString('latin1');
  if (text === '') return;
  const [head = '', ...chunks] = text.split('\r\n\r\n');
  if (!head.startsWith(`HTTP/1.1 ${code} `)) throw new Error(`an aborted answer began with ${head}`);
  const said = chunks.join('\r\n\r\n').replaceAll(/^[0-9a-f]+\r\n|\r\n$/gm, '');
  if (!body.startsWith(said.replaceAll('\r\n', ''))) throw new Error(`an aborted answer said ${text}`);
  if (/(?:^|\n)0\r\n/.test(text)) throw new Error(`an aborted answer has a last chunk: ${text}`);
}

async function judgeSwitched(client: Wire, { status: code }: ResponseOutcome): Promise<void> {
  same('the status', status(await readHead(client)), code);
  same('raw bytes', (await client.take(6)).toString('latin1'), 'FRAMES');
  client.reset();
}

async function judgeAnswered(client: Wire, { outcome, method, version }: ResponseTrial): Promise<void> {
  const answer = await readResponse(client, method);
  same(
    'the answer',
    `${answer.status} ${answer.body.toString('latin1')}`,
    `${outcome.status} ${outcome.body}`,
  );
  same('its framing', answer.framing, framingFor(version, outcome));
}

function framingFor(version: Version, { framing }: ResponseOutcome): string {
  const isSizedOrNone = framing === 'sized' || framing === 'none';
  if (isSizedOrNone) return framing;
  return version === '1.1' ? 'chunked' : 'close';
}

/** Asks for `target` on this connection: it must get the answer to this and to nothing else. */
export async function judgeNext(client: Wire, target: string, backend: Recorder): Promise<void> {
  same('bytes behind the answer', client.unread.toString('latin1'), '');
  client.write(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
  const asked = await backend.take(target);
  asked.wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
  asked.release();
  const answer = await readResponse(client);
  same('the next answer', `${answer.status} ${answer.body.toString('latin1')}`, `200 ${target}`);
}

/** After excess, a violation or an abort the backend's connection must be gone. */
export async function judgeBackend({ wire }: Asked, outcome: ResponseOutcome): Promise<void> {
  if (outcome.kind === 'refused' || outcome.kind === 'aborted' || outcome.hasExcess) await wire.left();
}

function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted)
    throw new Error(`${what}: ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`);
}
