/**
 * Requests that show every change on the way to a backend: what is sent, and each line that differs at the backend under
 * the key of its row in docs/http.md. `<name>` and `<id>` stand for the proxy's name in Via and for the
 * request's id, `<jwt>` for an assertion.
 */

/** Lines that differ, by the key of the row that they show. */
export type Changes = Readonly<Record<string, readonly string[]>>;

export interface RequestCase {
  readonly what: string;
  /** Through the tunnel whose proxy trusts us and whose agent sets HOST_HEADER. */
  readonly trusted?: boolean;
  /** Through the tunnel whose proxy knows users, and whose backend's record asks to be told of them. */
  readonly guarded?: boolean;
  readonly lines: readonly string[];
  readonly body?: string;
  readonly changes: Changes;
  /** In place of what every request shows. */
  readonly always?: Changes;
}

const forwarded = ['+ X-Forwarded-For: 127.0.0.1', '+ X-Forwarded-Proto: http', '+ X-Forwarded-Host: h'];

/** What every request of a client that is not trusted shows. */
export const inEveryRequest: Changes = {
  'request-forwarded': forwarded,
  'request-via': ['+ Via: 1.1 <name>'],
  'request-id': ['+ X-Request-Id: <id>'],
};

const hop = [
  'Connection: keep-alive, X-Private',
  'Connection: Keep-Alive',
  'Keep-Alive: timeout=5',
  'Close: now',
  'Proxy-Connection: keep-alive',
  'Proxy-Authorization: Basic eDp5',
  'HTTP2-Settings: AAMAAABkAA',
];
const claims = [
  'Forwarded: for=6.6.6.6',
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: evil',
  'X-Forwarded-Port: 1',
  'X-Real-IP: 6.6.6.6',
];
const authRequest = ['X-Auth-Request-User: root'];
const reserved = ['X-Inverting-Proxy-User-ID: root', 'x-inverting-proxy-assertion: e.y.J'];
const identity = [
  'X-Forwarded-User: root',
  'x-forwarded-email: root@example.com',
  'X-FORWARDED-GROUPS: wheel',
  'X-Forwarded-Preferred-Username: root',
  'X-Forwarded-Access-Token: e.y.J',
];
const aliases = [
  'X_Forwarded_For: 6.6.6.6',
  'X-Forwarded_Proto: a',
  'X_Real_IP: b',
  'Keep_Alive: c',
  'X_Request_Id: d',
];
const identityAliases = ['X_Forwarded_User: e', 'X-Forwarded_Groups: f', 'x_inverting_proxy_user_id: g'];

/** Names that no trailer may have, with a value each. */
export const refusedTrailers =
  `Authorization Cookie Set-Cookie Trailer Content-Encoding Content-Type Content-Range
WWW-Authenticate Proxy-Authenticate Proxy-Authorization Proxy-Status Connection Close Keep-Alive Proxy-Connection TE Upgrade
HTTP2-Settings Expect Max-Forwards Via Forwarded X-Forwarded-For X-Real-IP X-Request-Id X-Inverting-Proxy-User X-Forwarded-User X-Auth-Request-User`
    .split(/\s+/)
    .map((name) => `${name}: 1`);

export const gone = (lines: readonly string[]): string[] => lines.map((line) => `- ${line}`);

export const requestCases: readonly RequestCase[] = [
  { what: 'nothing special', lines: ['GET /plain HTTP/1.1', 'Host: h', 'Accept: */*'], changes: {} },
  {
    what: 'fields of the hop',
    lines: ['GET /hop HTTP/1.1', 'Host: h', ...hop, 'X-Private: 1', 'X-Kept: 1'],
    changes: { 'request-hop': gone(hop), 'request-named': ['- X-Private: 1'] },
  },
  {
    what: 'claims',
    lines: [
      'GET /claims HTTP/1.1',
      'Host: h',
      ...claims,
      ...authRequest,
      ...reserved,
      ...identity,
      ...aliases,
      ...identityAliases,
      'X-Request-Id: 7',
      'Via: 1.1 a',
    ],
    changes: {
      'request-claims': gone([...claims, ...authRequest]),
      'request-reserved': gone(reserved),
      'request-identity': gone(identity),
      'request-aliases': gone([...aliases, ...identityAliases]),
      'request-id': ['- X-Request-Id: 7', '+ X-Request-Id: <id>'],
    },
    always: { 'request-forwarded': forwarded, 'request-via': ['+ Via: 1.1 <name>'] },
  },
  {
    what: 'an upgrade and somebody else to be',
    lines: [
      'GET /upgrade-as-root HTTP/1.1',
      'Host: h',
      'Connection: Upgrade, X-Forwarded-User',
      'Upgrade: websocket',
      ...identity,
      ...identityAliases,
    ],
    changes: {
      'request-upgrade': ['- Connection: Upgrade, X-Forwarded-User', '+ Connection: upgrade'],
      'request-identity': gone(identity),
      'request-aliases': gone(identityAliases),
    },
  },
  {
    what: 'cookies of the proxy among others',
    guarded: true,
    lines: [
      'GET /cookies HTTP/1.1',
      'Host: h',
      'Cookie: a=1; inverting-proxy-session=x;  b="2"',
      'Cookie: __Host-inverting-proxy-session=y',
      'Cookie:  c=3',
    ],
    changes: {
      'request-cookies': [
        '- Cookie: a=1; inverting-proxy-session=x;  b="2"',
        '+ Cookie: a=1;  b="2"',
        '- Cookie: __Host-inverting-proxy-session=y',
      ],
    },
  },
  {
    what: 'a password for the proxy',
    guarded: true,
    lines: ['GET /password HTTP/1.1', 'Host: h', `Authorization: Basic ${btoa('alice@example.com:a')}`],
    changes: {
      'request-authorization': [`- Authorization: Basic ${btoa('alice@example.com:a')}`],
      'request-user': [
        '+ X-Inverting-Proxy-User-ID: alice@example.com',
        '+ X-Forwarded-User: alice@example.com',
        '+ X-Forwarded-Email: alice@example.com',
        '+ X-Inverting-Proxy-Assertion: <jwt>',
      ],
    },
  },
  {
    what: 'a password for the backend',
    guarded: true,
    lines: [
      'GET /other-password HTTP/1.1',
      'Host: h',
      `Authorization: Basic ${btoa('bob:b')}`,
      'Cookie: s=1',
    ],
    changes: {},
  },
  {
    what: 'TE with trailers',
    lines: ['GET /te HTTP/1.1', 'Host: h', 'TE: gzip, trailers', 'Connection: te', 'Accept: */*'],
    changes: {
      'request-te': ['- TE: gzip, trailers', '- Connection: te', '+ TE: trailers', '+ Connection: TE'],
    },
  },
  {
    what: 'TE without trailers',
    lines: ['GET /te-gzip HTTP/1.1', 'Host: h', 'TE: gzip', 'Accept: */*'],
    changes: { 'request-te': ['- TE: gzip'] },
  },
  {
    what: 'an upgrade',
    lines: ['GET /upgrade HTTP/1.1', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket'],
    changes: { 'request-upgrade': ['- Connection: Upgrade', '+ Connection: upgrade'] },
  },
  {
    what: 'an upgrade that does not count',
    lines: ['GET /h2c HTTP/1.1', 'Host: h', 'Upgrade: h2c', 'Accept: */*'],
    changes: { 'request-upgrade': ['- Upgrade: h2c'] },
  },
  {
    what: 'HTTP/1.0',
    lines: ['POST /old HTTP/1.0', 'Host: h', 'Expect: 100-continue', 'Content-Length: 3'],
    body: 'abc',
    changes: {
      'request-version': ['- POST /old HTTP/1.0', '+ POST /old HTTP/1.1'],
      'request-expect': ['- Expect: 100-continue'],
      'request-via': ['+ Via: 1.0 <name>'],
    },
    always: { 'request-forwarded': forwarded, 'request-id': ['+ X-Request-Id: <id>'] },
  },
  ...[
    ['GET http://h/absolute?a=b HTTP/1.1', 'GET /absolute?a=b HTTP/1.1'],
    ['GET HTTPS://H?absolute HTTP/1.1', 'GET /?absolute HTTP/1.1'],
    ['OPTIONS http://h HTTP/1.1', 'OPTIONS * HTTP/1.1'],
  ].map(([sent = '', arrived = '']) => ({
    what: sent,
    lines: [sent, 'Host: h'],
    changes: { 'request-target': [`- ${sent}`, `+ ${arrived}`] },
  })),
  {
    what: 'empty lines first',
    lines: ['', '', 'GET /empty-lines HTTP/1.1', 'Host: h'],
    changes: { 'request-empty-lines': ['- ', '- '] },
  },
  {
    what: 'a length, oddly written',
    lines: ['POST /length HTTP/1.1', 'Host: h', 'Content-Length:  003 ', 'Accept: */*'],
    body: 'abc',
    changes: { 'request-content-length': ['- Content-Length:  003 ', '+ Content-Length: 3'] },
  },
  {
    what: 'chunks, oddly written',
    lines: ['POST /chunks HTTP/1.1', 'Host: h', 'Transfer-Encoding:\tCHUNKED ', 'Accept: */*'],
    body: '03\r\nabc\r\nA\r\n0123456789\r\n1;a=b;c="d"\r\nx\r\n00\r\n\r\n',
    changes: {
      'request-transfer-encoding': ['- Transfer-Encoding:\tCHUNKED ', '+ Transfer-Encoding: chunked'],
      'request-chunk-sizes': ['- 03', '+ 3', '- A', '+ a', '- 00', '+ 0'],
      'request-chunk-extensions': ['- 1;a=b;c="d"', '+ 1'],
    },
  },
  {
    what: 'trailers',
    lines: ['POST /trailers HTTP/1.1', 'Host: h', 'Connection: X-Private', 'Transfer-Encoding: chunked'],
    body: `0\r\nX-Kept: 1\r\n${refusedTrailers.join('\r\n')}\r\nX-Private: 1\r\nX-Sum:\t42 \r\n\r\n`,
    changes: {
      'request-hop': ['- Connection: X-Private'],
      'request-trailer-fields': gone(refusedTrailers),
      'request-trailer-named': ['- X-Private: 1'],
      'request-trailer-blanks': ['- X-Sum:\t42 ', '+ X-Sum: 42'],
    },
  },
  {
    what: 'Max-Forwards',
    lines: ['OPTIONS /max-forwards HTTP/1.1', 'Host: h', 'Max-Forwards: 03', 'Accept: */*'],
    changes: { 'request-max-forwards': ['- Max-Forwards: 03', '+ Max-Forwards: 2'] },
  },
  {
    what: 'a trusted proxy, and an agent with HOST_HEADER',
    trusted: true,
    lines: [
      'GET /trusted HTTP/1.1',
      'hOST: h',
      ...claims,
      ...authRequest,
      ...reserved,
      ...identity,
      ...identityAliases,
      'X-Forwarded-For: 7.7.7.7',
      'X-Request-Id: 7',
      'Accept: */*',
    ],
    changes: {
      'request-trusted': [
        '- X-Forwarded-For: 6.6.6.6',
        '- X-Forwarded-For: 7.7.7.7',
        '+ X-Forwarded-For: 6.6.6.6, 7.7.7.7, 127.0.0.1',
        '- X-Request-Id: 7',
        '+ X-Request-Id: 7',
      ],
      'request-reserved': gone(reserved),
      'request-identity': gone(identity),
      'request-aliases': gone(identityAliases),
      'request-host': ['- hOST: h', '+ hOST: backend.internal'],
    },
    always: { 'request-via': ['+ Via: 1.1 <name>'] },
  },
];
