/** The opening handshake of a WebSocket (RFC 6455 §4), both ends of it, as text. It knows no socket. */
import { createHash, randomBytes } from 'node:crypto';

/** Of an upgrade request, what counts here; names in lower case. */
export interface UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What every server hashes together with the client's key (§1.3): so an answer shows that it was made for this request. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const keyBytes = 16;
const version = '13';

export function createKey(): string {
  return randomBytes(keyBytes).toString('base64');
}

export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + guid)
    .digest('base64');
}

/** What a server answers: the head of the 101, or of a refusal (§4.2.2). */
export function answerUpgrade(
  { method, headers }: UpgradeRequest,
  subprotocol: string,
): { readonly isAccepted: boolean; readonly head: string } {
  const key = headers['sec-websocket-key'] ?? '';
  const isUpgrade = method === 'GET' && headers['upgrade']?.toLowerCase() === 'websocket';
  if (!isUpgrade || Buffer.from(key, 'base64').length !== keyBytes) return refusal('400 Bad Request', '');
  if (headers['sec-websocket-version'] !== version) {
    return refusal('426 Upgrade Required', `Sec-WebSocket-Version: ${version}\r\n`);
  }
  const head =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${acceptOf(key)}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`;
  return { isAccepted: true, head };
}

function refusal(status: string, lines: string): { readonly isAccepted: false; readonly head: string } {
  return {
    isAccepted: false,
    head: `HTTP/1.1 ${status}\r\n${lines}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  };
}

export interface Asking {
  /** With the query. */
  readonly path: string;
  readonly host: string;
  readonly subprotocol: string;
  readonly token: string;
  readonly userAgent: string;
}

/** The client's request (§4.1). */
export function writeUpgrade({ path, host, subprotocol, token, userAgent }: Asking, key: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: ${version}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n` +
    `Authorization: Bearer ${token}\r\nUser-Agent: ${userAgent}\r\n\r\n`
  );
}

/**
 * Why a 101 is none for this request (§4.1, the client's checks 2 to 6); undefined: it is one.
 *
 * @param values of all fields of a name: a balancer may add a Connection of its own
 */
export function faultOf(
  values: (name: string) => readonly string[],
  key: string,
  subprotocol: string,
): string | undefined {
  const field = (name: string): string | undefined => values(name).join(',') || undefined;
  if (field('upgrade')?.toLowerCase() !== 'websocket') return 'its Upgrade is not websocket';
  const options = (field('connection') ?? '').toLowerCase().split(',');
  if (!options.some((option) => option.trim() === 'upgrade')) return 'its Connection is not Upgrade';
  if (field('sec-websocket-accept') !== acceptOf(key)) return 'its Sec-WebSocket-Accept is wrong';
  if (field('sec-websocket-extensions') !== undefined) return 'it has extensions that were not offered';
  if (field('sec-websocket-protocol') !== subprotocol)
    return `it has not taken the subprotocol ${subprotocol}`;
  return undefined;
}
