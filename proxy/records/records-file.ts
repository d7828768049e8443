/**
 * The backends on record in a file, `backends.json` in DATA_DIR: read at start, replaced as a whole with each change. What
 * is in it is never guessed at: a file that cannot be understood stops the start, and one that somebody else has changed is
 * not overwritten. Loaded only where there is a DATA_DIR.
 */
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { access, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { JsonViolation, readLocatedJson } from './located-json.ts';
import type { LocatedJson } from './located-json.ts';
import type { BackendRecord } from './record.ts';
import type { Keep } from './records.ts';
import { readRecord, RecordViolation, writeRecord } from './record-reader.ts';
import { checkTogether, RecordConflict } from './records.ts';

export const recordsFileName = 'backends.json';

export type RecordsFileCode = 'unreadable' | 'broken' | 'changed_elsewhere' | 'unwritable';

/** The message names the file, the line where there is one, and what would be right. */
export class RecordsFileError extends TunnelError<RecordsFileCode, { readonly status: 503 }> {
  constructor(code: RecordsFileCode, message: string, cause?: unknown) {
    super(message, { code, scope: 'setting', initiator: 'local', answer: { status: 503 }, cause });
  }
}

export interface RecordsFile {
  readonly records: readonly BackendRecord[];
  /** Settles once these are in the file, also after a loss of power. One after the other. @throws RecordsFileError */
  readonly keep: Keep;
}

/** More than a thousand records with long lists of people have. */
const maxFileBytes = 64 * 1024 * 1024;
const version = 1;
/** People's e-mail addresses are in it. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** @throws RecordsFileError */
export async function openRecordsFile(directory: string): Promise<RecordsFile> {
  const path = join(directory, recordsFileName);
  try {
    await mkdir(directory, { recursive: true, mode: directoryMode });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new RecordsFileError('unwritable', `${directory} cannot be written to (${codeOf(error)})`, error);
  }
  const text = await readText(path);
  const records = text === undefined ? [] : readRecords(path, text);
  let seen = await identityOf(path);
  const keep: Keep = async (next) => {
    if ((await identityOf(path)) !== seen) {
      const message = `${path} was changed by somebody else than this proxy: restart the proxy to take it over`;
      throw new RecordsFileError('changed_elsewhere', message);
    }
    try {
      await writeFileAtomic(path, writeRecords(next), { mode: fileMode, fsync: true });
      seen = await identityOf(path);
      await syncDirectory(directory);
    } catch (error) {
      throw new RecordsFileError('unwritable', `${path} cannot be written (${codeOf(error)})`, error);
    }
  };
  return { records, keep };
}

/** Undefined where there is no such file yet. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > maxFileBytes) {
      throw new RecordsFileError('broken', `${path} has more than ${maxFileBytes} bytes`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof RecordsFileError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof TypeError) throw new RecordsFileError('broken', `${path} is not in UTF-8`, error);
    throw new RecordsFileError('unreadable', `${path} cannot be read (${codeOf(error)})`, error);
  }
}

function readRecords(path: string, text: string): BackendRecord[] {
  let json: LocatedJson | undefined;
  try {
    json = readLocatedJson(text);
    const records = listIn(json.value).map((value, index) => readRecord(value, ['backends', index]));
    checkTogether(records);
    return records;
  } catch (error) {
    const line = lineOf(error, json);
    if (line === undefined) throw error;
    const reason = error instanceof Error ? error.message : '';
    throw new RecordsFileError('broken', `${path}, line ${line}: ${reason}`, error);
  }
}

/** Where what is wrong stands. Undefined: the error is none about the file. */
function lineOf(error: unknown, json: LocatedJson | undefined): number | undefined {
  if (error instanceof JsonViolation) return error.line;
  if (error instanceof RecordViolation) return json?.lineOf(error.path);
  return error instanceof RecordConflict ? json?.lineOf(['backends', error.index]) : undefined;
}

/** The list of records; what is around it is ours to know. */
function listIn(value: unknown): readonly unknown[] {
  const members = typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  const list: unknown = members?.get('backends');
  const foreign = [...(members?.keys() ?? [])].find((name) => name !== 'version' && name !== 'backends');
  if (members?.get('version') !== version || !Array.isArray(list) || foreign !== undefined) {
    const path = foreign === undefined ? ['version'] : [foreign];
    throw new RecordViolation(path, `this is not { "version": ${version}, "backends": [ … ] }`);
  }
  return list;
}

function writeRecords(records: readonly BackendRecord[]): string {
  return `${JSON.stringify({ version, backends: records.map(writeRecord) }, undefined, 2)}\n`;
}

/** Which file stands there, as far as the system tells: ours is another one after each change. */
async function identityOf(path: string): Promise<string | undefined> {
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new RecordsFileError('unreadable', `${path} cannot be looked at (${codeOf(error)})`, error);
  }
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}

/** The new name of the file is on the disk only when its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
