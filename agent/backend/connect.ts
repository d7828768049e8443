/**
 * Opens a socket to the backend: TCP, TLS over TCP, or a unix socket. It knows addresses and nothing of what
 * will be said over them.
 */
import { connect as connectTcp, isIP } from 'node:net';
import type { OnReadOpts, Socket } from 'node:net';

export type BackendAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface BackendDialer {
  /**
   * Begins to connect; `readyEvent` of the socket says that bytes can flow.
   * @param onread where what is read goes, in place of 'data' events
   */
  connect(onread?: OnReadOpts): Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
}

/** @param ca the certificate authorities (PEM) that may have signed the backend's certificate, in place of the usual ones */
export function createBackendDialer(address: BackendAddress, ca?: string): BackendDialer {
  // An end of either side is a half-close (DESIGN §3): node must not answer the backend's with one of ours.
  const allowHalfOpen = true;
  if (address.kind === 'unix') {
    const { path } = address;
    return {
      readyEvent: 'connect',
      connect: (onread) => connectTcp({ path, allowHalfOpen, ...(onread && { onread }) }),
    };
  }
  const { host, port } = address;
  if (address.kind === 'tcp') {
    return {
      readyEvent: 'connect',
      connect: (onread) =>
        connectTcp({ host, port, allowHalfOpen, noDelay: true, ...(onread && { onread }) }),
    };
  }
  // Not imported by name: 3 MB that an agent of a plain backend does not need.
  const { connect: connectTls, createSecureContext } = process.getBuiltinModule('node:tls');
  const options = {
    host,
    port,
    allowHalfOpen,
    ALPNProtocols: ['http/1.1'],
    // RFC 6066 §3: a name, never an address. Backends that serve several names choose their certificate by it.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Made once: reading the authorities for each connection would cost more than the connection.
    secureContext: createSecureContext(ca === undefined ? {} : { ca }),
  };
  return {
    readyEvent: 'secureConnect',
    connect: (onread) => {
      const socket = connectTls({ ...options, ...(onread && { onread }) });
      socket.setNoDelay(true);
      return socket;
    },
  };
}

/** As a person writes it, for logs. */
export function describeAddress(address: BackendAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.kind === 'tls' ? 'https' : 'http'}://${authorityOf(address)}`;
}

/** HOST:PORT, an IPv6 address in brackets. */
export function authorityOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
