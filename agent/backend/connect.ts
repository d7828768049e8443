/**
 * Opens a socket to the backend: TCP, TLS over TCP, or a unix socket. It knows addresses and nothing of what
 * will be said over them.
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type BackendAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface BackendDialer {
  /** Begins to connect; `readyEvent` of the socket says that bytes can flow. */
  connect(): Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
}

/** @param ca extra certificate authorities (PEM) that may have signed the backend's certificate */
export function createBackendDialer(address: BackendAddress, ca?: string): BackendDialer {
  if (address.kind === 'unix') {
    const { path } = address;
    return { readyEvent: 'connect', connect: () => connectTcp({ path }) };
  }
  const { host, port } = address;
  if (address.kind === 'tcp') {
    return { readyEvent: 'connect', connect: () => connectTcp({ host, port, noDelay: true }) };
  }
  const options = { host, port, ALPNProtocols: ['http/1.1'], ...(ca === undefined ? {} : { ca }) };
  return {
    readyEvent: 'secureConnect',
    connect: () => {
      const socket = connectTls(options);
      socket.setNoDelay(true);
      return socket;
    },
  };
}

/** As a person writes it, for logs. */
export function describeAddress(address: BackendAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.kind === 'tls' ? 'https' : 'http'}://${host}:${String(address.port)}`;
}
