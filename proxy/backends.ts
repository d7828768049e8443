/**
 * The backends on record, wired: kept in DATA_DIR or in memory, made routes of, enforced on links, and shown with their
 * last use. The rooms that do each of it are given here what they need of the others.
 */
import { SettingError } from '../shared/config/setting-error.ts';
import { TunnelError } from '../shared/errors/tunnel-error.ts';
import type { ExchangeRecord } from './exchange.ts';
import type { BackendRecord } from './records/record.ts';
import { Records, routesOf } from './records/records.ts';
import type { RecordRoute } from './records/records.ts';

/** Who has to do as the records say. */
export interface Enforcers {
  readonly registry: { setRecorded(backendId: string, routes: readonly RecordRoute[]): void };
  readonly gateway: { closeBackend(backendId: string, reason: string): void; review(): void };
}

export class Backends {
  readonly records: Records;
  /** Bound: it is given away by itself. */
  readonly recordOf = (backendId: string): BackendRecord | undefined => this.records.get(backendId);
  /** Of ids on record: when the last request for it came, by the wall clock. */
  readonly #usedMs = new Map<string, number>();

  constructor(records: Records) {
    this.records = records;
    records.watch((id, record) => {
      if (record === undefined) this.#usedMs.delete(id);
    });
  }

  /** @throws SettingError where what is kept cannot be understood, or nothing can be kept there */
  static async open(dataDir: string | undefined): Promise<Backends> {
    if (dataDir === undefined) return new Backends(new Records());
    const { openRecordsFile } = await import('./records/records-file.ts');
    try {
      const { records, keep } = await openRecordsFile(dataDir);
      return new Backends(new Records(records, keep));
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      throw new SettingError([
        { code: 'unreadable', setting: 'DATA_DIR', line: `DATA_DIR: ${error.message}` },
      ]);
    }
  }

  lastUsedMs(backendId: string): number | undefined {
    return this.#usedMs.get(backendId);
  }

  /** A client's exchange is over. */
  note({ backendId }: ExchangeRecord): void {
    if (backendId === undefined || this.records.get(backendId) === undefined) return;
    this.#usedMs.set(backendId, Date.now());
  }

  enforce({ registry, gateway }: Enforcers): void {
    for (const record of this.records.all()) registry.setRecorded(record.id, routesOf(record));
    this.records.watch((id, record) => {
      registry.setRecorded(id, record === undefined ? [] : routesOf(record));
      // It comes back at once where a token is enough, and is judged as anybody who comes.
      if (record === undefined) gateway.closeBackend(id, 'not_on_record');
      gateway.review();
    });
  }
}
