/** What is measured: something that answers at a URL, and the processes that it costs. */
import type { Child } from '../machine/child.ts';
import type { Workbench } from '../machine/workbench.ts';

/** What lies behind a target: nginx for requests and downloads, the small backend for uploads and WebSockets. */
export type BackendKind = 'nginx' | 'small';

/**
 * Where it stands. `near`: all on loopback. `far`: between the two ends of the tunnel (or, for what has one end, before the
 * backend) lies a long line. `tls`: clients come by https, and so do agents.
 */
export type Place = 'near' | 'far' | 'tls';

/** What all targets of a run share. */
export interface Ground {
  readonly bench: Workbench;
  /** Ports of the backends on loopback. */
  readonly ports: Readonly<Record<BackendKind | 'nginxTls', number>>;
  /** PEM files of a certificate for 127.0.0.1. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Where processor profiles of our programs go. */
  readonly profileFolder: string | undefined;
  /** Starts a long line to that port of loopback and gives the port of its near end. */
  readonly startLine: (port: number) => Promise<number>;
}

export interface Target extends AsyncDisposable {
  readonly url: URL;
  /** The processes that stand between client and backend; their children count too. None: there is nothing between. */
  readonly pids: readonly number[];
  /** For targets with two ends that this run has started. */
  readonly ends?: Ends;
}

/** The two ends of a tunnel, to be ended and started again. */
export interface Ends {
  stopAgent(): Promise<void>;
  startAgent(): Promise<void>;
  /** Kills it hard: nobody is told. */
  killProxy(): Promise<void>;
  startProxy(): Promise<void>;
}

export interface TargetKind {
  readonly name: string;
  /** Throws Unavailable where it cannot stand there. Resolves when it serves. `label` tells its files apart. */
  start(ground: Ground, backend: BackendKind, place: Place, label: string): Promise<Target>;
}

/** A target made of children of this run, ended in the reverse order of their start. */
export function stopper(children: readonly (Child | undefined)[]): () => Promise<void> {
  return async () => {
    // oxlint-disable-next-line no-await-in-loop -- in order
    for (const child of children.toReversed()) await child?.stop();
  };
}
