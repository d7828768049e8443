/** Requests by the thousand: small answers, pages of 64 KiB, and a connection for each request. */
import { wrk } from '../load/wrk.ts';
import type { WrkOptions } from '../load/wrk.ts';
import { ProcessorMeter } from '../machine/processor-time.ts';
import { page64KiB } from '../ground.ts';
import { bytesPerMB, processorTime } from './row.ts';
import type { Context, Row, Sample } from './row.ts';
import type { Target } from '../targets/target.ts';

const helloBytes = 12;
/** Enough requests to have everything compiled, on one connection too: that takes thousands, not seconds. */
const warmUp = { connections: 64, seconds: 2 };

interface Load extends Omit<WrkOptions, 'seconds'> {
  readonly path: string;
}

export function smallRow(connections: number): Row {
  return requestRow(
    `small-${connections}`,
    `12-byte answers, ${connections} connection${connections === 1 ? '' : 's'}`,
    'request',
    {
      path: '',
      connections,
      bodyBytes: helloBytes,
    },
  );
}

export const pageRow = requestRow('page-64k', '64 KiB answers, 16 connections', 'MB', {
  path: 'files/64k',
  connections: 16,
  bodyBytes: page64KiB,
});

export const closeRow = requestRow('close', '12-byte answers, a connection each, 16 at a time', 'request', {
  path: '',
  connections: 16,
  bodyBytes: helloBytes,
  headers: ['Connection: close'],
});

function requestRow(name: string, title: string, cpuUnit: 'request' | 'MB', load: Load): Row {
  const run = (
    target: Target,
    { bench }: Context,
    how: Pick<WrkOptions, 'connections' | 'seconds'>,
  ): ReturnType<typeof wrk> => wrk(bench, new URL(load.path, target.url).href, { ...load, ...how });
  return {
    name,
    title,
    unit: 'req/s',
    cpuUnit,
    backend: 'nginx',
    place: 'near',
    isFresh: false,
    needsProcesses: false,
    async warmUp(target, context) {
      await run(target, context, warmUp);
    },
    async measure(target, context): Promise<Sample> {
      const meter = new ProcessorMeter(target.pids);
      const { requests, perSecond, p50Ms, p99Ms } = await run(target, context, {
        connections: load.connections,
        seconds: context.seconds,
      });
      const units = cpuUnit === 'MB' ? (requests * load.bodyBytes) / bytesPerMB : requests;
      return { figure: perSecond, p50Ms, p99Ms, ...processorTime(target, meter, units) };
    },
  };
}
