/** One response case with one client: put before the backend, asked for through the edge, judged. */
import { cut } from './case.ts';
import type { Fetched, Pair } from './clients/client.ts';
import { address } from './marker.ts';
import type { ResponseCase } from './response-case.ts';
import { type AnswerReading, readAnswer } from './response-reading.ts';
import { quote } from './judge.ts';
import type { ScriptedBackend } from './scripted.ts';

/** Behind an agent that keeps the backend's connections. */
export const pooledCode = 'sc';
/**
 * Behind an agent that keeps none. What a backend says behind the end of an answer can come when its connection serves
 * another request already, and nobody can tell the two apart: such cases would change what others get.
 */
export const unpooledCode = 'sx';

export interface AnswerOutcome {
  readonly case: ResponseCase;
  readonly client: string;
  readonly reading: AnswerReading;
  readonly disagreement: string | undefined;
  /** The proxy says that the backend's connection closed before it answered: it was one that closed behind another answer. */
  readonly isLost: boolean;
  /** What the same parser makes of the backend's own bytes, where the edge let them through. */
  readonly before: 'alike' | 'refused' | 'otherwise' | undefined;
}

export class AnswerTrials {
  readonly #backend: ScriptedBackend;
  #count = 0;

  constructor(backend: ScriptedBackend) {
    this.#backend = backend;
  }

  /** Undefined where the client could not read it however well it were written. */
  async run(theCase: ResponseCase, { behind, before, isJudge }: Pair): Promise<AnswerOutcome | undefined> {
    this.#count += 1;
    const id = this.#count;
    const name = `c${String(id).padStart(8, '0')}`;
    const bytes = Buffer.from(address(theCase.message, id, pooledCode), 'latin1');
    const { method } = theCase;
    const reading = readAnswer(bytes, method, theCase.end === 'reset' ? 'reset' : 'fin');
    const code = reading.kind === 'whole' && !reading.hasExcess ? pooledCode : unpooledCode;
    if (reading.hasOddInterim && !behind.readsEveryInterim) return undefined;
    const end = theCase.end === 'keep' && !reading.endsByItself ? 'fin' : theCase.end;
    this.#backend.set(id, { pieces: cut(bytes, theCase.cuts), end });
    const request = { id, method, host: `${name}.${code}.test`, path: `/${name}` };
    const fetched = await behind.fetch(request);
    const isLost = reading.kind === 'whole' && fetched.proxyStatus?.includes('"backend_reset"') === true;
    const disagreement = judge(reading, fetched, isLost || theCase.end === 'reset');
    const outcome = { case: theCase, client: behind.name, reading, disagreement, isLost };
    const isThrough =
      fetched.error === undefined && fetched.proxyStatus === undefined && theCase.end !== 'reset';
    const plain = isThrough ? await before?.fetch(request) : undefined;
    this.#backend.forget(id);
    if (plain === undefined) return { ...outcome, before: undefined };
    const difference = compare(fetched, plain);
    if (difference === undefined)
      return { ...outcome, before: plain.error === undefined ? 'alike' : 'refused' };
    return {
      ...outcome,
      disagreement: disagreement ?? (isJudge ? difference : undefined),
      before: 'otherwise',
    };
  }
}

/** How a client says that an answer has no end, and not that it does not like it. */
const saysCut =
  /aborted|hang up|ECONNRESET|not complete|IncompleteRead|ConnectionReset|RemoteDisconnected|peer closed|closed before|invalid EOF/i;

/** What came through the edge as a whole must be a whole without it, and the same, to a parser that takes it at all. */
function compare(fetched: Fetched, plain: Fetched): string | undefined {
  const story = `${describe(fetched)} behind the edge, and without it ${describe(plain)}`;
  if (plain.error !== undefined) return saysCut.test(plain.error) ? story : undefined;
  return fetched.status === plain.status && fetched.body === plain.body ? undefined : story;
}

/** What does not fit, or undefined. A reset may overtake what was said before it. */
function judge(reading: AnswerReading, fetched: Fetched, mayBeLost: boolean): string | undefined {
  const isOurs = fetched.proxyStatus !== undefined;
  const isFailure = fetched.error !== undefined || (isOurs && fetched.status >= 500);
  const got = `got ${describe(fetched)}`;
  switch (reading.kind) {
    case 'whole': {
      if (isFailure) return mayBeLost ? undefined : `${describeReading(reading)}: ${got}`;
      if (isOurs) return `no answer of the proxy's own is due: ${got}`;
      const isSame = fetched.status === reading.status && fetched.body === reading.body;
      return isSame ? undefined : `${describeReading(reading)}: ${got}`;
    }
    case 'refused':
      if (isOurs && fetched.status === 502 && fetched.error === undefined) return undefined;
      return `502 is due: ${got}`;
    case 'cut':
      return isFailure ? undefined : `a cut answer looks whole: ${got}`;
    default:
      return reading.kind satisfies never;
  }
}

function describe({ status, proxyStatus, body, error }: Fetched): string {
  const text = body.length > 200 ? `${body.slice(0, 200)}… (${body.length})` : body;
  return `${status}${proxyStatus === undefined ? '' : ` of ${proxyStatus}`} ${quote(text)}${error === undefined ? '' : `, ${error}`}`;
}

function describeReading({ status, body }: AnswerReading): string {
  const text = body.length > 200 ? `${body.slice(0, 200)}… (${body.length})` : body;
  return `${status} ${quote(text)} is due`;
}
