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
import { directPatienceMs, patienceMs, play, type Transcript } from './play.ts';
import { readRequests, type ReadRequest, type Reading } from './reading.ts';
import type { BackendRecord } from './record.ts';
import { compareStraight, isFitForStraight, type Straight } from './straight.ts';

export interface Outcome extends Judgement {
  readonly case: Case;
  readonly backend: BackendName;
  readonly reading: Reading;
  /** How the backend's parser read the same bytes without the edge, where they are fit for that. */
  readonly straight: Straight | undefined;
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
const refusalWithinMs = 500;
/**
 * What a backend may refuse a request for though its first line and Host are plain. Any other refusal would mean that the
 * edge has written something wrongly.
 */
const knownRefusals: { readonly [Name in BackendName]: readonly string[] } = {
  node: [],
  // It decodes heads as ASCII, by which 0x8D becomes CR.
  'http-parser-js': ['400 HPE_LF_EXPECTED'],
  // If-Match, when there is nothing to match.
  nginx: ['412'],
  // Expect on two lines.
  apache: ['417'],
  // Not more than 100 fields, with those that the edge adds.
  python: ['431 431 Too many headers'],
  h11: [],
};
/** Every so many runs are repeated without the edge. */
const straightEvery = 5;
/** So many judged cases are remembered, to name the one that a late record belongs to. */
const remembered = 20_000;

interface Running {
  readonly backend: BackendName;
  readonly reading: Reading;
  readonly records: BackendRecord[];
  onRecord: () => void;
}

interface Played {
  readonly id: number;
  readonly bytes: Buffer;
  readonly running: Running;
  readonly transcript: Transcript;
  readonly isRouted: (host: string) => boolean;
}

export class Trials {
  readonly #strays: Stray[] = [];
  /** Records that name no case: a parser may refuse a message before it has seen whose it is. */
  readonly #unnamed: Stray[] = [];
  /** For each backend, how many refusals a client was told of, and not we. */
  readonly #untold = new Map<string, number>();
  #arena: Arena | undefined;
  readonly #running = new Map<number, Running>();
  /** Cases played without the edge: whatever comes late is of no interest. */
  readonly #straight = new Set<number>();
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
    const { id, bytes, running, transcript, isRouted } = await this.#play(theCase, backend);
    const { reading, records } = running;
    const judgement = judge({ reading, transcript, records });
    this.#running.delete(id);
    this.#judged.set(id, { case: theCase, partial: reading.partial, awaited: [...judgement.awaited] });
    count(this.#untold, backend.name, judgement.awaited.length);
    this.#judged.delete(id - remembered);
    const disagreements = [...judgement.disagreements];
    const whole = readRequests([bytes], isRouted);
    if (JSON.stringify(whole) !== JSON.stringify(reading)) disagreements.push('read another way when cut');
    const isTurn = this.#arena?.isDirect === false && id % straightEvery === 0;
    const isStraight = isTurn && isFitForStraight(reading);
    const straight = isStraight ? await this.#runStraight(theCase, backend) : undefined;
    for (const reason of judgement.plainRefusals) {
      if (!knownRefusals[backend.name].includes(reason))
        disagreements.push(`refused though it is plain: ${reason}`);
    }
    const { understood, backendRefusals, plainRefusals, awaited, answeredHere, unread } = judgement;
    const counted = { understood, backendRefusals, plainRefusals, awaited, answeredHere, unread };
    return {
      ...counted,
      case: theCase,
      backend: backend.name,
      reading,
      disagreements,
      straight,
    };
  }

  /** In one piece, so that a refusal always says whose message it refuses. */
  async #runStraight({ message }: Case, backend: Backend): Promise<Straight> {
    const theCase = { message, cuts: 'whole', halfClosesAtOnce: false } as const;
    const { id, running } = await this.#play(theCase, backend, backend.port);
    this.#running.delete(id);
    this.#straight.add(id);
    return compareStraight(running.reading, running.records);
  }

  async #play(theCase: Case, backend: Backend, port = this.#arena?.portFor(backend) ?? 0): Promise<Played> {
    this.#played += 1;
    const id = this.#played;
    const isRouted = (host: string): boolean => isHostOf(backend.code, host);
    const bytes = Buffer.from(address(theCase.message, id, backend.code), 'latin1');
    const pieces = cut(bytes, theCase.cuts);
    const reading = readRequests(pieces, isRouted);
    const running: Running = { backend: backend.name, reading, records: [], onRecord: () => undefined };
    this.#running.set(id, running);
    const { requests, partial, refusedMethod, end } = reading;
    const transcript = await play({
      port,
      pieces,
      halfClosesAtOnce: theCase.halfClosesAtOnce,
      answers: requests.length + (end.kind === 'refused' ? 1 : 0),
      methods: [...requests.map(({ method }) => method), partial?.method ?? refusedMethod ?? ''],
      whole: requests.length,
      withinMs: port === backend.port ? directPatienceMs : patienceMs,
    });
    const byBackend = transcript.answers.filter(({ proxyStatus }) => proxyStatus === undefined);
    await recorded(running, byBackend.filter(isServed).length, byBackend.length);
    return { id, bytes, running, transcript, isRouted };
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
    if (this.#straight.has(caseOf(record.host, record.target, record.body) ?? 0)) return;
    const index = judged?.awaited.findIndex((request) => isPartOf(record, request)) ?? -1;
    if (judged !== undefined && index !== -1) {
      judged.awaited.splice(index, 1);
      count(this.#untold, backend, -1);
    } else if (judged?.partial === undefined || !isPartOf(record, judged.partial)) {
      this.#strays.push({ backend, record, case: judged?.case });
    }
  }
}

/** Resolves when so many messages, and so many records in all, have come, or the time for them has passed. */
function recorded(running: Running, messages: number, records: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const isTold = (): boolean => running.records.filter(({ kind }) => kind === 'request').length >= messages;
  const timer = setTimeout(resolve, recordWithinMs);
  // A refusal that does not say whose it is never comes.
  const refusalTimer = setTimeout(() => isTold() && resolve(), refusalWithinMs);
  running.onRecord = () => {
    if (isTold() && running.records.length >= records) resolve();
  };
  running.onRecord();
  return promise.finally(() => {
    clearTimeout(timer);
    clearTimeout(refusalTimer);
  });
}
