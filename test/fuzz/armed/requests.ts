/**
 * Requests of a grammar, of which some part is odd: what no honest client sends, and yet far enough in order that the parts
 * behind the parser get to see it. What is a secret of its sender goes into `secrets`.
 */
import { honest, tricks } from '../../access/support/tricks.ts';
import type { Random } from '../random.ts';
import { adminToken, password } from './scene.ts';
import { oddToken } from './tokens.ts';
import type { TokenKind } from './tokens.ts';
import { fieldText, jsonText, mutated, oddObject, oddText, oddValue, texts } from './values.ts';

export interface Pools {
  readonly clientTokens: TokenKind;
  readonly agentTokens: TokenKind;
  /** A good one. */
  readonly agentToken: string;
  /** Who is signed in, in order, until the provider says otherwise. */
  readonly signedIn: readonly SignedIn[];
  /** Sealed, right and odd, of either purpose. */
  readonly sessions: readonly string[];
  readonly pending: readonly Pending[];
  readonly secrets: Set<string>;
}

export interface SignedIn {
  readonly host: string;
  /** Name and value. */
  readonly cookie: string;
}

export interface Pending {
  readonly host: string;
  readonly state: string;
  readonly nonce: string;
  readonly sealed: string;
}

const pages = '/.well-known/inverting-proxy';
const hosts = [
  'shop.example.com',
  'open.example.com',
  'a.staff.example.com',
  'far.example.com',
  'x.example.com',
];
const hostsOdd = [
  '$',
  "'",
  'a.%',
  '%00',
  '%2f',
  'x:0',
  'x:65536',
  '[::1]:1',
  '[::ffff:1.2.3.4]',
  'a..b',
  'x.',
  '0x',
  'xn--',
  '',
];
const methods = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'get',
  'X-Y',
];
const accepts = [
  'text/html',
  'text/html,*/*;q=0.8',
  'application/json',
  '*/*',
  'text/html;q=0',
  'text/*;q=x',
  ',,',
  '',
];
const queryNames = [
  'return',
  'other',
  'state',
  'code',
  'iss',
  'error',
  'backend',
  'host',
  'path',
  'id_token',
  'response',
];
const credentials = [
  `alice@example.com:${password}`,
  'alice@example.com:',
  ':',
  'x',
  'alice@example.com:kept-secret-wrong',
  'a\0b:c',
];

function query(random: Random): string {
  const pairs = Array.from({ length: random.below(5) }, () => {
    const text = fieldText(random);
    const value = random.below(3) === 0 ? text.replaceAll(/[\s#]/g, '') : encodeURIComponent(text);
    return `${random.pick(queryNames)}=${value}`;
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function pageTarget(random: Random): string {
  const page = random.pick([
    'sign-in',
    'callback',
    'sign-out',
    'jwks.json',
    'agent',
    'agent',
    'x',
    '',
    '.',
    '%61gent',
  ]);
  return `${pages}/${page}${query(random)}`;
}

/** Where somebody goes, and what they bring. */
interface Way {
  readonly host: string;
  readonly path: string;
  readonly lines: readonly string[];
}

/** The way back of somebody who began a sign-in; only now and then something is wrong with it. */
function callback(random: Random, pools: Pools): Way {
  const { host, state, nonce, sealed } = random.pick(pools.pending);
  const code = `kept-secret-code-${random.next()}.${nonce}`;
  pools.secrets.add(code);
  const more = random.below(4) === 0 ? `&${query(random).slice(1)}` : '';
  // As this proxy sets it, or as the other variant would.
  const isSecure = (pools.signedIn[0]?.cookie.startsWith('__Host-') === true) === random.below(8) > 0;
  const prefix = isSecure ? '__Host-' : '';
  return {
    host,
    path: `${pages}/callback?state=${state}&code=${code}${more}`,
    lines: [`Cookie: ${prefix}inverting-proxy-sign-in-${state.slice(0, 8)}=${sealed}`],
  };
}

function target(random: Random, host: string): string {
  switch (random.below(10)) {
    case 0:
      return random.pick(tricks) + query(random);
    case 1:
      return random.pick(honest) + query(random);
    case 2:
      return `/${fieldText(random)}`;
    case 3:
      return random.pick([
        '*',
        `http://${host}/x`,
        `https://${host}`,
        `ftp://${host}/`,
        `${host}:443`,
        'x',
        `/x#${host}`,
      ]);
    case 4:
    case 5:
      return random.pick(['/', '/api/x', '/admin/x?y']);
    default:
      return pageTarget(random);
  }
}

/** Who it says it is. */
function authorization(random: Random, pools: Pools): string {
  const { secrets } = pools;
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const token = oddToken(random, pools.clientTokens);
      secrets.add(token);
      return `Bearer ${token}`;
    }
    case 3: {
      const token = oddToken(random, pools.agentTokens);
      secrets.add(token);
      return `Bearer ${token}`;
    }
    case 4:
    case 5: {
      const text = random.below(3) === 0 ? `${oddText(random)}:${oddText(random)}` : random.pick(credentials);
      const encoded = Buffer.from(text.slice(0, 3_000), random.below(3) === 0 ? 'latin1' : 'utf8').toString(
        'base64',
      );
      secrets.add(encoded);
      return `Basic ${random.below(4) === 0 ? mutated(random, encoded) : encoded}`;
    }
    default:
      return (
        random.pick(['Bearer', 'Basic', 'Bearer ', 'Bearer a b', 'Basic =', 'Digest x', 'DPoP x.y.z', '']) +
        fieldText(random)
      );
  }
}

function cookie(random: Random, pools: Pools): string {
  const pair = (): string => {
    const name = random.pick(['session', 'session', 'session', 'sign-in-abcdefgh', `x${fieldText(random)}`]);
    const good = random.below(6) === 0 ? random.pick(pools.pending).sealed : random.pick(pools.sessions);
    const value = random.below(4) === 0 ? mutated(random, good) : good;
    return `${random.below(2) === 0 ? '__Host-' : ''}inverting-proxy-${name}=${value}`;
  };
  const others = random.below(4) === 0 ? [`a=${fieldText(random)}`] : [];
  return [...others, ...Array.from({ length: 1 + random.below(random.below(8) === 0 ? 8 : 2) }, pair)].join(
    '; ',
  );
}

type Line = (random: Random, host: string) => string;

const plainLineMakers: readonly Line[] = [
  (random) => `Accept: ${random.pick(accepts)}`,
  (random) => `Accept: ${random.pick(accepts)}`,
  (random, host) =>
    `Origin: ${random.pick([`http://${host}`, `https://${host}`, 'null', 'http://evil.example', fieldText(random)])}`,
  (random) =>
    `Sec-Fetch-Site: ${random.pick(['same-origin', 'same-site', 'cross-site', 'none', fieldText(random)])}`,
  (random) => `Sec-Fetch-Mode: ${random.pick(['navigate', 'cors', 'websocket', fieldText(random)])}`,
  (random) => `Sec-Fetch-Dest: ${random.pick(['document', 'iframe', 'empty', fieldText(random)])}`,
  (random) =>
    `X-Forwarded-For: ${random.pick([`192.0.2.${random.below(250)}`, '2001:db8::1, 127.0.0.1', ',,', '[::1]:80', '1.2.3.4:5', fieldText(random)])}`,
  (random) => `X-Forwarded-Proto: ${random.pick(['https', 'http', 'wss', 'https,http', fieldText(random)])}`,
  (random) => `X-Forwarded-Host: ${fieldText(random)}`,
  (random) => `Forwarded: ${random.pick(['for=192.0.2.7;proto=https', 'for="[::1]:8"', fieldText(random)])}`,
  (random) => `X-Request-Id: ${fieldText(random)}`,
];

const lineMakers: readonly Line[] = [
  ...plainLineMakers,
  (random) => `Max-Forwards: ${random.pick(['0', '1', '-1', fieldText(random)])}`,
  (random) => `Expect: ${random.pick(['100-continue', fieldText(random)])}`,
  (random) =>
    `Connection: ${random.pick(['close', 'keep-alive', 'Upgrade', 'Cookie', 'Authorization, Host', fieldText(random)])}`,
  (random) => `X-Forwarded-User: ${fieldText(random)}`,
  (random) =>
    `${random.pick(['Via', 'TE', 'Trailer', 'Range', 'Referer', 'User-Agent', 'Upgrade', 'Proxy-Status'])}: ${fieldText(random)}`,
];

const agentSubprotocol = 'inverting-proxy.v1';
const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';

function upgradeLines(random: Random, isDoor: boolean): string[] {
  if (random.below(3) === 0)
    return [
      'Connection: Upgrade',
      'Upgrade: websocket',
      key,
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Protocol: ${agentSubprotocol}`,
    ];
  const protocol = isDoor && random.below(6) > 0 ? agentSubprotocol : fieldText(random);
  const lines = [
    `Connection: ${random.pick(['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'close', fieldText(random)])}`,
    `Upgrade: ${random.pick(['websocket', 'websocket', 'WebSocket', 'h2c', 'echo, websocket', fieldText(random)])}`,
    random.below(5) === 0 ? `Sec-WebSocket-Key: ${fieldText(random)}` : key,
    `Sec-WebSocket-Version: ${random.pick(['13', '13', '13', '8', fieldText(random)])}`,
    ...(isDoor || random.below(3) === 0 ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
    ...(random.below(4) === 0 ? [`Sec-WebSocket-Extensions: ${fieldText(random)}`] : []),
  ];
  return random.below(4) === 0 ? lines.filter(() => random.below(5) > 0) : lines;
}

function bodyOf(random: Random, lines: string[]): string {
  const text = random.below(2) === 0 ? fieldText(random) : jsonText(random, oddValue(random));
  const data = Buffer.from(text.slice(0, 4_000)).toString('latin1');
  switch (random.below(6)) {
    case 0:
      lines.push('Transfer-Encoding: chunked');
      return `${data.length.toString(16)}\r\n${data}\r\n0\r\n\r\n`;
    case 1:
      lines.push(`Transfer-Encoding: ${random.pick(['chunked', 'gzip, chunked', fieldText(random)])}`);
      return data;
    case 2:
      lines.push(`Content-Length: ${random.pick(['0', '-1', '99999999999', '5, 5', fieldText(random)])}`);
      return data;
    default:
      lines.push(`Content-Length: ${data.length}`);
      return data;
  }
}

/** One request, as latin1: half of them are well-formed HTTP, so that what is odd is seen behind the parser too. */
export function oddRequest(random: Random, pools: Pools): string {
  return random.below(2) === 0 ? wellFormed(random, pools) : malformed(random, pools);
}

function wellFormed(random: Random, pools: Pools): string {
  const way = random.below(6);
  const back =
    way === 0
      ? callback(random, pools)
      : way === 1
        ? visit(random, pools)
        : way === 2
          ? door(random, pools)
          : undefined;
  // Well-formed as RFC 3986 has it, and yet nothing that a URL could name.
  const host = random.below(6) === 0 ? random.pick(hostsOdd) : (back?.host ?? random.pick(hosts));
  const path =
    back?.path ?? (random.below(4) === 0 ? pageTarget(random) : random.pick(['/', '/api/x?y', ...honest]));
  const lines = [`X-Forwarded-For: 192.0.2.${random.below(250)}`, ...(back?.lines ?? [])];
  for (let more = random.below(4); more > 0; more -= 1)
    lines.push(random.pick(plainLineMakers)(random, host));
  const isUpgrade = random.below(8) === 0;
  if (isUpgrade) lines.push(...upgradeLines(random, path.startsWith(`${pages}/agent`)));
  if (back === undefined && random.below(6) > 0) lines.push(`Authorization: ${authorization(random, pools)}`);
  if (random.below(back === undefined ? 2 : 8) === 0) lines.push(`Cookie: ${cookie(random, pools)}`);
  const method =
    way === 0 || way === 2 ? 'GET' : random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);
  // What comes behind the head: of an upgrade it goes to the backend, else it is another request.
  const behind = isUpgrade
    ? fieldText(random)
    : random.below(12) === 0
      ? `GET / HTTP/1.1\r\nHost: ${hosts[1]}\r\n\r\n`
      : '';
  const start = `${method} ${path.replaceAll(' ', '%20')} HTTP/1.1`;
  return [start, `Host: ${host}`, ...lines, '', behind].join('\r\n');
}

/** An agent: with a good token it asks for odd things, or the other way round. */
function door(random: Random, pools: Pools): Way {
  const isGood = random.below(3) > 0;
  const token = isGood ? pools.agentToken : oddToken(random, pools.agentTokens);
  pools.secrets.add(token);
  const names = ['backend', 'host', 'host', 'path', 'path', 'x'];
  const pairs = Array.from({ length: random.below(4) }, () => {
    const text = fieldText(random).replaceAll(/[\s#]/g, '');
    return `&${random.pick(names)}=${random.below(2) === 0 ? text : encodeURIComponent(text)}`;
  });
  const ask = random.below(8) === 0 ? '' : 'backend=peer&host=peer.example.com';
  const lines = [`Authorization: Bearer ${token}`, ...upgradeLines(random, true)];
  return { host: 'x.example.com', path: `${pages}/agent?${ask}${pairs.join('')}`, lines };
}

/** Somebody who is signed in, on a page of their site. */
function visit(random: Random, pools: Pools): Way {
  const { host, cookie: sent } = random.pick(pools.signedIn);
  const path = random.pick(['/', '/admin/x', `${pages}/sign-out`, `${pages}/sign-in?other=1`]);
  const scheme = random.below(2) === 0 ? 'http' : 'https';
  const lines = [`Cookie: ${sent}`, ...(random.below(2) === 0 ? [`Origin: ${scheme}://${host}`] : [])];
  return { host, path, lines };
}

function malformed(random: Random, pools: Pools): string {
  const lines: string[] = [];
  const host =
    random.below(5) === 0 ? random.pick(random.below(2) === 0 ? hostsOdd : texts) : random.pick(hosts);
  const asked = target(random, host);
  const isDoor = asked.startsWith(`${pages}/agent`);
  const isUpgrade = random.below(isDoor ? 1 : 8) === 0;
  for (let more = random.below(6); more > 0; more -= 1) lines.push(random.pick(lineMakers)(random, host));
  if (isUpgrade) lines.push(...upgradeLines(random, isDoor));
  if (isDoor || random.below(2) > 0) lines.push(`Authorization: ${authorization(random, pools)}`);
  if (random.below(2) === 0) lines.push(`Cookie: ${cookie(random, pools)}`);
  const body = random.below(4) === 0 ? bodyOf(random, lines) : '';
  if (random.below(12) === 0) lines.splice(random.below(lines.length + 1), 0, fieldText(random));
  const version =
    random.below(24) === 0
      ? random.pick(['HTTP/1.0', 'HTTP/2.0', 'http/1.1', fieldText(random)])
      : 'HTTP/1.1';
  const verb = isUpgrade ? 'GET' : random.pick(methods);
  const text = [`${verb} ${asked} ${version}`, `Host: ${host}`, ...lines, '', body].join('\r\n');
  return random.below(24) === 0 ? mutated(random, text) : text;
}

const paths = [
  '/api/backends',
  '/api/backends/odd-1',
  '/api/backends/odd-2',
  '/api/revocations',
  '/api/tunnels',
  '/metrics',
  '/api/',
  '/healthz',
  '/readyz',
];
const honestRecord = {
  hosts: ['odd.example.org', '*.odd.example.org'],
  paths: ['/x'],
  agentSubjects: ['odd'],
  access: { emails: ['a@b.example'], domains: ['b.example'], groups: ['g'], subjects: ['s'] },
  forwardIdentity: true,
  keepAuthorization: false,
  networks: { allow: ['192.0.2.0/24'], deny: ['2001:db8::/32'] },
  limits: { maxLinks: 2, maxBodyBytes: 10, requestsPerSecond: 5 },
};
const honestRevocation = { subject: 'odd', until: '2099-01-01T00:00:00Z' };

/** What it would take for a backend of these tests. */
function isHarmless(text: string): boolean {
  return !text.includes('"*"');
}

/** A request to the admin listener. */
export function oddAdminRequest(random: Random): string {
  const method = random.pick([
    'GET',
    'PUT',
    'PUT',
    'PUT',
    'POST',
    'POST',
    'DELETE',
    'HEAD',
    'PATCH',
    'OPTIONS',
  ]);
  const path =
    random.below(5) === 0 ? `/api/backends/${encodeURIComponent(fieldText(random))}` : random.pick(paths);
  const record = oddObject(random, {
    ...honestRecord,
    limits: oddObject(random, honestRecord.limits),
    access: oddObject(random, honestRecord.access),
  });
  const named = method === 'POST' ? { id: 'odd-3', ...record } : record;
  const value = path.endsWith('revocations')
    ? oddObject(random, honestRevocation)
    : random.below(8) === 0
      ? oddValue(random)
      : named;
  const json = jsonText(random, value);
  const body = Buffer.from(isHarmless(json) ? json : '{}').toString('latin1');
  const lines = [
    `Host: ${random.below(6) === 0 ? random.pick(hostsOdd) : '127.0.0.1'}`,
    `Authorization: ${random.below(6) === 0 ? fieldText(random) : `Bearer ${adminToken}`}`,
    `Content-Type: ${random.below(6) === 0 ? fieldText(random) : 'application/json'}`,
    `Content-Length: ${body.length}`,
    ...(random.below(4) === 0 ? [`If-Match: ${random.pick(['*', '"x"', fieldText(random)])}`] : []),
    ...(random.below(4) === 0 ? [random.pick(lineMakers)(random, 'x')] : []),
    'Connection: close',
  ];
  return [`${method} ${path} HTTP/1.1`, ...lines, '', body].join('\r\n');
}
