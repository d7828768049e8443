/** What PROXY_URL may say: where the agents' door is, with or without the token in front of the host. It dials nothing. */
import { hideCredentials, readUrl } from '../shared/config/addresses.ts';
import { FormatViolation, scalar } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';
import { agentPath } from '../shared/protocol/ask.ts';

export interface ProxyAddress {
  /** ws: or wss:, with the agents' path and without credentials: fit to be logged. */
  readonly url: string;
  /** The token that stood in the URL. */
  readonly token: string | undefined;
}

const schemes: ReadonlyMap<string, string> = new Map([
  ['ws:', 'ws:'],
  ['wss:', 'wss:'],
  ['http:', 'ws:'],
  ['https:', 'wss:'],
]);

/** `wss://host`, `ws://`, `https://` or `http://`; `wss://TOKEN@host` carries the token. */
export function proxyAddress(): Format<ProxyAddress> {
  return scalar({
    kind: 'URL',
    right: 'give the address of the proxy (wss://, ws://, https:// or http://)',
    show: hideCredentials,
    parse: (text) => {
      const url = readUrl(text);
      const scheme = url === undefined ? undefined : schemes.get(url.protocol);
      if (url === undefined || scheme === undefined || url.hostname === '') return undefined;
      if (!['', '/', agentPath].includes(url.pathname) || url.search !== '' || url.hash !== '') {
        throw new FormatViolation(
          'has a path of its own',
          'give scheme, host and port only; the agent knows the path',
        );
      }
      return { url: `${scheme}//${url.host}${agentPath}`, token: readToken(url) };
    },
  });
}

/** A token is its whole user part: it holds no colon, so there is no password. */
function readToken(url: URL): string | undefined {
  if (url.password !== '')
    throw new FormatViolation(
      'has a password',
      'give the token alone in front of the host, as in wss://TOKEN@host',
    );
  // Base64url and dots are all a token is made of: nothing in it was ever percent-encoded.
  return url.username === '' ? undefined : url.username;
}
