/**
 * Compares the three tellings of one case at one backend: what the rules read in its bytes, what the client was answered,
 * and what the backend says it understood. They must tell of the same messages, each with one body.
 */
import type { Answer } from './answers.ts';
import type { Transcript } from './play.ts';
import type { ReadRequest, Reading } from './reading.ts';
import type { BackendRecord } from './record.ts';

export interface Told {
  readonly reading: Reading;
  readonly transcript: Transcript;
  readonly records: readonly BackendRecord[];
}

export interface Judgement {
  /** What does not fit, in words; empty when all is well. */
  readonly disagreements: readonly string[];
  /** Requests that the backend understood, the same in all tellings. */
  readonly understood: number;
  /** Accepted here, and not to the backend's liking: its reasons. */
  readonly backendRefusals: readonly string[];
  /** The reasons for those among them that have nothing unusual in their first line and Host. */
  readonly plainRefusals: readonly string[];
  /** Requests whose refusal the backend has not told of: its record may be late, or not say what it was. */
  readonly awaited: readonly ReadRequest[];
  /** Requests that the proxy answers itself: no route, or the last hop of Max-Forwards. */
  readonly answeredHere: number;
  /** Requests behind the end of the connection: nobody was told that they were accepted. */
  readonly unread: number;
}

export function judge(told: Told): Judgement {
  const comparison = new Comparison(told);
  comparison.compareAnswers();
  comparison.compareRecords();
  return comparison;
}

class Comparison implements Judgement {
  readonly disagreements: string[] = [];
  understood = 0;
  readonly backendRefusals: string[] = [];
  readonly plainRefusals: string[] = [];
  readonly awaited: ReadRequest[] = [];
  answeredHere = 0;
  unread = 0;
  readonly #told: Told;
  readonly #answered: ReadRequest[] = [];
  readonly #refusedByBackend: ReadRequest[] = [];
  #hasClosed = false;

  constructor(told: Told) {
    this.#told = told;
  }

  compareAnswers(): void {
    const { reading, transcript } = this.#told;
    const { answers, wrong, leaving } = transcript;
    if (wrong !== undefined) this.#disagree(`the client got something that is no answer: ${wrong}`);
    if (leaving === 'silence') this.#disagree('the edge neither answered nor closed');
    let index = 0;
    for (const request of reading.requests) {
      const answer = answers[index];
      if (this.#hasClosed) {
        this.unread += 1;
        continue;
      }
      if (answer === undefined) {
        this.#disagree(`no answer to ${nameOf(request)}`);
        continue;
      }
      index += 1;
      this.#compareAnswer(request, answer);
      this.#hasClosed = answer.closes;
      const mayClose = !isServed(answer) || request === reading.requests.at(-1);
      if (answer.closes && !mayClose) this.#disagree(`closed behind ${nameOf(request)}, before its time`);
    }
    index += this.#comparePartial(answers[index]);
    index += this.#compareEnd(answers[index]);
    for (const answer of answers.slice(index)) {
      this.#disagree(`an answer to no request: ${describe(answer)}`);
    }
  }

  compareRecords(): void {
    const left = [...this.#told.records];
    const take = (isIt: (record: BackendRecord) => boolean): BackendRecord | undefined => {
      const index = left.findIndex(isIt);
      return index === -1 ? undefined : left.splice(index, 1)[0];
    };
    for (const request of this.#answered) {
      const record = take(
        (found) => found.kind === 'request' && isSame(found, request) && found.body === request.body,
      );
      if (record !== undefined) this.understood += 1;
      else
        this.#disagree(
          `the backend did not understand ${nameOf(request)} with the body ${quote(request.body)}`,
        );
    }
    for (const request of this.#refusedByBackend) {
      if (take((found) => found.kind !== 'request' && isSame(found, request)) === undefined)
        this.awaited.push(request);
    }
    const { partial } = this.#told.reading;
    // What is no message may be told of more than once: by the server and by the log behind it.
    if (partial !== undefined) {
      const isTold = take((found) => isPartOf(found, partial)) !== undefined;
      if (!isTold) this.awaited.push(partial);
      while (take((found) => isPartOf(found, partial)) !== undefined);
    }
    for (const record of left) {
      const { kind, method, target, body, reason } = record;
      this.#disagree(`the backend has one too many: ${kind} ${method} ${target} ${quote(body)} ${reason}`);
    }
  }

  #compareAnswer(request: ReadRequest, answer: Answer): void {
    const isOurs = answer.proxyStatus !== undefined;
    if (request.answeredBy !== 'backend') {
      this.answeredHere += 1;
      if (answer.status !== request.answeredBy) {
        this.#disagree(`${nameOf(request)} should have got ${request.answeredBy}: ${describe(answer)}`);
      }
      return;
    }
    if (isOurs) {
      this.#disagree(`${nameOf(request)} was accepted and not answered by the backend: ${describe(answer)}`);
    } else if (isServed(answer)) {
      this.#answered.push(request);
      if (answer.seen !== nameOf(request)) {
        this.#disagree(`${nameOf(request)} got the answer to ${answer.seen}`);
      }
    } else {
      this.#refusedByBackend.push(request);
      const reason = this.#reasonFor(request, answer);
      this.backendRefusals.push(reason);
      if (request.isPlain) this.plainRefusals.push(reason);
    }
  }

  /** A request that is not all there may be answered early, if the backend does not want it. Gives the answers used. */
  #comparePartial(answer: Answer | undefined): number {
    const { partial } = this.#told.reading;
    if (partial === undefined || answer === undefined || this.#hasClosed) return 0;
    if (answer.proxyStatus !== undefined && partial.answeredBy === 'backend') return 0;
    if (partial.answeredBy !== 'backend') {
      this.#hasClosed = answer.closes;
      return answer.status === partial.answeredBy ? 1 : 0;
    }
    if (answer.status < 300) {
      this.#disagree(`the backend answered ${nameOf(partial)}, which is not all there: ${describe(answer)}`);
    } else {
      this.backendRefusals.push(this.#reasonFor(partial, answer));
    }
    this.#hasClosed = answer.closes;
    return 1;
  }

  /** The refusal that ends the connection. Gives the answers used. */
  #compareEnd(answer: Answer | undefined): number {
    const { end } = this.#told.reading;
    if (end.kind !== 'refused' || this.#hasClosed) return 0;
    if (answer === undefined) {
      this.#disagree(`no answer ${end.status} (${end.code})`);
      return 0;
    }
    if (answer.proxyStatus === undefined || answer.status !== end.status) {
      this.#disagree(`should have been refused with ${end.status} (${end.code}): ${describe(answer)}`);
    }
    return 1;
  }

  #reasonFor(request: ReadRequest, answer: Answer): string {
    const record = this.#told.records.find((found) => found.kind !== 'request' && isSame(found, request));
    const reason = record?.reason ?? '';
    return reason === '' || reason === String(answer.status)
      ? String(answer.status)
      : `${answer.status} ${reason}`;
  }

  #disagree(text: string): void {
    this.disagreements.push(text);
  }
}

/** The backend has taken it for a message and answered that, and not refused it. */
export function isServed({ status, proxyStatus, seen }: Answer): boolean {
  return proxyStatus === undefined && seen !== undefined && status >= 200 && status < 300;
}

export function isSame(record: BackendRecord, request: ReadRequest): boolean {
  return record.method === request.method && record.target === request.target;
}

/** A record that the message was broken off or refused. */
export function isPartOf(record: BackendRecord, partial: ReadRequest): boolean {
  return record.kind !== 'request' && isSame(record, partial);
}

function nameOf({ method, target }: ReadRequest): string {
  return `${method} ${target}`;
}

function describe({ status, proxyStatus, seen, body }: Answer): string {
  const who = proxyStatus === undefined ? `the backend, having seen ${quote(seen ?? '')}` : proxyStatus;
  return `${status} by ${who}, ${quote(body.toString('latin1', 0, 80))}`;
}

export function quote(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}
