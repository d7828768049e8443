/**
 * One exchange: the request as it was read and judged, the client that waits for the answer, and the record that
 * every room it passes fills in. Every step a client's request takes is a `Handler`. Nothing here knows sockets,
 * streams or logs.
 */
import type { Socket } from 'node:net';
import type { RequestHead } from '../shared/http1/head.ts';
import type { Field } from '../shared/http1/fields.ts';
import type { Refusal } from '../shared/http1/refusal.ts';
import type { RequestMeaning } from '../shared/http1/rules.ts';
import type { WriteBatch } from '../shared/transport/write-batch.ts';

/** One shape for every step: it settles when the exchange is over for that step, and never rejects for a peer's fault. */
export type Handler = (exchange: Exchange) => Promise<void>;

export interface Exchange {
  readonly request: RequestHead;
  readonly meaning: RequestMeaning;
  readonly client: Client;
  readonly record: ExchangeRecord;
  /** Set by the gate, for one backend; nothing goes to a backend that it does not name. */
  admission: Admission | undefined;
}

/** The gate's word: this client may use this backend, as this user, and the backend is told so much of it. */
export interface Admission {
  readonly backendId: string;
  /** Undefined: nobody in particular. */
  readonly user: User | undefined;
  /** Names of cookies that are the proxy's own: the backend does not see them. */
  readonly withheldCookies: readonly string[];
  /** Authorization was meant for the proxy: the backend does not see it. */
  readonly withholdsAuthorization: boolean;
  /** Who the user is, in fields for the backend; names and values are well-formed. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Fields that the proxy adds to the answer's head: a session that goes on. Names and values are well-formed. */
  readonly responseFields: readonly (readonly [name: string, value: string])[];
}

/** Somebody who has proven who they are. */
export interface User {
  /** Unique at its issuer. */
  readonly subject: string;
  /** The identity provider's issuer URL, or `basic` for a user of the file of passwords. */
  readonly issuer: string;
  readonly email: string | undefined;
  readonly groups: readonly string[];
}

/** What happened, for the access log and the metrics: filled on the way, read once at the end. */
export interface ExchangeRecord {
  readonly id: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly clientAddress: string;
  /** performance.now() when the head was complete. */
  readonly startedAtMs: number;
  headAtMs: number | undefined;
  status: number | undefined;
  /** Our own word for what went wrong, as in Proxy-Status `details`. */
  code: string | undefined;
  backendId: string | undefined;
  tunnelId: string | undefined;
  /** Of the agent at the other end of the tunnel: one name for all of its links. */
  agentInstance: string | undefined;
  /** Body bytes of the client that went to the backend; after an upgrade the raw ones too. */
  requestBytes: number;
  /** Body bytes of the answer that went to the client; after an upgrade the raw ones too. */
  responseBytes: number;
  /** What has passed since an upgrade, while it lasts: not in the two above yet. */
  raw: { readonly bytesIn: number; readonly bytesOut: number } | undefined;
  /** How often the request was sent again. */
  retries: number;
  /** Who broke the exchange off, where it did not end in order. */
  abortedBy: 'client' | 'backend' | 'proxy' | undefined;
  /** Among those that run, for whoever counts them; -1: it does not run. */
  place: number;
}

/**
 * The client's side of an exchange. The body is pulled: bytes come as long as the listener has room, and what it
 * has no room for stays unread in the client's socket.
 */
export interface Client {
  /** Whose connection it is, in its usual spelling. */
  readonly address: string;
  /** It may speak for those before it: its forwarding fields are kept (RULES 20). */
  readonly isTrusted: boolean;
  readonly isSecure: boolean;
  /** The request is read to its end. */
  readonly requestIsRead: boolean;
  /** The connection can carry another request after this one: said in the head of the answer. */
  readonly mayPersist: boolean;
  readonly isGone: boolean;
  /** What is held of this request: its head, and what was read behind it and not used. */
  readonly heldBytes: number;
  /** Who hears of the client's side from now on. What has happened before is not told again: look at isGone. */
  listen(listener: ClientListener): void;
  /** Of a body whose length nobody knows, no more than this: beyond, it is refused as any that is too large. Before listen(). */
  limitBody(maxBytes: number): void;
  /** Whether what was written waits here, all of it counted or what is too much: no more window for whoever writes, until onDrain. */
  holds(amount: 'anything' | 'too much'): boolean;
  /** The listener has room for the body again. */
  resumeBody(): void;
  /** A piece of an interim answer or of the body; strings are latin1. Leaves with all else of this turn. */
  write(bytes: Uint8Array | string): void;
  /** The head of the final answer: from here on a broken exchange ends with a reset, never with another answer. */
  writeFinalHead(head: string): void;
  /** The answer is complete. The connection goes on, or is closed in order where `persist` is false or impossible. */
  finish(persist: boolean): void;
  /** Ends the connection so that nothing can pass for a complete answer. Idempotent. */
  abort(): void;
  /**
   * From here on every byte is raw, the held ones first; for a valid 101. `connection` is what the client's has become: whoever
   * carries the bytes keeps that, and not the client, which holds what read the request.
   */
  switchTo(begin: (socket: Socket, batch: WriteBatch, connection: Abortable) => RawListener): void;
  /** Gives the socket away with what was read of it and not used; for the agents' door. */
  release(): { readonly socket: Socket; readonly held: Uint8Array };
}

export interface ClientListener {
  /** How many body bytes it takes at most now; 0: none until resumeBody(). */
  bodyRoom(): number;
  onBody(bytes: Uint8Array): void;
  onBodyEnd(trailers: readonly Field[]): void;
  /** The body broke a rule or came too slowly. The client is answered or aborted by the edge; end the rest. */
  onBodyRefused(refusal: Refusal): void;
  onDrain(): void;
  /** The client is gone: its connection was lost or reset. Nothing is called after it. */
  onGone(): void;
  /** The sweep of the edge, about four times a second: for deadlines. */
  onTick(nowMs: number): void;
}

export interface Abortable {
  /** Ends the connection by a reset. Idempotent. */
  abort(): void;
}

/** Raw bytes after an upgrade; `StreamPipe` with its owner is one. */
export interface RawListener {
  fromSocket(chunk: Uint8Array): void;
  socketDrained(): void;
  socketEnded(): void;
  socketGone(): void;
}
