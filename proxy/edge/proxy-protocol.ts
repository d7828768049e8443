/**
 * The head of the PROXY protocol, versions 1 and 2, by which a TCP balancer says whom it accepted: bytes in, the
 * client's address out. It knows no sockets, and not whether the balancer may be believed.
 * https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, "§2.1", "§2.2"
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { readAddress } from '../../shared/net/networks.ts';

export interface ProxyHead {
  /** The client's address; undefined where the balancer speaks for itself (v2 LOCAL, v1 UNKNOWN) or of no IP address. */
  readonly address: string | undefined;
  /** Where the client's own bytes begin. */
  readonly length: number;
}

export type ProxyHeadCode = 'proxy_head_missing' | 'proxy_head_malformed' | 'proxy_head_too_long';

/** A connection that must begin with the PROXY protocol begins otherwise. There is nothing to answer: it is closed. */
export class ProxyHeadViolation extends TunnelError<ProxyHeadCode, undefined> {}

/** §2.1: the longest line of version 1, with its CRLF. */
const maxLineBytes = 107;
/** Version 2 may carry 64 KiB of extensions; 4 KiB hold every one in use, a client certificate's names included. */
const maxBinaryBytes = 4_096;
const binaryHeadBytes = 16;
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const lineStart = Uint8Array.from('PROXY ', (char) => char.charCodeAt(0));
/** A health check of the balancer's own: whatever else its head says is ignored. */
const local = 0;
const datagram = 2;
/** By number; others must be refused. A block is both addresses, of IP with both ports; of a UNIX socket nothing is used. */
const families = [
  { addressBytes: 0, blockBytes: 0 },
  { addressBytes: 4, blockBytes: 12 },
  { addressBytes: 16, blockBytes: 36 },
  { addressBytes: 0, blockBytes: 216 },
] as const;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Undefined: not enough yet. @throws ProxyHeadViolation */
export function readProxyHead(bytes: Uint8Array): ProxyHead | undefined {
  if (bytes.length === 0) return undefined;
  if (begins(bytes, signature)) return readBinary(bytes);
  if (begins(bytes, lineStart)) return readLine(bytes);
  throw violation('proxy_head_missing');
}

/** As far as there are bytes to tell. */
function begins(bytes: Uint8Array, with_: Uint8Array): boolean {
  const known = Math.min(bytes.length, with_.length);
  for (let at = 0; at < known; at++) if (bytes[at] !== with_[at]) return false;
  return true;
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, or `PROXY UNKNOWN` and anything. */
function readLine(bytes: Uint8Array): ProxyHead | undefined {
  const end = bytes.subarray(0, maxLineBytes).indexOf(lineFeed);
  if (end === -1) {
    if (bytes.length >= maxLineBytes) throw violation('proxy_head_too_long');
    return undefined;
  }
  if (bytes[end - 1] !== carriageReturn) throw violation('proxy_head_malformed');
  const [, family, source = '', destination = '', ...ports] = String.fromCharCode(
    ...bytes.subarray(0, end - 1),
  ).split(' ');
  const length = end + 1;
  if (family === 'UNKNOWN') return { address: undefined, length };
  const isSix = family === 'TCP6';
  const address = readOf(isSix, source);
  const isSound =
    (isSix || family === 'TCP4') &&
    address !== undefined &&
    readOf(isSix, destination) !== undefined &&
    ports.length === 2 &&
    ports.every(isPort);
  if (!isSound) throw violation('proxy_head_malformed');
  return { address, length };
}

/** An address of that family, as inet_pton(3) takes it: without a zone. */
function readOf(isSix: boolean, text: string): string | undefined {
  return text.includes(':') === isSix && !text.includes('%') ? readAddress(text) : undefined;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** §2.2: signature, version and command, family and transport, length, addresses, extensions. */
function readBinary(bytes: Uint8Array): ProxyHead | undefined {
  if (bytes.length < binaryHeadBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const versionAndCommand = view.getUint8(12);
  const familyAndTransport = view.getUint8(13);
  const restBytes = view.getUint16(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1) throw violation('proxy_head_malformed');
  if (restBytes > maxBinaryBytes) throw violation('proxy_head_too_long');
  const length = binaryHeadBytes + restBytes;
  if (command === local) return bytes.length < length ? undefined : { address: undefined, length };
  const family = families[familyAndTransport >> 4];
  // A datagram's client is one too: of a balancer that speaks HTTP/3 with it.
  const isAssigned = family !== undefined && (familyAndTransport & 0x0f) <= datagram;
  if (!isAssigned || restBytes < family.blockBytes) throw violation('proxy_head_malformed');
  if (bytes.length < length) return undefined;
  const address = bytes.subarray(binaryHeadBytes, binaryHeadBytes + family.addressBytes);
  return { address: writeAddress(address), length };
}

function writeAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length === 4) return bytes.join('.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  return readAddress(groups.join(':'));
}

function violation(code: ProxyHeadCode): ProxyHeadViolation {
  const message = 'the connection does not begin with a sound head of the PROXY protocol';
  return new ProxyHeadViolation(message, {
    code,
    scope: 'connection',
    initiator: 'remote',
    answer: undefined,
  });
}
