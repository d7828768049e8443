/** Large transfers, one and several at a time, and the same over TLS. */
import { bulkFile } from '../ground.ts';
import { download, upload } from '../load/curl.ts';
import { ProcessorMeter } from '../machine/processor-time.ts';
import { bytesPerMB, processorTime } from './row.ts';
import type { Context, Row, Sample } from './row.ts';
import type { Place, Target } from '../targets/target.ts';

type Way = 'down' | 'up';

/** The first gigabytes of a program that compiles as it runs are a quarter slower than all others. */
const warmUpTransfers = 3;

export const transferRows: readonly Row[] = [
  transferRow('down', 1, 'near'),
  transferRow('down', 4, 'near'),
  transferRow('down', 1, 'tls'),
  transferRow('up', 1, 'near'),
  transferRow('up', 4, 'near'),
];

function transferRow(way: Way, atOnce: number, place: Place): Row {
  const over = place === 'tls' ? ', all hops TLS' : '';
  return {
    name: `${way}-${atOnce}${place === 'tls' ? '-tls' : ''}`,
    title: `bulk ${way}, ${atOnce} at a time${over}`,
    unit: 'MB/s',
    cpuUnit: 'MB',
    backend: way === 'down' ? 'nginx' : 'small',
    place,
    isFresh: false,
    needsProcesses: false,
    async warmUp(target, context) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      for (let n = 0; n < warmUpTransfers; n += 1) await transfer(way, target, context);
    },
    async measure(target, context): Promise<Sample> {
      const meter = new ProcessorMeter(target.pids);
      const seconds = await Promise.all(Array.from({ length: atOnce }, () => transfer(way, target, context)));
      const megabytes = (atOnce * context.bulkBytes) / bytesPerMB;
      return { figure: megabytes / Math.max(...seconds), ...processorTime(target, meter, megabytes) };
    },
  };
}

async function transfer(way: Way, target: Target, { bench, bulkBytes }: Context): Promise<number> {
  const { seconds } =
    way === 'down'
      ? await download(bench, new URL('files/bulk', target.url).href, bulkBytes)
      : await upload(bench, target.url.href, bulkFile(bench), bulkBytes);
  return seconds;
}
