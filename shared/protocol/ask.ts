/**
 * What an agent asks for at the upgrade: where the agents' door is, and the query that says which backend it serves and
 * under which hosts and paths, so that 401, 403 and 409 are said before any upgrade. It knows no token and no route.
 */
import { TunnelError } from '../errors/tunnel-error.ts';
import { maxNames, readBackendId, readHostPattern, readPathPrefix } from './grammar.ts';

/** The agents' door, on the port that clients use. */
export const agentPath = '/.well-known/inverting-proxy/agent';

/** The subprotocol of the upgrade (RFC 6455 §1.9); its last part is the version of the wire. */
export const agentSubprotocol = 'inverting-proxy.v1';

/** Room for dozens of names, and a quarter of the head it travels in; longer tokens are not even parsed. */
export const maxTokenLength = 8 * 1024;

export interface Ask {
  readonly backend: string;
  /** Host patterns in normal form; none: whatever the id gets by default. */
  readonly hosts: readonly string[];
  /** Path prefixes in normal form; none: every path. */
  readonly paths: readonly string[];
}

/** The query of the upgrade is not one an agent writes. */
export class AskViolation extends TunnelError<'ask_malformed', { readonly status: 400 }> {
  constructor(message: string) {
    super(message, { code: 'ask_malformed', scope: 'link', initiator: 'remote', answer: { status: 400 } });
  }
}

/** The query, without its question mark: `backend=shop&host=a.example.com&path=/api`. */
export function writeAsk(ask: Ask): string {
  const pairs = [`backend=${encodeURIComponent(ask.backend)}`];
  for (const host of ask.hosts) pairs.push(`host=${encodeURIComponent(host)}`);
  for (const path of ask.paths) pairs.push(`path=${encodeURIComponent(path).replaceAll('%2F', '/')}`);
  return pairs.join('&');
}

/**
 * Reads the query of an upgrade, without its question mark. Names it does not know are ignored, so that later agents can
 * say more; a known one with a value that is no such name throws `AskViolation`.
 */
export function readAsk(query: string): Ask {
  let backend: string | undefined;
  const hosts = new Set<string>();
  const paths = new Set<string>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const text = equals < 0 ? '' : pair.slice(equals + 1);
    if (name === 'backend') {
      if (backend !== undefined) throw new AskViolation('the query names backend twice');
      backend = readValue('backend', text, readBackendId);
    } else if (name === 'host') hosts.add(readValue('host', text, readHostPattern));
    else if (name === 'path') paths.add(readValue('path', text, readPathPrefix));
  }
  if (backend === undefined) throw new AskViolation('the query names no backend');
  if (hosts.size > maxNames) throw new AskViolation(`the query names more than ${maxNames} hosts`);
  if (paths.size > maxNames) throw new AskViolation(`the query names more than ${maxNames} paths`);
  return { backend, hosts: [...hosts], paths: [...paths] };
}

function readValue(name: string, text: string, read: (text: string) => string | undefined): string {
  const value = read(decode(text));
  if (value === undefined) throw new AskViolation(`the query's ${name} is malformed`);
  return value;
}

/** Percent-decoding as UTF-8; a broken sequence decodes to nothing, which no grammar takes. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
