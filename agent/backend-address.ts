/** What BACKEND may say, and the address it becomes. It opens no socket. */
import { readHost, readUrl } from '../shared/config/addresses.ts';
import { FormatViolation, scalar } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';
import { readDigits } from '../shared/config/formats.ts';
import type { BackendAddress } from './backend/connect.ts';

/** The longest path of a unix socket that the kernel takes, without its final NUL: sizeof sun_path on Linux is 108. */
const maxUnixPathBytes = 107;

/** A bare port is one on this machine: `localhost`, so that a server on 127.0.0.1 and one on ::1 are both found. */
const ownHost = 'localhost';

/** `3000`, `host:port`, `http://host`, `https://host:port`, `unix:/path`. */
export function backendAddress(): Format<BackendAddress> {
  return scalar({
    kind: 'backend',
    right: 'give 3000, HOST:PORT, http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH',
    parse: (text) => {
      if (text.startsWith('unix:')) return readUnix(text.slice('unix:'.length));
      if (/^https?:\/\//i.test(text)) return readHttp(text);
      return readHostAndPort(text);
    },
  });
}

function readUnix(path: string): BackendAddress | undefined {
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  if (Buffer.byteLength(path) > maxUnixPathBytes) {
    throw new FormatViolation(
      'is too long for a unix socket',
      `give a path of at most ${maxUnixPathBytes} bytes`,
    );
  }
  return { kind: 'unix', path };
}

function readHttp(text: string): BackendAddress | undefined {
  const url = readUrl(text);
  if (url === undefined || url.username !== '' || url.password !== '') return undefined;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new FormatViolation(
      'has a path',
      'leave it out: the path of each request goes to the backend as it came',
    );
  }
  const host = readHost(url.hostname);
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  return host === undefined || port === 0 ? undefined : { kind: isTls ? 'tls' : 'tcp', host, port };
}

function readHostAndPort(text: string): BackendAddress | undefined {
  const colon = text.lastIndexOf(':');
  const host = colon < 0 ? ownHost : readHost(text.slice(0, colon));
  const port = readDigits(text.slice(colon + 1));
  if (host === undefined || port === undefined || port === 0 || port > 65_535) return undefined;
  // `::1` would be read as port 1 of the host `:`; an IPv6 address wants its brackets before a port.
  if (host.includes(':') && !text.startsWith('[')) return undefined;
  return { kind: 'tcp', host, port };
}
