/**
 * Writes a response's head for the client (rules 36-41, 45): status line, the lines that pass, then our own framing and Connection.
 * Text out, latin1: one char is one byte. It decides nothing about the response's meaning, that is `rules`.
 */
import { extraLines, NO_EXTRA } from './extra.ts';
import type { ExtraFields } from './extra.ts';
import type { Fields } from './fields.ts';
import type { Framing } from './framing.ts';
import type { ResponseHead } from './head.ts';
import { Kind } from './hop.ts';
import { kindSet, passedLines } from './pass.ts';
import type { KindSets } from './pass.ts';
import type { ResponseMeaning } from './rules.ts';
import type { Version } from './start-line.ts';

/** Whom a response is written for. */
export interface ResponseClient {
  readonly version: Version;
  readonly method: string;
  /** Whether the connection is read on behind this response. */
  readonly keepAlive: boolean;
}

const FROM_BACKENDS: KindSets = {
  dropped: kindSet(
    Kind.connection,
    Kind.te,
    Kind.transferEncoding,
    Kind.hop,
    Kind.reserved,
    Kind.reservedInResponse,
  ),
  rewritten: kindSet(Kind.contentLength, Kind.upgrade),
};

interface ResponseContext {
  readonly status: number;
  readonly contentLength: number | undefined;
  /** The index of the one Content-Length line that is written; the others repeat it. */
  readonly lengthIndex: number;
}

/** A final response's head for the client. What body to send behind it says `responseFramingToClient`. */
export function writeResponseHead(
  head: ResponseHead,
  meaning: ResponseMeaning,
  client: ResponseClient,
  extra: ExtraFields = NO_EXTRA,
): string {
  const framing = responseFramingToClient(meaning, client);
  return (
    statusLine(head) +
    passedResponseLines(head, meaning) +
    (framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '') +
    responseConnection(head, client.keepAlive && framing !== 'close') +
    extraLines(extra) +
    '\r\n'
  );
}

/** An interim response's head, or the head of a 101, for an HTTP/1.1 client (rules 36, 37). */
export function writeInterimHead(
  head: ResponseHead,
  meaning: ResponseMeaning,
  extra: ExtraFields = NO_EXTRA,
): string {
  const lines = passedResponseLines(head, meaning) + responseConnection(head, true) + extraLines(extra);
  return `${statusLine(head)}${lines}\r\n`;
}

/**
 * How the body goes to the client: as it came, but what ends with the backend's connection is chunked (rule 41), and nothing is
 * chunked for an HTTP/1.0 client, whose connection ends with the body instead.
 */
export function responseFramingToClient(
  meaning: ResponseMeaning,
  client: Pick<ResponseClient, 'version'>,
): Framing['kind'] {
  const { kind } = meaning.framing;
  if (kind === 'none' || kind === 'sized') return kind;
  return client.version === '1.1' ? 'chunked' : 'close';
}

/** The reason goes on as it came; the blank before it stays when it is empty (RFC 9112 §4). */
function statusLine(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
}

function passedResponseLines(head: ResponseHead, meaning: ResponseMeaning): string {
  const context: ResponseContext = {
    status: head.status,
    contentLength: meaning.contentLength,
    lengthIndex: head.fields.holds(Kind.contentLength) ? head.fields.indexOf(Kind.contentLength) : -1,
  };
  return passedLines(head.fields, meaning.connectionNames, FROM_BACKENDS, responseLine, context);
}

function responseLine(fields: Fields, index: number, context: ResponseContext): string | undefined {
  switch (fields.kind(index)) {
    case Kind.contentLength:
      if (context.contentLength === undefined || index !== context.lengthIndex) return '';
      return `${fields.name(index)}: ${context.contentLength}\r\n`;
    case Kind.upgrade:
      return keepsUpgrade(context.status) ? fields.lines(index, index + 1) : '';
    default:
      return undefined;
  }
}

/** RFC 9110 §7.8: 101 says what is spoken from here on, 426 what would have to be. */
function keepsUpgrade(status: number): boolean {
  return status === 101 || status === 426;
}

function responseConnection(head: ResponseHead, persists: boolean): string {
  if (keepsUpgrade(head.status) && head.fields.holds(Kind.upgrade)) {
    return persists ? 'Connection: upgrade\r\n' : 'Connection: upgrade, close\r\n';
  }
  return persists ? '' : 'Connection: close\r\n';
}
