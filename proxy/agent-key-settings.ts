/** The settings that say whose tokens let agents in. It reads no key. */
import { minSecretBytes } from '../shared/auth/secret.ts';
import { trustedUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { readableFile, secret, text } from '../shared/config/formats.ts';
import { duration } from '../shared/config/measures.ts';

/** A clock that is off by more than a day is not set at all. */
const maxClockSkewMs = 24 * 60 * 60_000;

export const agentKeySettings = {
  agentSecret: {
    env: 'AGENT_SECRET',
    format: secret(minSecretBytes),
    doc: "The key that signs agents' tokens (HS256). Without any key the proxy makes one for this run and prints an agent command.",
  },
  agentPublicKeyFile: {
    env: 'AGENT_PUBLIC_KEY_FILE',
    format: readableFile(),
    example: '/etc/proxy/agents.pem',
    doc: "The public keys of whoever signs agents' tokens: PEM (keys or certificates), a JWK or a JWK set.",
  },
  agentJwksUrl: {
    env: 'AGENT_JWKS_URL',
    format: trustedUrl(),
    example: 'https://id.example.com/jwks',
    doc: 'Where those keys are published as a JWK set; it takes AGENT_ISSUER and AGENT_AUDIENCE.',
  },
  agentIssuer: {
    env: 'AGENT_ISSUER',
    format: text(),
    example: 'https://id.example.com',
    doc: "What agents' tokens must say made them (iss). Without it, nothing.",
  },
  agentAudience: {
    env: 'AGENT_AUDIENCE',
    format: text(),
    example: 'https://tunnel.example.com',
    doc: "What agents' tokens must say they are for (aud). Without it, nothing.",
  },
  agentClockSkewMs: {
    env: 'AGENT_CLOCK_SKEW',
    format: duration({ allowsZero: true, maxMs: maxClockSkewMs }),
    default: '30s',
    doc: "By how much the clock of whoever signs agents' tokens may differ: for so long a token is taken beyond its end.",
  },
} as const;

export type AgentKeySettings = Settings<typeof agentKeySettings>;

export const agentKeyChecks: readonly Check<AgentKeySettings>[] = [
  {
    of: ['agentSecret', 'agentPublicKeyFile', 'agentJwksUrl'],
    wrong: ({ agentSecret, agentPublicKeyFile, agentJwksUrl }) => {
      const given = [
        agentSecret === undefined ? [] : ['AGENT_SECRET'],
        agentPublicKeyFile === undefined ? [] : ['AGENT_PUBLIC_KEY_FILE'],
        agentJwksUrl === undefined ? [] : ['AGENT_JWKS_URL'],
      ].flat();
      return given.length < 2 ? undefined : `${given.join(' and ')} are given: give one of them`;
    },
  },
  {
    of: ['agentJwksUrl', 'agentIssuer', 'agentAudience'],
    wrong: ({ agentJwksUrl, agentIssuer, agentAudience }) =>
      agentJwksUrl === undefined || (agentIssuer !== undefined && agentAudience !== undefined)
        ? undefined
        : 'AGENT_JWKS_URL is given without both AGENT_ISSUER and AGENT_AUDIENCE: give them, or any token of that server would do',
  },
];
