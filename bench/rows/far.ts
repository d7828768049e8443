/** A long line between the ends of the tunnel: a round trip of 50 ms, 1 Gbit/s. */
import { lineBytesPerSecond } from '../ground.ts';
import { download } from '../load/curl.ts';
import { bytesPerMB } from './row.ts';
import type { Row, Sample } from './row.ts';

const helloBytes = 12;
const common = { backend: 'nginx', place: 'far', isFresh: false, needsProcesses: false } as const;

export const farDownloadRow: Row = {
  ...common,
  name: 'far-download',
  title: `one bulk download over 50 ms and ${lineBytesPerSecond / bytesPerMB} MB/s`,
  unit: 'MB/s',
  async measure(target, { bench, bulkBytes }): Promise<Sample> {
    const { seconds } = await download(bench, new URL('files/bulk', target.url).href, bulkBytes);
    return { figure: bulkBytes / bytesPerMB / seconds };
  },
};

export const farFirstByteRow: Row = {
  ...common,
  name: 'far-first-byte',
  title: 'a small answer over 50 ms, on a connection of its own, to its first byte',
  unit: 'ms',
  async measure(target, { bench }): Promise<Sample> {
    const { firstByteMs } = await download(bench, target.url.href, helloBytes);
    return { figure: firstByteMs };
  },
};
