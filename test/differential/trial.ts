/**
 * One case at one backend: sent, answered, recorded, judged. Many go on at once; what backends say is told apart by the
 * number in each message. It knows no generator and prints nothing.
 */
import { type Arena, startArena } from './arena.ts';
import type { Backend } from './backends.ts';
import { cut, type Case } from './case.ts';
import { isPartOf, isSame, isServed, judge, type Judgement } from './judge.ts';
import { count } from './counts.ts';
import { address, caseOf, isHostOf } from './marker.ts';
import type { BackendName } from './options.ts';
import { patienceMs, play } from './play.ts';
import { readRequests, type ReadRequest, type Reading } from './reading.ts';
import type { BackendRecord } from './record.ts';

export interface Outcome extends Judgement {
  readonly case: Case;
  readonly backend: BackendName;
  readonly reading: Reading;
}

/** A record that fits no case, or that came when its case had been judged. */
export interface Stray {
  readonly backend: BackendName;
  readonly record: BackendRecord;
  readonly case: Case | undefined;
}

interface Judged {
  readonly case: Case;
  readonly partial: ReadRequest | undefined;
  /** Refusals that the backend has not told of yet. */
  readonly awaited: ReadRequest[];
}

/** A record comes by another way than its answer, and perhaps behind it. */
const recordWithinMs = 5_000;
/** A backend that nothing stands before may wait for ever for what it takes for the rest of a message. */
const directPatienceMs = 1_500;
/** So many judged cases are remembered, to name the one that a late record belongs to. */
const remembered = 20_000;

interface Running {
  readonly backend: BackendName;
  readonly reading: Reading;
  readonly records: BackendRecord[];
  onRecord: () => void;
}

export class Trials {
  readonly #strays: Stray[] = [];
  /** Records that name no case: a parser may refuse a message before it has seen whose it is. */
  readonly #unnamed: Stray[] = [];
  /** For each backend, how many refusals a client was told of, and not we. */
  readonly #untold = new Map<string, number>();
  #arena: Arena | undefined;
  readonly #running = new Map<number, Running>();
  readonly #judged = new Map<number, Judged>();
  #played = 0;

  static async start(options: {
    backends: readonly BackendName[] | undefined;
    direct: boolean;
  }): Promise<Trials> {
    const trials = new Trials();
    trials.#arena = await startArena({
      ...options,
      onRecord: (backend, record) => trials.#note(backend, record),
    });
    return trials;
  }

  get backends(): readonly Backend[] {
    return this.#arena?.backends ?? [];
  }

  async stop(): Promise<void> {
    await this.#arena?.stop();
  }

  async run(theCase: Case, backend: Backend): Promise<Outcome> {
    this.#played += 1;
    const id = this.#played;
    const isRouted = (host: string): boolean => isHostOf(backend.code, host);
    const bytes = Buffer.from(address(theCase.message, id, backend.code), 'latin1');
    const pieces = cut(bytes, theCase.cuts);
    const reading = readRequests(pieces, isRouted);
    const running: Running = { backend: backend.name, reading, records: [], onRecord: () => undefined };
    this.#running.set(id, running);
    const isRefused = reading.end.kind === 'refused';
    const transcript = await play({
      port: this.#arena?.portFor(backend) ?? 0,
      pieces,
      halfClosesAtOnce: theCase.halfClosesAtOnce,
      answers: reading.requests.length + (isRefused ? 1 : 0),
      methods: [...reading.requests, ...(reading.partial === undefined ? [] : [reading.partial])].map(
        ({ method }) => method,
      ),
      whole: reading.requests.length,
      withinMs: this.#arena?.isDirect === true ? directPatienceMs : patienceMs,
    });
    const answered = transcript.answers.filter(isServed);
    await recorded(running, answered.length);
    const { records } = running;
    const { halfClosesAtOnce } = theCase;
    const judgement = judge({ reading, transcript, records, halfClosesAtOnce });
    this.#running.delete(id);
    this.#judged.set(id, { case: theCase, partial: reading.partial, awaited: [...judgement.awaited] });
    count(this.#untold, backend.name, judgement.awaited.length);
    this.#judged.delete(id - remembered);
    const whole = JSON.stringify(readRequests([bytes], isRouted));
    const disagreements =
      whole === JSON.stringify(reading)
        ? judgement.disagreements
        : [...judgement.disagreements, 'read another way when cut'];
    const { understood, backendRefusals, awaited, answeredHere, unread } = judgement;
    return {
      understood,
      backendRefusals,
      awaited,
      answeredHere,
      unread,
      case: theCase,
      backend: backend.name,
      reading,
      disagreements,
    };
  }

  /** What belongs to no case; to be asked for when all have been run. */
  strays(): readonly Stray[] {
    const untold = new Map(this.#untold);
    const unnamed = this.#unnamed.filter(({ backend }) => {
      const left = untold.get(backend) ?? 0;
      untold.set(backend, left - 1);
      return left <= 0;
    });
    return [...this.#strays, ...unnamed];
  }

  #note(backend: BackendName, record: BackendRecord): void {
    const id = caseOf(record.host, record.target, record.body);
    const running = id === undefined ? this.#findRunning(backend, record) : this.#running.get(id);
    if (running !== undefined) {
      running.records.push(record);
      running.onRecord();
    } else if (id === undefined) {
      this.#unnamed.push({ backend, record, case: undefined });
    } else {
      this.#noteLate(backend, record, this.#judged.get(id));
    }
  }

  /** The case of a message that had its number changed to something else in every place where it stood. */
  #findRunning(backend: BackendName, record: BackendRecord): Running | undefined {
    if (record.kind !== 'request') return undefined;
    return [...this.#running.values()].find(
      (running) =>
        running.backend === backend &&
        running.reading.requests.some((request) => isSame(record, request) && record.body === request.body) &&
        running.records.every((known) => !(known.target === record.target && known.body === record.body)),
    );
  }

  /** What a client broke off, or a backend refused, may be told of when its case is over; a message may not. */
  #noteLate(backend: BackendName, record: BackendRecord, judged: Judged | undefined): void {
    const index = judged?.awaited.findIndex((request) => isPartOf(record, request)) ?? -1;
    if (judged !== undefined && index !== -1) {
      judged.awaited.splice(index, 1);
      count(this.#untold, backend, -1);
    } else if (judged?.partial === undefined || !isPartOf(record, judged.partial)) {
      this.#strays.push({ backend, record, case: judged?.case });
    }
  }
}

/** Resolves when so many messages have been recorded, or the time for it has passed. */
function recorded(running: Running, messages: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, recordWithinMs);
  running.onRecord = () => {
    if (running.records.filter(({ kind }) => kind === 'request').length >= messages) resolve();
  };
  running.onRecord();
  return promise.finally(() => clearTimeout(timer));
}
