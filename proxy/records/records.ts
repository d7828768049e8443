/**
 * The backends on record: found at once, changed one change after the other, and whoever watches hears of a change when it
 * is kept. It knows no file: how a change is kept is given.
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { everyPath } from '../../shared/protocol/grammar.ts';
import type { BackendRecord } from './record.ts';

/** What a record makes its own: a host pattern and a path prefix. */
export interface RecordRoute {
  readonly host: string;
  readonly path: string;
}

/**
 * The routes that are the backend's whoever serves it. A record that names no hosts makes none its own: its agents' hosts
 * are those of their tokens.
 */
export function routesOf({ hosts, paths }: BackendRecord): RecordRoute[] {
  const prefixes = paths.length === 0 ? [everyPath] : paths;
  return hosts.flatMap((host) => prefixes.map((path) => ({ host, path })));
}

export type RecordConflictCode = 'route_on_record' | 'id_on_record' | 'too_many_records';

/** The record is well and cannot stand beside the others. */
export class RecordConflict extends TunnelError<RecordConflictCode, { readonly status: 409 }> {
  /** Which one of all, counted from 0. */
  readonly index: number;

  constructor(code: RecordConflictCode, index: number, message: string) {
    super(message, { code, scope: 'exchange', initiator: 'remote', answer: { status: 409 } });
    this.index = index;
  }
}

/** Undefined: it is no longer on record. */
export type RecordWatcher = (id: string, record: BackendRecord | undefined) => void;

/** Throws where the record is not as whoever asks believes it to be; then nothing is changed. */
export type Precondition = (current: BackendRecord | undefined) => void;

/** Settles once these are what is kept. */
export type Keep = (records: readonly BackendRecord[]) => Promise<void>;

/** As many backends as the proxy remembers while their agents are away; all of them are in memory and in one file. */
export const maxRecords = 1_000;

export class Records {
  #byId: ReadonlyMap<string, BackendRecord>;
  readonly #keep: Keep;
  readonly #watchers: RecordWatcher[] = [];
  /** The change that is under way, and those behind it. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param initial what is kept already
   * @param keep without it they are kept in memory alone
   * @throws RecordConflict
   */
  constructor(initial: readonly BackendRecord[] = [], keep: Keep = async () => {}) {
    this.#byId = new Map(initial.map((record) => [record.id, record]));
    checkTogether(initial);
    this.#keep = keep;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): BackendRecord | undefined {
    return this.#byId.get(id);
  }

  all(): BackendRecord[] {
    return [...this.#byId.values()];
  }

  /** Called in the turn in which the change can be seen. Watchers stay. */
  watch(watcher: RecordWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Puts the record in place of the one with its id. @throws RecordConflict, or whatever `expect` or keeping throws */
  put(record: BackendRecord, expect: Precondition = () => {}): Promise<'created' | 'replaced'> {
    return this.#inTurn(async () => {
      const before = this.#byId.get(record.id);
      expect(before);
      const next = new Map(this.#byId).set(record.id, record);
      await this.#replace(next, record.id);
      return before === undefined ? 'created' : 'replaced';
    });
  }

  /** False where there was none. */
  remove(id: string, expect: Precondition = () => {}): Promise<boolean> {
    return this.#inTurn(async () => {
      expect(this.#byId.get(id));
      const next = new Map(this.#byId);
      if (!next.delete(id)) return false;
      await this.#replace(next, id);
      return true;
    });
  }

  /** Kept first and told then: what was said to be done is not lost with the process. */
  async #replace(next: ReadonlyMap<string, BackendRecord>, changedId: string): Promise<void> {
    const records = [...next.values()];
    checkTogether(records);
    await this.#keep(records);
    this.#byId = next;
    for (const watcher of this.#watchers) watcher(changedId, next.get(changedId));
  }

  /** A failed change fails for whoever asked for it, and the next one begins. */
  async #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const done = Promise.withResolvers<void>();
    this.#last = done.promise;
    await before;
    try {
      return await change();
    } finally {
      done.resolve();
    }
  }
}

/** @throws RecordConflict where two records have one route, or there are too many */
export function checkTogether(records: readonly BackendRecord[]): void {
  if (records.length > maxRecords) {
    throw new RecordConflict(
      'too_many_records',
      maxRecords,
      `${maxRecords} backends are on record, and no more can be`,
    );
  }
  const ids = new Set<string>();
  const holders = new Map<string, string>();
  for (const [index, record] of records.entries()) {
    if (ids.has(record.id))
      throw new RecordConflict('id_on_record', index, `the id ${record.id} is on record twice`);
    ids.add(record.id);
    for (const { host, path } of routesOf(record)) {
      const key = `${host}${path}`;
      const holder = holders.get(key);
      if (holder !== undefined) {
        const message = `the route ${key} of ${record.id} is on record for ${holder}: one of them can have it`;
        throw new RecordConflict('route_on_record', index, message);
      }
      holders.set(key, record.id);
    }
  }
}
