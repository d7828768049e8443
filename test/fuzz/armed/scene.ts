/**
 * A proxy with everything on, as a real process: a provider that people sign in at, users with passwords, backends on
 * record, limits, an admin listener with a token, and agents in front of a backend. In the variant `balanced` clients are
 * believed who they are (TRUSTED_PROXIES), failures count, and agents' keys are public ones.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcrypt';
import { WebSocketServer } from 'ws';
import { createSealer } from '../../../shared/auth/sealed.ts';
import type { Sealer } from '../../../shared/auth/sealed.ts';
import { adminPortOf, ask } from '../../admin/support/ask.ts';
import { listen } from '../../e2e/support/listen.ts';
import type { Owner } from '../../e2e/support/owner.ts';
import type { Program } from '../../e2e/support/program.ts';
import { createSecret, linksUp, startAgent, startProxy } from '../../e2e/support/tunnel.ts';
import type { Env } from '../../e2e/support/tunnel.ts';
import { clientId, OddProvider } from './provider.ts';
import { ecPair, ecSigner, honestToken, secretSigner } from './tokens.ts';
import type { Signer } from './tokens.ts';

export type Variant = 'plain' | 'balanced';

export const password = 'kept-secret-password-of-alice';
export const adminToken = 'kept-secret-admin-token-of-more-than-32-bytes';
const sessionSecret = 'kept-secret-for-sessions-of-more-than-32-bytes';

export interface Scene {
  readonly variant: Variant;
  readonly proxy: Program;
  readonly port: number;
  readonly adminPort: number;
  readonly provider: OddProvider;
  readonly agentSigner: Signer;
  readonly sealers: { readonly session: Sealer; readonly signIn: Sealer };
}

/** Who may use which; beside them `default` is nobody's record, whose rule is CLIENT_ACCESS. */
const records: readonly (readonly [id: string, record: object])[] = [
  [
    'open',
    {
      hosts: ['open.example.com'],
      access: 'public',
      forwardIdentity: true,
      networks: { deny: ['10.0.0.0/8'] },
      limits: { maxBodyBytes: 2_000, concurrentRequests: 500, concurrentRequestsPerUser: 500 },
    },
  ],
  ['staff', { hosts: ['*.staff.example.com'], access: { groups: ['staff'], domains: ['example.com'] } }],
  ['admin', { hosts: ['shop.example.com'], paths: ['/admin'], access: { subjects: ['root'] } }],
  ['far', { hosts: ['far.example.com'], networks: { allow: ['192.0.2.0/24'] } }],
];

export async function startScene(t: Owner, variant: Variant): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), 'armed-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const provider = await OddProvider.listen(t);
  const secret = createSecret();
  const { privateKey, publicKey } = ecPair();
  const keyFile = join(directory, 'agents.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const agentSigner = variant === 'plain' ? secretSigner(secret) : ecSigner(privateKey);
  const env = { ...commonEnv(directory, provider), ...(variant === 'plain' ? {} : balancedEnv(keyFile)) };
  const [backend, proxy] = await Promise.all([startEcho(t), startProxy(t, { secret, env })]);
  const adminPort = await adminPortOf(proxy.program);
  for (const [id, record] of records) {
    // oxlint-disable-next-line no-await-in-loop -- one file behind it
    const { status, body } = await putRecord(adminPort, id, record);
    if (status !== 201) throw new Error(`${id}: ${status} ${body}`);
  }
  await Promise.all(
    ['default', 'open', 'staff'].map((id) => {
      const token = agentToken(agentSigner, id);
      const agent = startAgent(t, { proxy, token, backend, env: { BACKEND_ID: id, LINKS: '1' } });
      return linksUp(agent, 1);
    }),
  );
  const sealers = {
    session: createSealer({ secrets: [sessionSecret], purpose: 'session' }),
    signIn: createSealer({ secrets: [sessionSecret], purpose: 'sign-in' }),
  };
  return { variant, proxy: proxy.program, port: proxy.port, adminPort, provider, agentSigner, sealers };
}

export function agentToken(signer: Signer, backend: string): string {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const hosts = backend === 'default' ? ['*'] : [`${backend}.example.com`];
  const routes = backend === 'staff' ? {} : { hosts };
  return honestToken(signer, { backend, exp, ...routes }, { typ: 'inverting-proxy-agent+jwt' });
}

export async function putRecord(port: number, id: string, record: object): ReturnType<typeof ask> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  return ask(port, `/api/backends/${id}`, { method: 'PUT', headers, body: JSON.stringify(record) });
}

function commonEnv(directory: string, provider: OddProvider): Env {
  const users = join(directory, 'users');
  writeFileSync(users, `alice@example.com:${hashSync(password, 4)}\n`);
  return {
    ADMIN_TOKEN: adminToken,
    BASIC_AUTH_FILE: users,
    CLIENT_ACCESS: 'signed-in',
    DATA_DIR: directory,
    LOG_LEVEL: 'debug',
    MAX_FAILURES_PER_ADDRESS: '0',
    MAX_CONCURRENT_REQUESTS_PER_ADDRESS: '5000',
    MAX_REQUESTS_PER_SECOND_PER_USER: '100000',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: 'kept-secret-of-the-client',
    QUEUE_TIMEOUT: '0s',
    // What a case leaves open is given up soon.
    HEADER_TIMEOUT: '1s',
    BODY_TIMEOUT: '1s',
    REFUSAL_DRAIN_TIMEOUT: '100ms',
    EARLY_ANSWER_DRAIN_TIMEOUT: '100ms',
    SESSION_SECRET: sessionSecret,
    SESSION_REFRESH_INTERVAL: '1ms',
  };
}

function balancedEnv(keyFile: string): Env {
  return {
    AGENT_SECRET: '',
    AGENT_PUBLIC_KEY_FILE: keyFile,
    BASE_DOMAIN: 'tunnel.example.com',
    MAX_FAILURES_PER_ADDRESS: '30',
    MAX_REQUESTS_PER_SECOND_PER_ADDRESS: '2000',
    PUBLIC_URL: 'https://tunnel.example.com',
    TRUSTED_PROXIES: '127.0.0.0/8',
  };
}

/** What it was sent as JSON; a WebSocket is opened and echoes. */
async function startEcho(t: Owner): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    const { url, headers } = request;
    response.setHeader('x-backend', 'echo').end(JSON.stringify({ url, headers }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  sockets.on('headers', (lines) => lines.push('x-backend: echo'));
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return listen(server);
}
