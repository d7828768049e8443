/** Where clients reach a backend, as its agent prints it. It says what routes mean to a person and decides nothing. */
import type { Granted } from '../../shared/auth/grant.ts';

/** The first few are enough for a log line. */
const maxUrls = 8;

/** @param base the proxy's own address as clients see it: `https://tunnel.example.com:8443` */
export function publicUrls(base: string, { hosts, paths }: Granted): string[] {
  const url = new URL(base);
  const port = url.port === '' ? '' : `:${url.port}`;
  return hosts
    .flatMap((host) => {
      const origin = host === '*' ? url.origin : `${url.protocol}//${host}${port}`;
      return paths.map((path) => `${origin}${path}`);
    })
    .slice(0, maxUrls);
}
