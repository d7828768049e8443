/**
 * What stands behind Apache httpd: it records each request that Apache hands on, and answers it. It is no judge: what
 * comes here Apache has written, and it is read as plainly as the tests read any message.
 */
/* oxlint-disable no-await-in-loop -- one request after the other */
import { createServer } from 'node:net';
import { listen } from '../../e2e/support/listen.ts';
import { ChunkedBody, readHead, value } from '../../e2e/support/message.ts';
import { Wire } from '../../e2e/support/wire.ts';
import { bodyText } from '../record.ts';
import { emptyRecord, idleTimeoutMs, say } from './backend.ts';

export async function listenSink(): Promise<number> {
  return listen(
    createServer((socket) => {
      void serve(new Wire(socket)).finally(() => socket.destroy());
    }),
  );
}

async function serve(wire: Wire): Promise<void> {
  for (;;) {
    let head;
    try {
      head = await readHead(wire, idleTimeoutMs);
    } catch {
      return;
    }
    const [method = ''] = head.startLine.split(' ');
    const [, target = ''] = (value(head, 'x-request-line') ?? '').split(' ');
    const seen = { ...emptyRecord, method, target, host: value(head, 'host') ?? '' };
    // Apache passes an expectation on, and waits.
    if (value(head, 'expect') !== undefined) wire.write('HTTP/1.1 100 Continue\r\n\r\n');
    try {
      const isChunked = value(head, 'transfer-encoding') !== undefined;
      const body = isChunked
        ? (await new ChunkedBody(wire).rest()).bytes
        : await wire.take(Number(value(head, 'content-length') ?? 0));
      say({ ...seen, kind: 'request', body: bodyText(body) });
    } catch {
      say({ ...seen, kind: 'incomplete' });
      return;
    }
    wire.write(
      `HTTP/1.1 200 OK\r\nX-Seen: ${method} ${target}\r\nContent-Length: 5\r\n\r\n${method === 'HEAD' ? '' : 'seen\n'}`,
    );
  }
}
