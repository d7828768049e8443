/** Damages bytes as a fuzzer does: a few small changes, some of them with words that mean something to HTTP. */
import * as fc from 'fast-check';
import { latin1 } from './pieces.ts';

const words = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '"',
  '\\',
  '\r\n\r\n',
  '\r\n ',
  '0\r\n\r\n',
  '0',
  '-1',
  '_',
  '\x7f',
  '\x8a',
  '\xff',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: x\r\n',
  'Connection: close\r\n',
  'Content_Length: 1\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'TE: trailers\r\n',
  'Via: 1.1 edge\r\n',
  'Expect: 100-continue\r\n',
  'Max-Forwards: 0\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'GET / HTTP/1.1\r\n',
  '3\r\nabc\r\n',
  'ffffffffffffff',
  ';a=b',
  'http://h/',
  '*',
  '#',
].map(latin1);

const where = fc.double({ min: 0, max: 1, noNaN: true });

/** A change at a place given as a share of the length, so that it shrinks with the message. */
type Change = (bytes: Uint8Array) => Uint8Array;

function splice(bytes: Uint8Array, from: number, to: number, between: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, from), between, bytes.subarray(to)]);
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(where, fc.nat({ max: 255 })).map(([at, byte]) => (bytes: Uint8Array) => {
    const changed = Uint8Array.from(bytes);
    if (bytes.length > 0) changed[Math.floor(at * (bytes.length - 1))] = byte;
    return changed;
  }),
  fc.tuple(where, fc.constantFrom(...words)).map(([at, word]) => (bytes: Uint8Array) => {
    const offset = Math.floor(at * bytes.length);
    return splice(bytes, offset, offset, word);
  }),
  fc.tuple(where, fc.constantFrom(...words)).map(([at, word]) => (bytes: Uint8Array) => {
    const offset = Math.floor(at * bytes.length);
    return splice(bytes, offset, Math.min(bytes.length, offset + word.length), word);
  }),
  fc.tuple(where, fc.nat({ max: 20 })).map(([at, length]) => (bytes: Uint8Array) => {
    const offset = Math.floor(at * bytes.length);
    return splice(bytes, offset, Math.min(bytes.length, offset + length), new Uint8Array(0));
  }),
  fc.tuple(where, where, fc.nat({ max: 60 })).map(([from, to, length]) => (bytes: Uint8Array) => {
    const [source, target] = [Math.floor(from * bytes.length), Math.floor(to * bytes.length)];
    return splice(bytes, target, target, bytes.subarray(source, source + length));
  }),
  where.map((at) => (bytes: Uint8Array) => bytes.subarray(0, Math.floor(at * bytes.length))),
);

/** One to four changes, one after the other. */
export const mutations: fc.Arbitrary<Change> = fc
  .array(change, { minLength: 1, maxLength: 4 })
  .map((changes) => (bytes: Uint8Array) => changes.reduce((changed, next) => next(changed), bytes));
