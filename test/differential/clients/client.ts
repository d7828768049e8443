/** What every client of the response cases is: something that asks for a path and says what it was given. */

export interface Fetched {
  /** 0 where no answer was understood. */
  readonly status: number;
  /** Latin1. */
  readonly body: string;
  /** Proxy-Status, where it stands in it: the proxy has made the answer. */
  readonly proxyStatus: string | undefined;
  /** What was wrong in the client's eyes; undefined where it took the answer for whole. */
  readonly error: string | undefined;
}

export interface FetchRequest {
  readonly id: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

export interface Client {
  readonly name: string;
  /** How many requests it may be asked for at once. */
  readonly concurrency: number;
  /** False: it takes an interim answer other than 100 for the final one, and is not asked where there is one. */
  readonly readsEveryInterim: boolean;
  fetch(request: FetchRequest): Promise<Fetched>;
  stop(): Promise<void>;
}

/** The same parser twice: behind the edge, its connections kept, and straight at the backend, each answer on its own. */
export interface Pair {
  readonly behind: Client;
  /** Undefined for a client that is there for what the edge writes. */
  readonly before: Client | undefined;
  /** Whether what it reads without the edge has to be what it reads behind it. */
  readonly isJudge: boolean;
}
