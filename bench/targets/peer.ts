/** Another tunnel that the caller has running: where it answers and which processes it is. */
import { Unavailable } from '../machine/tools.ts';
import type { BackendKind, Ground, Place, Target, TargetKind } from './target.ts';

export interface PeerOptions {
  readonly name: string;
  /** Where it answers for nginx and, where it does, for the small backend. */
  readonly urls: Readonly<Partial<Record<BackendKind, URL>>>;
  readonly pids: readonly number[];
}

export function peer({ name, urls, pids }: PeerOptions): TargetKind {
  return {
    name,
    start(_ground: Ground, backend: BackendKind, place: Place): Promise<Target> {
      const url = urls[backend];
      if (place !== 'near')
        return Promise.reject(
          new Unavailable('a peer is started elsewhere: there is no line or TLS within it'),
        );
      if (url === undefined)
        return Promise.reject(new Unavailable('no URL was given by which it leads to the small backend'));
      return Promise.resolve({ url, pids, [Symbol.asyncDispose]: () => Promise.resolve() });
    },
  };
}
