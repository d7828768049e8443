/** A case of the responses: what a backend says to one request, and how it leaves. */
import type { Cuts } from './case.ts';

export interface ResponseCase {
  /** Latin1, with the placeholder of marker.ts. */
  readonly message: string;
  readonly cuts: Cuts;
  /** keep: the connection stays where the answer is complete, and ends with a FIN where it is not. */
  readonly end: 'keep' | 'fin' | 'reset';
  readonly method: 'GET' | 'HEAD' | 'DELETE';
}
