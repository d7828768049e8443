/** What every client connection shares: the listener's side of it, given at construction. */
import type { Socket } from 'node:net';
import type { DecodeLatin1, RequestHead } from '../../shared/http1/head.ts';
import type { Refusal } from '../../shared/http1/refusal.ts';
import type { RequestMeaning, RequestOptions } from '../../shared/http1/rules.ts';
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import type { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { Client } from '../exchange.ts';
import type { EdgeLimits } from './limits.ts';

/** What the sweep and the drain need of a connection. */
export interface SweptConnection {
  /** Nothing of a request has come: it can be closed at any time. */
  readonly isIdle: boolean;
  tick(nowMs: number): void;
  destroy(): void;
  abort(): void;
}

/** A connection as the listener hands it on. */
export interface Accepted {
  readonly socket: Socket;
  /** The socket under TLS, or `socket` itself. */
  readonly tcp: Socket;
  /** Of the client, as the socket or the balancer before us says. */
  readonly address: string;
  /** It may speak for those before it (TRUSTED_PROXIES). */
  readonly isTrusted: boolean;
}

export interface EdgeContext {
  readonly limits: EdgeLimits;
  readonly requestRules: RequestOptions;
  readonly decode: DecodeLatin1;
  readonly batch: WriteBatch;
  /** Of the whole program; undefined: without end. */
  readonly memory: MemoryBudget | undefined;
  /** Of the clock by which the sweep judges. */
  readonly nowMs: number;
  /** The proxy is stopping: no connection goes on after its answer. */
  readonly isDraining: boolean;
  /** A request has passed the rules: an exchange begins. */
  onExchange(request: RequestHead, meaning: RequestMeaning, client: Client): void;
  /**
   * A request was refused before it became an exchange, or in its body. Gives the whole answer (latin1), which has no content
   * where `isHead`.
   */
  onRefusal(refusal: Refusal, client: Client, isHead: boolean): string;
  /** The connection goes on in another form. */
  onUpgraded(before: SweptConnection, after: SweptConnection): void;
  /** The connection is over or given away. */
  onOver(connection: SweptConnection): void;
}
