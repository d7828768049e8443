/** What requests are made of that takes a while to make: sessions of people who signed in, and sealed cookies of every content. */
/* oxlint-disable no-await-in-loop -- the same seed makes the same ones in the same order */
import type { Random } from '../random.ts';
import type { Pending, Pools, SignedIn } from './requests.ts';
import { agentToken } from './scene.ts';
import type { Scene } from './scene.ts';
import { readAnswers } from './answers.ts';
import type { Answer } from './answers.ts';
import { talk } from './talk.ts';
import { secretSigner } from './tokens.ts';
import type { TokenKind } from './tokens.ts';
import { oddObject } from './values.ts';

const sealedOfEach = 60;
const hosts = ['shop.example.com', 'open.example.com', 'a.staff.example.com', 'x.example.com'];

/** An honest request of a browser, whole. */
export async function askHonestly(
  port: number,
  host: string,
  path: string,
  lines: readonly string[] = [],
): Promise<Answer> {
  const text = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, 'Connection: close', '', ''].join('\r\n');
  const { text: heard, ended } = await talk(port, text, 'stays');
  const { answers, wrong } = readAnswers(heard, false, ended === 'fin' ? 'fin' : 'reset');
  const [answer] = answers;
  if (answer === undefined) throw new Error(`no answer: ${wrong ?? ended} ${heard.slice(0, 200)}`);
  return answer;
}

/** From where nothing fails, where that is believed. */
const from = 'X-Forwarded-For: 198.51.100.2';

/** To the provider and back; the session's cookie as it is sent. */
export async function signIn({ port }: Pick<Scene, 'port'>, host: string): Promise<string> {
  const sent = await askHonestly(port, host, '/.well-known/inverting-proxy/sign-in', [from]);
  const place = sent.fields.get('location')?.[0];
  if (sent.status !== 302 || place === undefined) throw new Error(`not sent to the sign-in: ${sent.status}`);
  const { searchParams } = new URL(place);
  const query = `state=${searchParams.get('state')}&code=honest.${searchParams.get('nonce')}`;
  const pending = (sent.fields.get('set-cookie') ?? []).map((line) => line.split(';', 1)[0]).join('; ');
  const lines = [from, `Cookie: ${pending}`];
  const back = await askHonestly(port, host, `/.well-known/inverting-proxy/callback?${query}`, lines);
  const session = back.fields.get('set-cookie')?.find((line) => line.includes('session='));
  if (back.status !== 303 || session === undefined)
    throw new Error(`not signed in: ${back.status} ${back.body}`);
  return session.split(';', 1)[0] ?? '';
}

export async function makePools(scene: Scene, random: Random, secrets: Set<string>): Promise<Pools> {
  const { sealers, provider, agentSigner } = scene;
  const signedIn: SignedIn[] = [];
  for (const host of hosts) signedIn.push({ host, cookie: await signIn(scene, host) });
  const sessions = signedIn.map(({ cookie }) => cookie.split('=')[1] ?? '');
  const content = await sealers.session.open(sessions[0] ?? '');
  if (content === undefined) throw new Error('a session that cannot be opened');
  for (let made = 0; made < sealedOfEach; made += 1) {
    const odd = oddObject(random, { ...content, id: `odd-${made}`, h: random.pick(hosts) });
    sessions.push(await sealers.session.seal(odd));
  }
  const pending: Pending[] = [];
  for (let made = 0; made < sealedOfEach * 10; made += 1) {
    const state = `${random.next().toString(16).padStart(8, '0')}-0123456789`;
    const nonce = `nonce-${made}`;
    const host = random.pick(hosts);
    const honest = { s: state, n: nonce, v: 'v'.repeat(43), r: '/x', h: host, t: Date.now() };
    const sealed = await sealers.signIn.seal(random.below(4) === 0 ? oddObject(random, honest) : honest);
    pending.push({ host, state, nonce, sealed });
  }
  for (const each of [...sessions, ...pending.map(({ sealed }) => sealed)]) secrets.add(each);
  const agentTokens: TokenKind = {
    signers: [agentSigner, agentSigner, agentSigner, secretSigner('another secret')],
    kids: ['', 'good', 'x'],
    claims: () => ({ ...agentClaims(), hosts: ['peer.example.com'], paths: ['/'], links: 4 }),
  };
  return {
    agentToken: agentToken(agentSigner, 'peer'),
    clientTokens: provider.tokens,
    agentTokens,
    signedIn,
    sessions,
    pending,
    secrets,
  };
}

function agentClaims(): Readonly<Record<string, unknown>> {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return {
    backend: ['peer', 'default'],
    sub: 'odd-agent',
    jti: 'odd',
    exp,
    nbf: 1,
    iat: 1,
    iss: 'x',
    aud: 'y',
  };
}
