/** Publishes the keys that assertions are signed with, on every host: backends verify with them. It signs nothing. */
import { asciiJson } from '../escape.ts';
import type { Exchange, Handler } from '../exchange.ts';
import type { Assertions } from './assertions.ts';

export const keySetPath = '/.well-known/inverting-proxy/jwks.json';

/** Less than a key that is no longer used stays in the set. */
const cachedForSeconds = 120;

/** @param name ours in Proxy-Status */
export function createKeySetDoor(assertions: Pick<Assertions, 'keySet'>, name: string): Handler {
  return async (exchange) => {
    const { method } = exchange.request;
    const isRead = method === 'GET' || method === 'HEAD';
    const body = isRead ? `${asciiJson(await assertions.keySet())}\n` : '';
    const { client, record } = exchange;
    if (client.isGone) return;
    record.status = isRead ? 200 : 405;
    client.writeFinalHead(
      (isRead
        ? `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: public, max-age=${cachedForSeconds}\r\n`
        : 'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n') +
        `Content-Length: ${body.length}\r\n${common(exchange, name)}\r\n${method === 'HEAD' ? '' : body}`,
    );
    client.finish(client.mayPersist);
  };
}

function common({ client, record }: Exchange, name: string): string {
  const ours = `Proxy-Status: ${name}\r\nX-Request-Id: ${record.id}\r\nX-Content-Type-Options: nosniff\r\n`;
  return client.mayPersist ? ours : `${ours}Connection: close\r\n`;
}
