/**
 * An agent that was let in and says anything: control messages of every type, in any order, and frames of nobody's making.
 * `ws` is the peer. It is over when the proxy has closed, or has answered a ping behind all of it.
 */
import { WebSocket } from 'ws';
import { patienceMs, within } from '../../e2e/support/deadline.ts';
import type { Random } from '../random.ts';
import { oddToken } from './tokens.ts';
import type { TokenKind } from './tokens.ts';
import { jsonText, oddObject, oddText, oddValue } from './values.ts';

const hello = {
  kind: 'hello',
  version: '0.1.0',
  instance: 'odd',
  backend: 'peer',
  hosts: ['peer.example.com'],
  paths: ['/'],
  options: { hostHeader: 'localhost:3000' },
};

function oddMessage(random: Random, tokens: TokenKind, secrets: Set<string>): string {
  switch (random.below(5)) {
    case 0:
      return jsonText(random, oddObject(random, { ...hello, options: oddObject(random, hello.options) }));
    case 1:
      return jsonText(
        random,
        oddObject(random, { kind: 'health', serving: true, why: 'x', stopping: false }),
      );
    case 2: {
      const token = oddToken(random, tokens);
      secrets.add(token);
      return jsonText(random, oddObject(random, { kind: 'renew', token }));
    }
    case 3:
      return jsonText(random, oddValue(random));
    default:
      return jsonText(random, { kind: oddText(random) });
  }
}

/** What became of it: the status of the door, or the code of the close; 0 where the proxy went on with it. */
export async function oddAgent(
  port: number,
  random: Random,
  token: string,
  tokens: TokenKind,
  secrets: Set<string>,
): Promise<number> {
  const url = `ws://127.0.0.1:${port}/.well-known/inverting-proxy/agent?backend=peer&host=peer.example.com`;
  const headers = { authorization: `Bearer ${token}` };
  const messages: (string | Buffer)[] = random.below(4) === 0 ? [] : [JSON.stringify(hello)];
  for (let more = 1 + random.below(4); more > 0; more -= 1) {
    if (random.below(8) === 0)
      messages.push(Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256))));
    else messages.push(oddMessage(random, tokens, secrets));
  }
  const closes = random.below(4) === 0 ? random.pick([1000, 1008, 3000, 4999]) : undefined;
  const socket = new WebSocket(url, 'inverting-proxy.v1', { headers, perMessageDeflate: false });
  const over = Promise.withResolvers<number>();
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_, { statusCode = 0 }) => {
    over.resolve(statusCode);
    socket.terminate();
  });
  socket.on('close', (code) => over.resolve(code));
  socket.on('pong', () => over.resolve(0));
  socket.on('open', () => {
    for (const message of messages) socket.send(message);
    if (closes !== undefined) socket.close(closes, 'x');
    else socket.ping();
  });
  try {
    return await within(patienceMs, () => `the proxy after ${JSON.stringify(messages)}`, over.promise);
  } finally {
    socket.terminate();
  }
}
