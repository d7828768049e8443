/**
 * The backends on record as resources of the admin listener: looked at with what lives of them, written whole, removed.
 * Each has an entity tag, so that a change can be made to depend on what it was made from. It knows no file and no link.
 */
import { createHash } from 'node:crypto';
import { ResourceRefusal } from '../../shared/admin/resources.ts';
import type { Resource, ResourceAnswer, ResourceRequest } from '../../shared/admin/resources.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import type { BackendRecord } from '../records/record.ts';
import { readRecord, RecordViolation, writeRecord } from '../records/record-reader.ts';
import { RecordConflict } from '../records/records.ts';
import type { Precondition, Records } from '../records/records.ts';
import type { TunnelReport } from '../routing/tunnel.ts';

export interface BackendViews {
  readonly records: Records;
  tunnels(): readonly TunnelReport[];
  /** Wall-clock time of its last request in this run. */
  lastUsedMs(backendId: string): number | undefined;
}

const collection = '/api/backends';

export function backendResources(views: BackendViews): readonly Resource[] {
  const { records } = views;
  return [
    {
      path: collection,
      methods: {
        GET: () => {
          const states = statesOf(views);
          return { status: 200, json: { backends: records.all().map((record) => shown(record, states)) } };
        },
        POST: ({ body, ifMatch }) => write(views, readBody(body), ifMatch, mustBeNew),
      },
    },
    {
      path: `${collection}/{id}`,
      methods: {
        GET: ({ id }) => answer(200, existing(records.get(id), id), views),
        PUT: ({ id, body, ifMatch }) => write(views, readBody(body, id), ifMatch),
        DELETE: (request) => remove(records, request),
      },
    },
  ];
}

async function write(
  views: BackendViews,
  record: BackendRecord,
  ifMatch: string | undefined,
  expect?: Precondition,
): Promise<ResourceAnswer> {
  const done = await telling(
    views.records.put(record, (current) => {
      expect?.(current);
      checkMatch(current, ifMatch);
    }),
  );
  return answer(done === 'created' ? 201 : 200, record, views);
}

async function remove(records: Records, { id, ifMatch }: ResourceRequest): Promise<ResourceAnswer> {
  await telling(
    records.remove(id, (current) => {
      existing(current, id);
      checkMatch(current, ifMatch);
    }),
  );
  return { status: 204 };
}

/** What records say of a change that cannot be, as an answer. */
async function telling<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof RecordConflict) throw new ResourceRefusal(409, error.code, error.message);
    // The file cannot be written: the message says which and why.
    if (error instanceof TunnelError && !(error instanceof ResourceRefusal) && error.scope === 'setting') {
      throw new ResourceRefusal(503, error.code, error.message);
    }
    throw error;
  }
}

/** @param id the one that the path names: the body may name it too, and no other */
function readBody(body: unknown, id?: string): BackendRecord {
  const fields = typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : body;
  if (typeof fields === 'object' && fields !== null) {
    // What was got can be changed and put back: the state that came with it is not looked at.
    if ('state' in fields) delete fields.state;
    if (id !== undefined && !('id' in fields)) Object.assign(fields, { id });
  }
  let record: BackendRecord;
  try {
    record = readRecord(fields);
  } catch (error) {
    if (!(error instanceof RecordViolation)) throw error;
    throw new ResourceRefusal(400, error.code, error.message);
  }
  if (id === undefined || record.id === id) return record;
  throw new ResourceRefusal(400, 'record_malformed', `id is "${record.id}": the path names another one`);
}

function mustBeNew(current: BackendRecord | undefined): void {
  if (current === undefined) return;
  const message = `${current.id} is on record already: PUT ${collection}/${current.id} replaces it`;
  throw new ResourceRefusal(409, 'id_on_record', message);
}

function existing(record: BackendRecord | undefined, id: string): BackendRecord {
  if (record !== undefined) return record;
  throw new ResourceRefusal(404, 'not_on_record', `${JSON.stringify(id.slice(0, 64))} is not on record`);
}

/** RFC 9110 §13.1.1: `*` is whatever there is, else one of the tags has to be that of the record. */
function checkMatch(current: BackendRecord | undefined, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (current !== undefined && (ifMatch.trim() === '*' || tags.includes(tagOf(current)))) return;
  throw new ResourceRefusal(412, 'changed_meanwhile', 'The record is another one by now: GET it anew.');
}

function answer(status: 200 | 201, record: BackendRecord, views: BackendViews): ResourceAnswer {
  const headers = { ETag: tagOf(record) };
  const json = shown(record, statesOf(views));
  if (status === 200) return { status, json, headers };
  return { status, json, headers: { ...headers, Location: `${collection}/${record.id}` } };
}

/** Of the record alone: what lives changes all the time. */
function tagOf(record: BackendRecord): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(writeRecord(record)))
    .digest('base64url');
  return `"${digest.slice(0, 22)}"`;
}

type States = (backendId: string) => object;

function shown(record: BackendRecord, states: States): object {
  return { ...writeRecord(record), state: states(record.id) };
}

/** One look at all tunnels, however many backends are asked for. */
function statesOf(views: BackendViews): States {
  const byId = Map.groupBy(views.tunnels(), ({ backendId }) => backendId);
  return (backendId) => {
    const own = byId.get(backendId) ?? [];
    const usedMs = views.lastUsedMs(backendId);
    return {
      links: own.length,
      healthy: own.some(({ isAccepting, isHealthy }) => isAccepting && isHealthy),
      inFlight: own.reduce((sum, { load }) => sum + load, 0),
      /** Of the link that has been there for the longest. */
      connectedSince:
        own.length === 0 ? null : new Date(Math.min(...own.map(({ sinceMs }) => sinceMs))).toISOString(),
      lastUsed: usedMs === undefined ? null : new Date(usedMs).toISOString(),
    };
  };
}
