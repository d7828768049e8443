/**
 * The product with a sign-in, as most of these tests need it: an identity server in this process, a proxy and an agent as real
 * processes, and a backend that tells what it was sent.
 */
import { createServer } from 'node:http';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import { listen } from '../../e2e/support/listen.ts';
import { startTunnel } from '../../e2e/support/tunnel.ts';
import type { Env } from '../../e2e/support/tunnel.ts';
import type { LogLine, Program } from '../../e2e/support/program.ts';
import { clientId, clientSecret, IdentityServer } from './identity-server.ts';

export const sessionSecret = 'a secret of more than thirty-two bytes for sessions';

export interface Setting {
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly identity: IdentityServer;
  readonly proxy: Program;
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
  const { host, port, proxy } = await startTunnel(t, {
    backend: await startEcho(t, reached),
    proxyEnv: { CLIENT_ACCESS: '@example.com', ...oidcEnv(server), LOG_LEVEL: 'debug', ...env },
  });
  if (proxy === undefined) throw new Error('this is a test of the product');
  const origin = `http://${host}:${port}`;
  server.allow(origin);
  return { origin, host, port, identity: server, proxy, reached };
}

/** Lines of the proxy's log of exchanges, once there is one with that code. */
export async function exchangeWith(proxy: Program, code: string, from = 0): Promise<LogLine> {
  return await proxy.line((line) => line['msg'] === 'exchange' && line['code'] === code, from);
}
