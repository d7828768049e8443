/**
 * What must hold of every head that is written on, whatever was sent: it is one head, our own reader finds in it what was meant, and
 * nothing of the hop that ends here, nor of anybody who would speak for us, is in it.
 */
import { HeadScanner } from '../../shared/http1/head.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/head.ts';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';
import type { RequestMeaning, RequestOfResponse, ResponseMeaning } from '../../shared/http1/rules.ts';
import {
  responseFramingToClient,
  writeInterimHead,
  writeRequestHead,
  writeResponseHead,
} from '../../shared/http1/write.ts';
import { mustBeSame } from './target.ts';

const VIA = 'edge';
/** No message names it. */
const OTHER_VIA = 'nobody.else.example';
const NO_LIMITS = { headBytes: 1 << 20, lineBytes: 1 << 20, fields: 10_000 };
const OURS = { for: '192.0.2.1', proto: 'https', host: 'asked.example', via: VIA } as const;
const NEVER_IN_REQUESTS =
  /^(?:keep-alive|proxy-connection|proxy-authorization|http2-settings|close|x-inverting-proxy-.*|x-forwarded-(?:user|email|groups).*|forwarded|x-real-ip)$/;
const NEVER_IN_RESPONSES = /^(?:keep-alive|proxy-connection|te|close|x-inverting-proxy-.*|proxy-status)$/;

/** The one head that this text is. */
function oneHead<K extends MessageKind>(
  kind: K,
  text: string,
): NonNullable<ReturnType<HeadScanner<K>['push']>> {
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  if (Buffer.from(bytes).toString('latin1') !== text) throw new Error('it is more than latin1');
  const scanner = new HeadScanner(kind, NO_LIMITS);
  const head = scanner.push(bytes);
  if (head === undefined || scanner.consumed !== bytes.length)
    throw new Error('what is written is not one head');
  return head;
}

function orRefusal<T>(run: () => T): T | Refusal {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error;
  }
}

/** What two hops must agree about. */
const essence = ({ framing, path, upgrade, wantsTrailers, target }: RequestMeaning): unknown => [
  framing,
  path,
  target,
  upgrade ?? null,
  wantsTrailers,
];

export function checkWrittenRequest(head: RequestHead, choices: number): void {
  const meaning = orRefusal(() => readRequest(head, { viaName: VIA }));
  if (meaning instanceof Refusal || meaning.maxForwards === 0) return;
  const trustChain = (choices & 2) !== 0;
  const hostHeader = (choices & 4) === 0 ? undefined : 'backend.example:3000';
  const written = oneHead('request', writeRequestHead(head, meaning, { ...OURS, trustChain, hostHeader }));
  mustBeSame([written.method, written.version], [head.method, '1.1'], 'start line');
  const again = orRefusal(() => readRequest(written, { viaName: OTHER_VIA }));
  if (again instanceof Refusal) throw new Error(`what was accepted is refused when written: ${again.code}`);
  mustBeSame(essence(again), essence(meaning), 'meaning');
  mustBeSame(again.host, hostHeader === undefined ? meaning.host : 'backend.example', 'host');
  mustBeSame(again.keepAlive, true, 'whether it says close');
  mustBeSame(
    [...again.connectionNames].filter((name) => name !== 'upgrade' && name !== 'te'),
    [],
    'names in Connection',
  );
  const loop = orRefusal(() => readRequest(written, { viaName: VIA }));
  mustBeSame(loop instanceof Refusal && loop.code, 'loop', 'our name in Via');
  const names = [...written.fields].map(({ lower }) => lower.replaceAll('_', '-'));
  const never = names.filter(
    (name) => NEVER_IN_REQUESTS.test(name) && !(trustChain && /^forwarded|^x-real-ip/.test(name)),
  );
  mustBeSame(never, [], 'fields of the hop');
  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']) {
    const values = written.fields.all(name);
    const aliases = names.filter((each) => each === name).length;
    if (values.length === 0) throw new Error(`no ${name}`);
    if (!trustChain || name === 'x-forwarded-for') mustBeSame([values.length, aliases], [1, 1], name);
  }
  const chain = written.fields.get('x-forwarded-for') ?? '';
  if (trustChain ? !chain.endsWith(OURS.for) : chain !== OURS.for)
    throw new Error(`X-Forwarded-For: ${chain}`);
}

export function checkWrittenResponse(head: ResponseHead, choices: number): void {
  const request: RequestOfResponse = {
    method: (choices & 2) === 0 ? 'GET' : 'HEAD',
    version: '1.1',
    upgrade: (choices & 4) === 0 ? undefined : 'websocket',
  };
  const meaning = orRefusal(() => readResponse(head, request));
  if (meaning instanceof Refusal) return;
  const version = (choices & 8) === 0 || head.status < 200 ? '1.1' : '1.0';
  const client = {
    version,
    method: request.method,
    keepAlive: version === '1.1' && (choices & 16) === 0,
  } as const;
  const isInterim = meaning.interim || meaning.switching;
  const text = isInterim ? writeInterimHead(head, meaning) : writeResponseHead(head, meaning, client);
  const written = oneHead('response', text);
  mustBeSame(
    [written.status, written.reason, written.version],
    [head.status, head.reason, '1.1'],
    'status line',
  );
  const again = orRefusal(() => readResponse(written, request));
  if (again instanceof Refusal) throw new Error(`what was accepted is refused when written: ${again.code}`);
  checkFraming(again, meaning, client);
  mustBeSame([again.interim, again.switching], [meaning.interim, meaning.switching], 'kind');
  if (!isInterim)
    mustBeSame(
      again.connectionNames.has('close'),
      !client.keepAlive || again.framing.kind === 'close',
      'close',
    );
  mustBeSame(
    [...again.connectionNames].filter((name) => name !== 'upgrade' && name !== 'close'),
    [],
    'names in Connection',
  );
  const names = [...written.fields].map(({ lower }) => lower.replaceAll('_', '-'));
  mustBeSame(
    names.filter((name) => NEVER_IN_RESPONSES.test(name)),
    [],
    'fields of the hop',
  );
}

function checkFraming(
  again: ResponseMeaning,
  meaning: ResponseMeaning,
  client: { version: '1.1' | '1.0' },
): void {
  mustBeSame(again.framing.kind, responseFramingToClient(meaning, client), 'framing');
  mustBeSame(again.contentLength ?? null, meaning.contentLength ?? null, 'Content-Length');
}
