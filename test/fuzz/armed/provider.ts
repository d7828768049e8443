/**
 * An OpenID Connect provider of a few lines, that answers in order until it is told to be odd: then with any status, any
 * type, and values of any kind. What a code is worth is in the code itself, so that it keeps nothing.
 */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { listen } from '../../e2e/support/listen.ts';
import type { Owner } from '../../e2e/support/owner.ts';
import { Random } from '../random.ts';
import { ecPair, ecSigner, honestToken, oddToken } from './tokens.ts';
import type { Signer, TokenKind } from './tokens.ts';
import { jsonText, oddObject, oddText, oddValue } from './values.ts';

export const clientId = 'the-proxy';

type Json = Readonly<Record<string, unknown>>;

const statuses = [200, 200, 200, 201, 204, 205, 301, 304, 400, 401, 403, 404, 429, 500, 503, 599, 999];
const contentTypes = [
  'application/json',
  'text/html',
  'application/jwt',
  'application/json; charset=x',
  '',
  'x',
];
const oddFields: readonly (readonly [string, string])[] = [
  ['www-authenticate', 'Bearer error="invalid_token"'],
  ['www-authenticate', 'DPoP error="use_dpop_nonce", '],
  ['dpop-nonce', 'x'],
  ['location', 'http://['],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'x'],
];
const errorCodes = [
  'invalid_grant',
  'invalid_client',
  'interaction_required',
  '',
  'a b',
  '<script>',
  'x'.repeat(300),
];

/** Keys that no verifier can use, beside the good one. */
const uselessKeys: readonly Json[] = [
  { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'odd-1' },
  { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'odd-2', alg: 'RS256' },
  { kty: 'oct', k: 'AAAA', kid: 'odd-3' },
  { kty: 'OKP', crv: 'Ed25519', x: '', kid: 'odd-4' },
  { kty: 'x', kid: 'odd-5' },
  { kid: 'odd-6', kty: 'EC', crv: 'P-256' },
  { kty: 'RSA', n: '', e: '', kid: '' },
];

export class OddProvider {
  readonly port: number;
  readonly signer: Signer;
  /** Given away by it, none of which may be seen in a log. */
  readonly secrets = new Set<string>();
  /** Of tokens and userinfo; undefined answers in order. */
  odd: Random | undefined;
  /** Of metadata and keys: whoever fetches them keeps them. */
  oddMetadata: Random | undefined;
  #issued = 0;
  readonly #jwk: object;

  private constructor(port: number) {
    const { privateKey, publicKey } = ecPair();
    this.port = port;
    this.signer = ecSigner(privateKey, 'good');
    this.#jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'good', use: 'sig', alg: 'ES256' };
  }

  static async listen(t: Owner): Promise<OddProvider> {
    let provider: OddProvider | undefined;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => {
        body += piece.toString('latin1');
      });
      request.on('end', () => provider?.answer(request.url ?? '', body, response));
    });
    provider = new OddProvider(await listen(server));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get tokens(): TokenKind {
    return {
      signers: [this.signer],
      kids: ['good', '', ...uselessKeys.map(({ kid }) => String(kid))],
      claims: () => this.claims(),
    };
  }

  claims(more: Json = {}): Json {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const who = { sub: 'alice', email: 'alice@example.com', email_verified: true, groups: ['staff'] };
    return { iss: this.issuer, aud: clientId, iat: nowSeconds, exp: nowSeconds + 600, ...who, ...more };
  }

  answer(url: string, body: string, response: ServerResponse): void {
    const path = url.split('?', 1)[0];
    if (path === '/token') this.#send(response, this.#tokenAnswer(body), this.odd);
    else if (path === '/me') this.#send(response, this.#userInfo(), this.odd);
    else if (path === '/jwks') this.#send(response, this.#keys(), this.oddMetadata);
    else this.#send(response, this.#metadata(), this.oddMetadata);
  }

  #metadata(): Json {
    const { issuer } = this;
    const honest = {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/end`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
    };
    return this.oddMetadata === undefined ? honest : oddObject(this.oddMetadata, honest);
  }

  #keys(): Json {
    const random = this.oddMetadata;
    if (random === undefined) return { keys: [...uselessKeys, this.#jwk] };
    const keys = Array.from({ length: random.below(4) }, () => oddObject(random, { ...this.#jwk }));
    return oddObject(random, { keys: [...keys, this.#jwk] });
  }

  #tokenAnswer(body: string): Json {
    const form = new URLSearchParams(body);
    const nonce = form.get('code')?.split('.')[1];
    const claims = this.claims(nonce === undefined ? {} : { nonce });
    const random = this.odd;
    const kind = { ...this.tokens, claims: () => claims };
    const idToken =
      random === undefined || random.below(2) === 0
        ? honestToken(this.signer, claims)
        : oddToken(random, kind);
    const honest = {
      access_token: this.#secret('access'),
      token_type: 'Bearer',
      id_token: idToken,
      refresh_token: this.#secret('refresh'),
      expires_in: 600,
    };
    this.secrets.add(idToken);
    if (random === undefined) return honest;
    if (random.below(8) === 0)
      return oddObject(random, { error: random.pick(errorCodes), error_description: oddText(random) });
    return random.below(2) === 0 ? honest : oddObject(random, honest);
  }

  #userInfo(): Json {
    const honest = {
      sub: 'alice',
      email: 'alice@example.com',
      email_verified: true,
      groups: ['staff', 'ops'],
    };
    return this.odd === undefined ? honest : oddObject(this.odd, honest);
  }

  #secret(kind: string): string {
    this.#issued += 1;
    const secret = `kept-secret-${kind}-${String(this.#issued).padStart(8, '0')}`;
    this.secrets.add(secret);
    return secret;
  }

  #send(response: ServerResponse, value: unknown, random: Random | undefined): void {
    response.setHeader('content-type', 'application/json');
    if (random === undefined || random.below(3) > 0) {
      response.end(JSON.stringify(value));
      return;
    }
    if (random.below(12) === 0) {
      response.destroy();
      return;
    }
    response.statusCode = random.pick(statuses);
    response.setHeader('content-type', random.pick(contentTypes));
    if (random.below(4) === 0) response.setHeader(...random.pick(oddFields));
    response.end(jsonText(random, random.below(2) === 0 ? value : oddValue(random)));
  }
}
