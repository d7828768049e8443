/**
 * TLS on the listener's side. The TCP socket is wrapped by hand and not by node's own server, because an aborted
 * exchange must be able to reset the TCP socket underneath.
 */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface TlsIdentity {
  /** PEM, the certificate first, then its chain. */
  readonly certificate: string;
  readonly key: string;
}

/** Gives the function that puts TLS on an accepted socket. Throws at once where certificate and key do not fit. */
export function createTlsWrap(identity: TlsIdentity): (wire: Duplex) => TLSSocket {
  // Not imported by name: 3 MB that a proxy behind another one's TLS does not need.
  const { createSecureContext, TLSSocket } = process.getBuiltinModule('node:tls');
  const secureContext = createSecureContext({
    cert: identity.certificate,
    key: identity.key,
    minVersion: 'TLSv1.2',
  });
  return (wire) => new TLSSocket(wire, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
}
