/**
 * Small requests while four downloads run. Both share the processors and the tunnel's links, so a target could look good by
 * starving its downloads: how fast they went is said beside.
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { downloadEndlessly } from '../load/curl.ts';
import { wrk } from '../load/wrk.ts';
import type { Child } from '../machine/child.ts';
import { bytesPerMB } from './row.ts';
import type { Row, Sample } from './row.ts';

const downloads = 4;
const connections = 16;
const helloBytes = 12;
/** For both kinds of load to have everything compiled. */
const warmUpSeconds = 4;
/** For the downloads to get up to their speed. */
const runUpMs = 300;

export const mixedRow: Row = {
  name: 'mixed',
  title: '12-byte answers, 16 connections, while 4 downloads run',
  unit: 'req/s',
  backend: 'nginx',
  place: 'near',
  isFresh: false,
  needsProcesses: false,
  async warmUp(target, { bench }) {
    const url = new URL('files/bulk', target.url).href;
    const readers = Array.from({ length: downloads }, () => downloadEndlessly(bench, url));
    try {
      await wrk(bench, target.url.href, { connections, seconds: warmUpSeconds, bodyBytes: helloBytes });
    } finally {
      await Promise.all(readers.map((reader) => reader.kill()));
    }
  },
  async measure(target, { bench, seconds }): Promise<Sample> {
    const url = new URL('files/bulk', target.url).href;
    const readers = Array.from({ length: downloads }, () => downloadEndlessly(bench, url));
    try {
      await setTimeout(runUpMs);
      const [bytesBefore, startMs] = [writtenBytes(readers), performance.now()];
      const result = await wrk(bench, target.url.href, { connections, seconds, bodyBytes: helloBytes });
      const megabytes = (writtenBytes(readers) - bytesBefore) / bytesPerMB;
      const ended = readers.find((reader) => !reader.isRunning);
      if (ended !== undefined) throw new Error(`a download has ended: ${ended.output}`);
      return {
        figure: result.perSecond,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        beside: { 'downloads MB/s': megabytes / ((performance.now() - startMs) / 1_000) },
      };
    } finally {
      await Promise.all(readers.map((reader) => reader.kill()));
    }
  },
};

/** What curl has written to its output file, /dev/null: what it has received. */
function writtenBytes(readers: readonly Child[]): number {
  return readers
    .filter((reader) => reader.isRunning)
    .map((reader) => /^wchar: (\d+)$/m.exec(readFileSync(`/proc/${reader.pid}/io`, 'latin1'))?.[1])
    .reduce((sum, bytes) => sum + Number(bytes ?? 0), 0);
}
