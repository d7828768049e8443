/** One connection: these bytes out, and all that comes back until it ends. Of HTTP it knows how an agent is let in. */
import { connect } from 'node:net';
import { patienceMs } from '../../e2e/support/deadline.ts';

export interface Heard {
  /** As latin1, so that the text is the bytes. */
  readonly text: string;
  readonly ended: 'fin' | 'reset' | 'never';
}

/** @param leaves ends its own side behind the bytes, waits for the other, or is gone at once */
export function talk(
  port: number,
  bytes: string,
  leaves: 'ends' | 'stays' | 'resets' = 'ends',
): Promise<Heard> {
  const heard = Promise.withResolvers<Heard>();
  let text = '';
  const isLink = /^GET [!-~]*\/agent/.test(bytes);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const done = (ended: Heard['ended']): void => {
    heard.resolve({ text, ended });
    socket.destroy();
  };
  socket.setTimeout(patienceMs, () => done('never'));
  socket.on('data', (piece) => {
    text += piece.toString('latin1');
    // A link that was let in lives on until somebody ends it.
    if (isLink && text.startsWith('HTTP/1.1 101 ')) done('fin');
  });
  socket.on('end', () => done('fin'));
  socket.on('error', () => done('reset'));
  socket.on('close', () => done('reset'));
  const sent = Buffer.from(bytes, 'latin1');
  if (leaves === 'ends') socket.end(sent);
  else socket.write(sent, () => leaves === 'resets' && socket.resetAndDestroy());
  return heard.promise;
}
