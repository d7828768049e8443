/** What is measured of each target: one row is one load, and gives one sample a round. */
import type { ProcessorMeter } from '../machine/processor-time.ts';
import type { Workbench } from '../machine/workbench.ts';
import type { BackendKind, Place, Target } from '../targets/target.ts';

export interface Sizes {
  /** Of one load. */
  readonly seconds: number;
  readonly bulkBytes: number;
  readonly idleWebSockets: number;
}

export interface Context extends Sizes {
  readonly bench: Workbench;
}

/** What one round of one target has shown. */
export interface Sample {
  /** In the unit of the row. */
  readonly figure: number;
  readonly p50Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
  /** Processor time of the target's processes, in microseconds for each `cpuUnit` of the row. None where it has no process. */
  readonly cpuUs?: number | undefined;
  /** What else was seen, by its name with its unit. */
  readonly beside?: Readonly<Record<string, number>>;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: 'req/s' | 'msg/s' | 'MB/s' | 'MiB' | 'KiB' | 'ms';
  readonly cpuUnit?: 'request' | 'message' | 'MB';
  readonly backend: BackendKind;
  readonly place: Place;
  /** Every sample is taken of a target that was started for it: memory and start times have no second time. */
  readonly isFresh: boolean;
  /** Its figure is near zero where all is well: a ratio of it says nothing. */
  readonly hasNoRatio?: true;
  /** Means nothing without processes between client and backend. */
  readonly needsProcesses: boolean;
  /** Once for each target before its first round: what is compiled on demand is compiled then. */
  warmUp?(target: Target, context: Context): Promise<void>;
  /** Throws Unavailable where this target cannot show it. */
  measure(target: Target, context: Context): Promise<Sample>;
}

/** The processor time for each of so many units, and how much of it the kernel took; nothing where there is no process. */
export function processorTime(
  target: Target,
  meter: ProcessorMeter,
  units: number,
): Pick<Sample, 'cpuUs' | 'beside'> {
  if (target.pids.length === 0) return {};
  const { us, systemShare } = meter.read();
  return { cpuUs: us / units, beside: { 'system %': systemShare * 100 } };
}

export const bytesPerMB = 1_000_000;
