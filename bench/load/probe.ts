/** One small request on a connection of its own, by hand: whether a target serves, without a client library's start in the time. */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A target that holds the request back for longer is not served by waiting. */
const withinMs = 5_000;

/** Whether it is answered by 200. Never rejects: a target that is not there yet does not serve. */
export async function serves(url: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const port = Number(url.port);
  const host = url.hostname;
  // The certificate is one of this run.
  const socket =
    url.protocol === 'https:'
      ? connectTls({ port, host, rejectUnauthorized: false })
      : connect({ port, host });
  let answer = '';
  socket.setTimeout(withinMs, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
    if (!answer.includes('\r\n\r\n')) return;
    resolve(answer.startsWith('HTTP/1.1 200 '));
    socket.destroy();
  });
  socket.on('close', () => resolve(false));
  socket.write(`GET / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
  return promise;
}
