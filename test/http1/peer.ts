/**
 * http-parser-js, an implementation that is not ours, made to say what it read in the words of `messages.ts`. It is told what it
 * cannot know (that a response has no body), reads latin1, and is stopped by its own callbacks where it would go on for ever.
 */
import { HTTPParser } from 'http-parser-js';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import type { Message } from './messages.ts';

export interface PeerReading {
  readonly messages: readonly Message[];
  /** Heads it has told of, complete messages or not. */
  readonly heads: number;
  readonly error: string | undefined;
  /** It told of more things than it was given bytes. */
  readonly isEndless: boolean;
}

export interface PeerOptions {
  readonly kind: MessageKind;
  readonly method?: string;
  /** Its own default is ascii, which clears the top bit of each byte after the lines have been told apart. */
  readonly encoding?: 'latin1' | 'ascii';
}

/** Thrown out of a callback: the only way to stop it within `execute`. */
class Endless extends Error {}

export function peerReading(pieces: readonly Uint8Array[], options: PeerOptions): PeerReading {
  const messages: Message[] = [];
  const { kind, method = 'GET', encoding = 'latin1' } = options;
  const maxCalls = 10 + 2 * pieces.reduce((sum, { length }) => sum + length, 0);
  const parser = new HTTPParser(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE);
  let [start, body, heads, calls] = ['', '', 0, 0];
  let fields: readonly string[] = [];
  let trailers: readonly string[] = [];
  const count = (): void => {
    if (++calls > maxCalls) throw new Endless();
  };
  parser.onHeadersComplete = (info) => {
    count();
    heads++;
    const version = `HTTP/${info.versionMajor}.${info.versionMinor}`;
    start =
      kind === 'request'
        ? `${info.method} ${info.url} ${version}`
        : `${version} ${info.statusCode} ${info.statusMessage}`;
    fields = pairs(info.headers);
    return kind === 'response' && hasNoBody(method, info.statusCode) ? 1 : 0;
  };
  parser.onHeaders = (lines) => {
    count();
    trailers = pairs(lines);
  };
  parser.onBody = (bytes, offset, length) => {
    count();
    body += bytes.subarray(offset, offset + length).toString('latin1');
  };
  parser.onMessageComplete = () => {
    count();
    messages.push({ start, fields, body, trailers });
    [body, trailers] = ['', []];
  };
  const before = HTTPParser.encoding;
  HTTPParser.encoding = encoding;
  try {
    for (const piece of pieces) {
      const result = parser.execute(Buffer.from(piece));
      if (result instanceof Error) return { messages, heads, error: result.message, isEndless: false };
    }
    const error = parser.finish();
    return { messages, heads, error: error?.message, isEndless: false };
  } catch (error) {
    if (!(error instanceof Endless)) throw error;
    return { messages, heads, error: undefined, isEndless: true };
  } finally {
    HTTPParser.encoding = before;
  }
}

function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304;
}

function pairs(list: readonly string[]): string[] {
  return Array.from({ length: list.length / 2 }, (_, at) => `${list[at * 2]}: ${list[at * 2 + 1]}`);
}
