/** Heads: scanned, understood, and written anew for the next hop. */
import type { Bench } from 'tinybench';
import { HeadScanner } from '../../shared/http1/head.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/head.ts';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';
import { writeRequestHead, writeResponseHead } from '../../shared/http1/write.ts';
import type { Forwarding } from '../../shared/http1/write.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';
import { Sink } from './sink.ts';

const small = bytesOf('GET / HTTP/1.1', ['Host: 127.0.0.1:8080']);
const browser = bytesOf('GET /articles/2026/11/a-page?from=here HTTP/1.1', [
  'Host: shop.tunnel.example.com',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.7,de;q=0.3',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: https://shop.tunnel.example.com/articles',
  'Connection: keep-alive',
  `Cookie: session=${'a1b2c3d4'.repeat(16)}; theme=dark`,
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Priority: u=0, i',
]);
const response = bytesOf('HTTP/1.1 200 OK', [
  'Server: nginx',
  'Date: Tue, 24 Nov 2026 12:00:00 GMT',
  'Content-Type: text/plain',
  'Content-Length: 12',
  'Connection: keep-alive',
]);

const forwarding: Forwarding = {
  for: '192.0.2.1',
  proto: 'http',
  host: 'shop.tunnel.example.com',
  via: 'proxy',
  requestId: '6b1f0c1e9a4d4c0f8f5e2d3c',
  trustChain: false,
};
const options = { viaName: forwarding.via };

export function addHeads(bench: Bench, sink: Sink): void {
  for (const [name, bytes] of [
    ['of one field', small],
    ['of a browser, 13 fields', browser],
  ] as const) {
    const scanner = new HeadScanner('request', undefined, decodeLatin1);
    const head = scan('request', bytes);
    const meaning = readRequest(head, options);
    bench.add(`heads: scan a request ${name}`, () => {
      scanner.reset();
      scanner.push(bytes);
      sink.take(scanner.consumed);
    });
    bench.add(`heads: understand a request ${name}`, () => {
      sink.take(readRequest(head, options).path.length);
    });
    bench.add(`heads: write a request ${name}`, () => {
      sink.take(writeRequestHead(head, meaning, forwarding).length);
    });
  }
  const scanner = new HeadScanner('response', undefined, decodeLatin1);
  const head = scan('response', response);
  const request = { method: 'GET', version: '1.1' } as const;
  const client = { method: 'GET', version: '1.1', keepAlive: true, wantsTrailers: false } as const;
  bench.add('heads: scan a response of 5 fields', () => {
    scanner.reset();
    scanner.push(response);
    sink.take(scanner.consumed);
  });
  bench.add('heads: understand and write a response of 5 fields', () => {
    const meaning = readResponse(head, request);
    sink.take(writeResponseHead(head, meaning, client).length);
  });
}

function scan(kind: 'request', bytes: Uint8Array): RequestHead;
function scan(kind: 'response', bytes: Uint8Array): ResponseHead;
function scan(kind: MessageKind, bytes: Uint8Array): RequestHead | ResponseHead {
  const head = new HeadScanner(kind, undefined, decodeLatin1).push(bytes);
  if (head === undefined) throw new Error('a head that is not whole');
  return head;
}

function bytesOf(startLine: string, lines: readonly string[]): Uint8Array {
  return Buffer.from([startLine, ...lines, '', ''].join('\r\n'), 'latin1');
}
