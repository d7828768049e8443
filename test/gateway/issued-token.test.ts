/** An agent whose token a real OpenID provider issues: fetched, renewed on living links, and the provider away for a while. */
import { test } from 'tap';
import { says } from '../e2e/support/program.ts';
import { linksUp, productOnly } from '../e2e/support/tunnel.ts';
import { client, resource, startProvider } from './support/provider.ts';
import { load, saysNothing, setStage } from './support/stage.ts';

const tokens = { AGENT_SECRET: '', AGENT_AUDIENCE: resource };

function credentials(issuer: string): Record<string, string> {
  return {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: client.id,
    OIDC_CLIENT_SECRET: client.secret,
    OIDC_SCOPES: 'tunnel',
    OIDC_RESOURCE: resource,
  };
}

test(
  'an agent fetches its token, and the next well before it ends: no request is lost',
  productOnly,
  async (t) => {
    const provider = await startProvider(t);
    provider.lifeSeconds = 6;
    const stage = await setStage(t, {
      ...tokens,
      AGENT_ISSUER: provider.issuer,
      AGENT_JWKS_URL: `${provider.issuer}/jwks`,
    });
    stage.secrets.push(client.secret);
    const agent = stage.agent('', credentials(provider.issuer));
    await linksUp(agent, 2);
    const running = load(stage);
    const { program } = stage.proxy;
    const renewed = program.lines.filter(says('agent renewed its token')).length;
    t.equal(renewed, 0);
    let from = 0;
    for (let count = 0; count < 6; count += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const line = await program.line(says('agent renewed its token'), from, 20_000);
      from = program.lines.indexOf(line, from) + 1;
      t.equal(line['subject'], client.id);
    }
    t.strictSame([...(await running.stop()).keys()], ['200']);
    t.equal(agent.lines.filter(says('link down')).length, 0);
    t.ok(provider.issued >= 4 && provider.issued <= 5, `${provider.issued} tokens, shared by all links`);
    saysNothing(t, stage, agent);
  },
);

test(
  'a provider that is away is asked again, and the token that is there serves meanwhile',
  productOnly,
  async (t) => {
    const provider = await startProvider(t);
    provider.lifeSeconds = 9;
    const stage = await setStage(t, {
      ...tokens,
      AGENT_ISSUER: provider.issuer,
      AGENT_JWKS_URL: `${provider.issuer}/jwks`,
    });
    const agent = stage.agent('', { ...credentials(provider.issuer), LINKS: '1' });
    await linksUp(agent, 1);
    provider.isAway = true;
    const line = await agent.line(says('no fresh token'));
    t.match(String(line['reason']), provider.issuer);
    t.equal((await stage.get()).status, 200, 'the link lives by the token that is there');
    provider.isAway = false;
    await agent.line(says('token renewed'));
    t.equal(agent.lines.filter(says('link down')).length, 0);
  },
);

test(
  'a client that the provider does not know is said plainly, and the agent goes on trying',
  productOnly,
  async (t) => {
    const provider = await startProvider(t);
    const stage = await setStage(t);
    const env = { ...credentials(provider.issuer), OIDC_CLIENT_SECRET: 'a wrong secret', LINKS: '1' };
    stage.secrets.push('a wrong secret');
    const agent = stage.agent('', env);
    const line = await agent.line(says('no token to dial with'));
    t.match(String(line['reason']), /the provider answered invalid_client/);
    await agent.line(says('no token to dial with'), agent.lines.indexOf(line) + 1);
    t.ok(agent.isRunning);
    saysNothing(t, stage, agent);
  },
);
