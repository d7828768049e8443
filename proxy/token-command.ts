/** `inverting-proxy token`: prints a token that lets an agent serve the backends, hosts and paths it names. */
import { AuthError } from '../shared/auth/auth-error.ts';
import { maxGrantedLinks } from '../shared/auth/grant.ts';
import { minSecretBytes } from '../shared/auth/secret.ts';
import { describeToken, signAgentToken } from '../shared/auth/sign.ts';
import type { TokenSigner } from '../shared/auth/sign.ts';
import { readSigningKey } from '../shared/auth/signing-key.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { list, scalar } from '../shared/config/format.ts';
import { integer, readableFile, secret, text } from '../shared/config/formats.ts';
import type { Program } from '../shared/config/help.ts';
import { readRequestedText } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { duration } from '../shared/config/measures.ts';
import { SettingError } from '../shared/config/setting-error.ts';
import { maxNames, readBackendId, readHostPattern, readPathPrefix } from '../shared/protocol/grammar.ts';
import type { Printed } from '../shared/run/print.ts';
import { readKeyFile } from './agent-keys.ts';
import { proxySettings } from './config.ts';

/** No timer measures a token's life, so it may outlast one; ten years are for ever. */
const maxTtlMs = 3650 * 86_400_000;

const backendId = scalar({
  kind: 'id',
  right: 'give 1 to 64 letters, digits, dots, underscores or dashes',
  parse: readBackendId,
});
const hostPattern = scalar({
  kind: 'host',
  right: 'give a.example.com, *.example.com or *',
  parse: readHostPattern,
});
const pathPrefix = scalar({
  kind: 'path',
  right: 'give a path that starts with /, without query and fragment',
  parse: readPathPrefix,
});

export const tokenSettings = {
  agentSecret: {
    env: 'AGENT_SECRET',
    format: secret(minSecretBytes),
    doc: "The proxy's own AGENT_SECRET, which signs the token; or give --private-key-file.",
  },
  privateKeyFile: {
    flag: 'private-key-file',
    format: readableFile(),
    example: 'agent-key.pem',
    doc: 'The private key (PEM or JWK) that signs it, for a proxy that has the public one.',
  },
  kid: {
    flag: 'kid',
    format: text('text', 256),
    example: '2026-11',
    doc: 'Which key signs, for a proxy with several; without it, what a private JWK calls itself.',
  },
  agentIssuer: {
    env: 'AGENT_ISSUER',
    flag: 'issuer',
    format: text(),
    example: 'https://id.example.com',
    doc: 'Who makes it (iss), as the proxy has it in AGENT_ISSUER.',
  },
  agentAudience: {
    env: 'AGENT_AUDIENCE',
    flag: 'audience',
    format: text(),
    example: 'https://tunnel.example.com',
    doc: 'What it is for (aud), as the proxy has it in AGENT_AUDIENCE.',
  },
  backends: {
    flag: 'backend',
    format: list(backendId),
    isRequired: true,
    example: 'shop',
    doc: 'The backend id it grants; may be given again for more.',
  },
  hosts: {
    flag: 'host',
    format: list(hostPattern),
    default: '',
    example: 'shop.example.com',
    doc: "A host it grants; without any, the id's default.",
  },
  paths: {
    flag: 'path',
    format: list(pathPrefix),
    default: '',
    example: '/api',
    doc: 'A path prefix it grants; without any, every path.',
  },
  links: {
    flag: 'links',
    format: integer(1, maxGrantedLinks),
    example: '4',
    doc: 'How many links it may hold for one backend at a time; without it, no bound of its own.',
  },
  ttlMs: { flag: 'ttl', format: duration({ maxMs: maxTtlMs }), default: '30d', doc: 'How long it is valid.' },
  subject: {
    flag: 'subject',
    format: text('text', 256),
    example: 'shop-server-1',
    doc: 'Who it is for; stands in the log of the proxy.',
  },
} as const;

type TokenSettings = Settings<typeof tokenSettings>;

const tokenChecks: readonly Check<TokenSettings>[] = [
  {
    of: ['agentSecret', 'privateKeyFile'],
    wrong: ({ agentSecret, privateKeyFile }) => {
      if (agentSecret === undefined && privateKeyFile === undefined)
        return 'AGENT_SECRET is missing: give what the proxy has, or --private-key-file';
      return agentSecret !== undefined && privateKeyFile !== undefined
        ? 'AGENT_SECRET and --private-key-file are both given: give one of them'
        : undefined;
    },
  },
  ...(['backends', 'hosts', 'paths'] as const).map((key) => ({
    of: [key],
    wrong: (settings: TokenSettings) => {
      const flag = `--${tokenSettings[key].flag}`;
      const count = settings[key].length;
      return count <= maxNames
        ? undefined
        : `${flag} is given ${count} times: give it at most ${maxNames} times`;
    },
  })),
  {
    of: ['backends'],
    wrong: ({ backends }) => (backends.length > 0 ? undefined : '--backend names nothing: give an id'),
  },
];

export const tokenProgram: Program = {
  name: 'inverting-proxy token',
  summary: 'prints a token for an agent; what it grants goes to the standard error.',
  usage: [
    '--backend ID [--backend ID]… [--host H]… [--path P]… [--links N] [--ttl 30d] [--subject S]',
    '--private-key-file agent-key.pem --backend ID …',
  ],
  settings: tokenSettings,
};

/**
 * What to print: the token and a line break with what it grants aside, or the help that was asked for. `sources.argv` is
 * what follows `token`. Settings of the proxy itself may stand in the same environment and file; they are passed over.
 *
 * @throws SettingError
 */
export async function tokenCommand(sources: Sources, nowMs: number = Date.now()): Promise<Printed> {
  const requested = readRequestedText(tokenProgram, sources.argv);
  if (requested !== undefined) return { out: requested };
  const settings = loadSettings(tokenSettings, sources, { checks: tokenChecks, alsoKnown: proxySettings });
  const { backends, hosts, paths, links, ttlMs, subject, kid, agentIssuer, agentAudience } = settings;
  const wish = { backends, hosts, paths, links, ttlMs, subject, kid, nowMs };
  const order = { ...signerOf(settings), ...wish, issuer: agentIssuer, audience: agentAudience };
  try {
    const token = await signAgentToken(order);
    return { out: `${token}\n`, aside: describeToken(token) };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new SettingError([
      { code: 'impossible', setting: '--backend', line: `${error.message}: grant less, or a wildcard` },
    ]);
  }
}

function signerOf({ agentSecret, privateKeyFile }: TokenSettings): TokenSigner {
  if (privateKeyFile !== undefined)
    return { signingKey: readKeyFile('--private-key-file', privateKeyFile, readSigningKey) };
  if (agentSecret === undefined) throw new Error('a token without a signer passed its checks');
  return { secret: agentSecret };
}
