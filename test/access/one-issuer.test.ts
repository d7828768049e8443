/**
 * One identity server signs the tokens of agents and of clients, with the same keys and for the same audience: the worst that
 * an operator can set up. What a token opens is in its claims alone, and no token opens both doors.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { SignJWT } from 'jose';
import { t as file, test } from 'tap';
import { linksUp, productOnly, startAgent, startProxy } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import { audience, IdentityServer } from './support/identity-server.ts';
import { oidcEnv, startEcho } from './support/proxy-with-sign-in.ts';

const door = '/.well-known/inverting-proxy/agent?backend=default';
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-protocol': 'inverting-proxy.v1',
};

test('agents and clients with tokens of one issuer', productOnly, async (suite) => {
  const identity = await IdentityServer.listen(file);
  identity.allow('http://127.0.0.1');
  const { issuer } = identity;
  const reached: string[] = [];
  const [backend, proxy] = await Promise.all([
    startEcho(file, reached),
    startProxy(file, {
      secret: '',
      env: {
        ...oidcEnv(identity),
        AGENT_JWKS_URL: `${issuer}/jwks`,
        AGENT_ISSUER: issuer,
        AGENT_AUDIENCE: audience,
        OIDC_AUDIENCE: audience,
        CLIENT_ACCESS: '@example.com',
        MAX_FAILURES_PER_ADDRESS: '0',
      },
    }),
  ]);
  const origin = `http://${proxy.host}:${proxy.port}`;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const person = { email: 'alice@example.com', email_verified: true, groups: ['staff'] };
  const make = async (claims: Record<string, unknown>, typ = 'at+jwt'): Promise<string> => {
    const all = {
      iss: issuer,
      aud: audience,
      sub: 'alice',
      iat: nowSeconds,
      exp: nowSeconds + 300,
      ...claims,
    };
    const { kid, privateKey } = identity.key;
    return await new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid, typ }).sign(privateKey);
  };
  const asClient = async (token: string): Promise<number> => {
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    return (await new Browser().ask(`${origin}/`, { headers })).status;
  };
  const asAgent = async (token: string): Promise<number> => {
    const headers = { ...upgrade, authorization: `Bearer ${token}` };
    return (await new Browser().ask(`${origin}${door}`, { headers })).status;
  };

  const agentType = 'inverting-proxy-agent+jwt';
  await linksUp(startAgent(file, { proxy, token: await make({ backend: ['default'] }), backend }), 2);

  await suite.test('each opens its own door', async (t) => {
    t.equal(await asClient(await make(person)), 200);
    t.strictSame(reached, ['/']);
  });

  const agents: readonly (readonly [string, Record<string, unknown>, string?])[] = [
    ['with an id', { ...person, backend: 'default' }],
    ['with ids', { ...person, backend: ['default'] }],
    ['with no id', { ...person, backend: [] }],
    ['with an id that is none', { ...person, backend: null }],
    ['of its own type', { ...person, backend: 'default' }, agentType],
    ['of its own type and without an id', person, agentType],
  ];
  for (const [what, claims, typ] of agents) {
    await suite.test(`an agent's token ${what} lets no client in`, async (t) => {
      const before = reached.length;
      t.equal(await asClient(await make(claims, typ)), 401);
      t.equal(reached.length, before, 'nothing reached the backend');
    });
  }

  const clients: readonly (readonly [string, Record<string, unknown>, string?])[] = [
    ['an access token', person],
    ['an ID token', person, 'JWT'],
    ['one of the agents’ type', person, agentType],
    ['one with hosts and no id', { ...person, hosts: ['*'], paths: ['/'] }],
    ['one with ids that are none', { ...person, backend: [] }],
    ['one whose id is in another claim', { ...person, backends: ['default'], aud: [audience, 'default'] }],
  ];
  for (const [what, claims, typ] of clients) {
    await suite.test(`a client's token lets no agent in: ${what}`, async (t) => {
      t.equal(await asAgent(await make(claims, typ)), 401);
    });
  }

  await suite.test('at the door of agents it is the claim that counts', async (t) => {
    const other = startAgent(t, { proxy, token: await make({ ...person, backend: 'default' }), backend });
    await linksUp(other, 2);
  });
});
