/**
 * The raw messages of test/http1/vectors.json with what each of them must do to a connection, read from the words of its
 * `expect`. It knows no socket and none of the product's code: the words alone say what must be seen on the wire.
 */
import { readFileSync } from 'node:fs';

export interface Vector {
  readonly id: string;
  readonly name: string;
  readonly kind: 'request' | 'response';
  /** Of the request that a response answers. */
  readonly method?: string;
  readonly bytes: Buffer;
  readonly expect: string;
}

interface Row extends Omit<Vector, 'bytes'> {
  readonly base64: string;
}

function vectorOf({ base64, ...row }: Row): Vector {
  return { ...row, bytes: Buffer.from(base64, 'base64') };
}

export function readVectors(kind: Vector['kind']): Vector[] {
  const url = new URL('../http1/vectors.json', import.meta.url);
  const rows: readonly Row[] = JSON.parse(readFileSync(url, 'utf8'));
  return rows.filter((row) => row.kind === kind).map(vectorOf);
}

/** A request as a backend must get it; the body decoded, latin1. */
export interface ExpectedRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

export interface Refused {
  readonly status: number;
  readonly reason: string;
}

/** What a client connection that sends a vector must come to. */
export interface RequestOutcome {
  /** Complete ones, in order. */
  readonly requests: readonly ExpectedRequest[];
  /** Its head passes, its body never ends well: no backend may take it for complete. */
  readonly unfinished: Omit<ExpectedRequest, 'body'> | undefined;
  readonly refused: Refused | undefined;
  /** What is left when all is answered: `waiting` is a request still on its way, `raw` what follows an upgrade. */
  readonly ending: 'open' | 'closed' | 'waiting' | 'raw';
}

const STEP = /^(\S+) (\S+) (none|sized|chunked)(?: (".*"))?(?: UPG)?$/;

/** R38 says in words what the others say as a verdict: QUERY is forwarded, and Content-Length: 0 is no body. */
const IN_OTHER_WORDS: Readonly<Record<string, string>> = { R38: 'QUERY /a none' };

export function requestOutcome(vector: Vector): RequestOutcome {
  const steps = (IN_OTHER_WORDS[vector.id] ?? vector.expect).split(' → ');
  const last = steps.at(-1) ?? '';
  const refused = refusalIn(last);
  const requests = steps.flatMap((step) => requestIn(step) ?? []);
  const isCutShort = last === '[wait body]' || (refused !== undefined && requests.length > 0);
  const unfinished = isCutShort ? requests.pop() : undefined;
  return { requests, unfinished, refused, ending: endingIn(last) };
}

function endingIn(last: string): RequestOutcome['ending'] {
  if (last === '[wait body]') return 'waiting';
  if (last.startsWith('[hold ')) return 'raw';
  return refusalIn(last) !== undefined || last.startsWith('[close') ? 'closed' : 'open';
}

function refusalIn(step: string): Refused | undefined {
  const [, status, reason] = /^(\d{3}) \((.*)\)$/.exec(step) ?? [];
  return reason === undefined ? undefined : { status: Number(status), reason };
}

function requestIn(step: string): ExpectedRequest | undefined {
  const [, method, target, , quoted] = STEP.exec(step) ?? [];
  if (method === undefined || target === undefined) return undefined;
  return { method, target, body: quoted === undefined ? '' : String(JSON.parse(quoted)) };
}

/** What a client must get of a backend that says a response vector. */
export interface ResponseOutcome {
  /** 1xx before the final answer. */
  readonly interim: readonly number[];
  /**
   * refused: 502, nothing of the vector · aborted: a head of that status at most, perhaps the beginning of its body, and a
   * reset · answered: all of it · switched: 101 and raw bytes.
   */
  readonly kind: 'refused' | 'aborted' | 'answered' | 'switched';
  readonly status: number;
  readonly framing: string;
  /** Decoded, latin1. Of an aborted answer as much as may have been sent. */
  readonly body: string;
  /** The backend has said more than its answer: its connection must not be used again. */
  readonly hasExcess: boolean;
  /** It takes the end of the backend's connection to come to this verdict. */
  readonly needsEnd: boolean;
}

const ANSWER = /^(\d{3}) (none|sized|chunked|close|tunnel)(?: (".*"))?(?: no-reuse)?$/;

export function responseOutcome({ expect, bytes }: Vector): ResponseOutcome {
  const steps = expect.split(' → ');
  const answers = steps.flatMap((step) => {
    const [, status, framing, quoted] = ANSWER.exec(step) ?? [];
    if (framing === undefined) return [];
    return { status: Number(status), framing, body: quoted === undefined ? '' : String(JSON.parse(quoted)) };
  });
  const last = steps.at(-1) ?? '';
  const final = answers.pop();
  const needsEnd = /EOF|truncated|^200 close/.test(last);
  const rest = {
    interim: answers.map(({ status }) => status),
    needsEnd,
    hasExcess: last.includes(' extra B'),
  };
  if (final === undefined) return { ...rest, kind: 'refused', status: 502, framing: 'sized', body: '' };
  const { status, framing } = final;
  const isAborted = last.startsWith('ABORT') || refusalIn(last) !== undefined;
  // The words quote no more than 30 bytes of what ends with the connection.
  const body = framing === 'close' ? bytes.toString('latin1', bytes.indexOf('\r\n\r\n') + 4) : final.body;
  const kind = isAborted ? 'aborted' : framing === 'tunnel' ? 'switched' : 'answered';
  return { ...rest, kind, status, framing, body };
}
