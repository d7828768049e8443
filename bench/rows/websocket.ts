/** Echo of small messages on WebSockets. */
import { echo } from '../load/websocket.ts';
import { ProcessorMeter } from '../machine/processor-time.ts';
import { processorTime } from './row.ts';
import type { Row, Sample } from './row.ts';

const load = { connections: 64, payloadBytes: 128 };

export const webSocketRow: Row = {
  name: 'websocket',
  title: 'WebSocket echo of 128 B, 64 connections',
  unit: 'msg/s',
  cpuUnit: 'message',
  backend: 'small',
  place: 'near',
  isFresh: false,
  needsProcesses: false,
  async warmUp(target, { bench }) {
    await echo(bench, target.url, { ...load, seconds: 1 });
  },
  async measure(target, { bench, seconds }): Promise<Sample> {
    const meter = new ProcessorMeter(target.pids);
    const { messages, durationUs, p50Us, p99Us } = await echo(bench, target.url, { ...load, seconds });
    return {
      figure: messages / (durationUs / 1e6),
      p50Ms: p50Us / 1_000,
      p99Ms: p99Us / 1_000,
      ...processorTime(target, meter, messages),
    };
  },
};
