/**
 * The product with a sign-in, as most of these tests need it: an identity server in this process, a proxy and an agent as real
 * processes, and a backend that tells what it was sent.
 */
import { createServer } from 'node:http';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import { listen } from '../../e2e/support/listen.ts';
import { createSecret, linksUp, mintToken, startAgent, startProxy } from '../../e2e/support/tunnel.ts';
import type { Env } from '../../e2e/support/tunnel.ts';
import type { Program } from '../../e2e/support/program.ts';
import { clientId, clientSecret, IdentityServer } from './identity-server.ts';

export const sessionSecret = 'a secret of more than thirty-two bytes for sessions';

export interface Setting {
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly identity: IdentityServer;
  readonly proxy: Program;
  /** With which the agent was let in. */
  readonly agentToken: string;
  /** Targets that reached the backend, in order. */
  readonly reached: string[];
}

/** A backend that echoes its request's head as JSON, and every message of a WebSocket. */
export async function startEcho(t: Test, reached: string[] = []): Promise<number> {
  const server = createServer((request, response) => {
    reached.push(request.url ?? '');
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    reached.push(request.url ?? '');
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const port = await listen(server);
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return port;
}

export function oidcEnv(identity: IdentityServer): Env {
  return {
    OIDC_ISSUER: identity.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    OIDC_SCOPES: 'openid email groups',
    SESSION_SECRET: sessionSecret,
  };
}

export async function startWithSignIn(t: Test, env: Env = {}, identity?: IdentityServer): Promise<Setting> {
  const reached: string[] = [];
  const server = identity ?? (await IdentityServer.listen(t));
  const secret = createSecret();
  const [backend, proxy, agentToken] = await Promise.all([
    startEcho(t, reached),
    startProxy(t, {
      secret,
      env: { CLIENT_ACCESS: '@example.com', ...oidcEnv(server), LOG_LEVEL: 'debug', ...env },
    }),
    mintToken(t, secret, ['--backend', 'default']),
  ]);
  await linksUp(startAgent(t, { proxy, token: agentToken, backend }), 2);
  const { host, port, program } = proxy;
  const origin = `http://${host}:${port}`;
  server.allow(origin);
  return { origin, host, port, identity: server, proxy: program, agentToken, reached };
}
