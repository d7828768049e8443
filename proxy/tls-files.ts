/**
 * The certificate and the key in their files: read at the start, and again when somebody says that they may be new ones.
 * What is wrong at the start stops the program; what is wrong later is said, and the old ones go on.
 */
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Log } from '../shared/log/log.ts';
import type { ProxySettings } from './config.ts';
import { createTlsWrap } from './edge/tls.ts';

export class TlsFiles {
  readonly #certFile: string;
  readonly #keyFile: string;
  readonly #log: Log;
  #wrap: (wire: Duplex) => TLSSocket;

  /** Throws where a file cannot be read, or certificate and key do not fit. */
  constructor(certFile: string, keyFile: string, log: Log) {
    this.#certFile = certFile;
    this.#keyFile = keyFile;
    this.#log = log;
    this.#wrap = this.#read();
  }

  /** Undefined where the port speaks no TLS. */
  static of({ tlsCertFile, tlsKeyFile }: ProxySettings, log: Log): TlsFiles | undefined {
    if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
    return new TlsFiles(tlsCertFile, tlsKeyFile, log);
  }

  /** Puts TLS on an accepted socket. */
  readonly wrap = (wire: Duplex): TLSSocket => this.#wrap(wire);

  /** Connections from now on get what the files hold now; those that are open keep what they have. */
  refresh(): void {
    try {
      this.#wrap = this.#read();
      this.#log.info({ file: this.#certFile }, 'certificate read again');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error(
        { file: this.#certFile, reason },
        'the new certificate is no good: the old one goes on',
      );
    }
  }

  #read(): (wire: Duplex) => TLSSocket {
    const certificate = readFileSync(this.#certFile, 'utf8');
    const key = readFileSync(this.#keyFile, 'utf8');
    return createTlsWrap({ certificate, key });
  }
}
