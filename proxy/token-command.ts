/** `inverting-proxy token`: prints a token that lets an agent serve the backends, hosts and paths it names. */
import { AuthError } from '../shared/auth/auth-error.ts';
import { minSecretBytes } from '../shared/auth/secret.ts';
import { signAgentToken } from '../shared/auth/sign.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { list, scalar } from '../shared/config/format.ts';
import { secret, text } from '../shared/config/formats.ts';
import type { Program } from '../shared/config/help.ts';
import { readRequestedText } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { duration } from '../shared/config/measures.ts';
import { SettingError } from '../shared/config/setting-error.ts';
import { maxNames, readBackendId, readHostPattern, readPathPrefix } from '../shared/protocol/grammar.ts';
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
    isRequired: true,
    doc: "The proxy's own AGENT_SECRET, which signs the token.",
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
  summary: 'prints a token for an agent, and nothing else.',
  usage: ['--backend ID [--backend ID]… [--host H]… [--path P]… [--ttl 30d] [--subject S]'],
  settings: tokenSettings,
};

/**
 * What to print: the token and a line break, or the help that was asked for. `sources.argv` is what follows `token`.
 * Settings of the proxy itself may stand in the same environment and file; they are passed over.
 *
 * @throws SettingError
 */
export async function tokenCommand(sources: Sources, nowMs: number = Date.now()): Promise<string> {
  const requested = readRequestedText(tokenProgram, sources.argv);
  if (requested !== undefined) return requested;
  const settings = loadSettings(tokenSettings, sources, { checks: tokenChecks, alsoKnown: proxySettings });
  const { agentSecret, backends, hosts, paths, ttlMs, subject } = settings;
  const order = { secret: agentSecret, backends, hosts, paths, ttlMs, nowMs };
  try {
    return `${await signAgentToken(subject === undefined ? order : { ...order, subject })}\n`;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new SettingError([
      { code: 'impossible', setting: '--backend', line: `${error.message}: grant less, or a wildcard` },
    ]);
  }
}
