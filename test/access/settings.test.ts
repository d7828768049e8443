/** The settings of the sign-in: what is refused at the start, and what a person reads then. */
import { test } from 'tap';
import { loadProxySettings } from '../../proxy/config.ts';
import { linesOf, sourcesOf } from '../config/sources.ts';

const issuer = 'https://id.example.com';
const oidc = { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'proxy' };
const long = 'a secret of more than thirty-two bytes';

const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
  [{ OIDC_ISSUER: issuer }, /^OIDC_ISSUER is given without OIDC_CLIENT_ID: give both or neither$/],
  [{ OIDC_CLIENT_ID: 'proxy' }, /^OIDC_CLIENT_ID is given without OIDC_ISSUER: give both or neither$/],
  [
    { CLIENT_ACCESS: 'signed-in' },
    /^CLIENT_ACCESS asks who somebody is.*: give OIDC_ISSUER or BASIC_AUTH_FILE$/,
  ],
  [
    { CLIENT_ACCESS: 'public,@example.com' },
    /^CLIENT_ACCESS=.* holds "public", which is none of these: give public/,
  ],
  [{ CLIENT_ACCESS: 'everybody' }, /^CLIENT_ACCESS="everybody" .* holds "everybody"/],
  [{ CLIENT_ACCESS: ',' }, /^CLIENT_ACCESS="," .* names nobody/],
  [
    { ...oidc, OIDC_ISSUER: 'http://id.example.com' },
    /^OIDC_ISSUER=.* is not safe over http: give the https:/,
  ],
  [{ ...oidc, OIDC_ISSUER: 'http://127.0.0.1.evil.example' }, /is not safe over http/],
  [{ ...oidc, OIDC_ISSUER: 'id.example.com' }, /^OIDC_ISSUER=.* is not a URL/],
  [{ ...oidc, OIDC_ISSUER: `${issuer}?a=b` }, /^OIDC_ISSUER=.* is not a URL/],
  [
    { ...oidc, OIDC_ISSUER: 'https://me:password@id.example.com' },
    /^OIDC_ISSUER="https:\/\/…@id.example.com"/,
  ],
  [
    { ...oidc, OIDC_SCOPES: 'email profile' },
    /^OIDC_SCOPES=.* give scopes separated by blanks, openid among them/,
  ],
  [{ SESSION_SECRET: 'short' }, /^SESSION_SECRET \(environment\) is 5 bytes long: give at least 32 bytes/],
  [{ SESSION_SECRET: `${long},short` }, /^SESSION_SECRET \(environment\) is 5 bytes long/],
  [{ SESSION_SECRET: ' , ' }, /^SESSION_SECRET \(environment\) is empty/],
  [{ SESSION_SECRET: Array.from({ length: 9 }, () => long).join() }, /holds more than 8 secrets/],
  [{ SESSION_TTL: '500d' }, /^SESSION_TTL="500d" .* is too long/],
];

for (const [env, line] of refused) {
  test(`refused: ${JSON.stringify(env)}`, (t) => {
    const lines = linesOf(() => loadProxySettings(sourcesOf({ env })));
    t.equal(lines.length, 1, lines.join('\n'));
    t.match(lines[0], line);
    t.notMatch(lines[0], /password|short/, 'no secret stands in it');
    t.end();
  });
}

test('taken as they are meant', (t) => {
  const env = {
    OIDC_ISSUER: 'http://[::1]:8080/realms/one',
    OIDC_CLIENT_ID: 'proxy',
    OIDC_SCOPES: 'openid  groups,email',
    OIDC_AUDIENCE: 'https://a.example, b',
    SESSION_SECRET_FILE: '/run/session-secret',
    CLIENT_ACCESS: 'Alice@Example.com, group:the staff',
    SESSION_TTL: '365d',
  };
  const files = { '/run/session-secret': `${long} 2\r\n${long} 1\n\n` };
  const settings = loadProxySettings(sourcesOf({ env, files }));
  t.match(settings, {
    oidcIssuer: 'http://[::1]:8080/realms/one',
    oidcScopes: ['openid', 'groups', 'email'],
    oidcAudience: ['https://a.example', 'b'],
    sessionSecret: [`${long} 2`, `${long} 1`],
    clientAccess: { kind: 'listed', emails: ['alice@example.com'], groups: ['the staff'] },
    sessionTtlMs: 365 * 86_400_000,
  });
  t.end();
});
