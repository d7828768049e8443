/** From settings to whoever judges agents' tokens: which keys, and what is checked beside the signature. */
import { readFileSync } from 'node:fs';
import { KeyError } from '../shared/auth/key-error.ts';
import { keysAtHand, secretSource } from '../shared/auth/key-source.ts';
import type { KeySource } from '../shared/auth/key-source.ts';
import { readPublicKeys } from '../shared/auth/public-keys.ts';
import { RemoteKeys } from '../shared/auth/remote-keys.ts';
import { createSecret } from '../shared/auth/secret.ts';
import { KeyVerifier } from '../shared/auth/verifier.ts';
import type { AgentVerifier } from '../shared/auth/verifier.ts';
import { SettingError } from '../shared/config/setting-error.ts';
import type { Log } from '../shared/log/log.ts';
import type { AgentKeySettings } from './agent-key-settings.ts';

export interface AgentKeys {
  readonly verifier: AgentVerifier;
  /** Made for this run, where no key was given. */
  readonly secretOfThisRun: string | undefined;
}

/** @throws SettingError where the file of keys holds none */
export function createAgentKeys(settings: AgentKeySettings, log: Log): AgentKeys {
  const { agentSecret, agentPublicKeyFile, agentJwksUrl, agentIssuer, agentAudience, agentClockSkewMs } =
    settings;
  const rules = { issuer: agentIssuer, audience: agentAudience, clockSkewMs: agentClockSkewMs };
  const foreign = sourceOf(agentPublicKeyFile, agentJwksUrl, log);
  if (foreign !== undefined) return { verifier: new KeyVerifier(foreign, rules), secretOfThisRun: undefined };
  const secret = agentSecret ?? createSecret();
  return {
    // The secret signs nothing but tokens for agents.
    verifier: new KeyVerifier(secretSource(secret), { ...rules, takesPlainTypes: true }),
    secretOfThisRun: agentSecret === undefined ? secret : undefined,
  };
}

function sourceOf(path: string | undefined, url: string | undefined, log: Log): KeySource | undefined {
  if (path !== undefined) return keysAtHand(readKeyFile('AGENT_PUBLIC_KEY_FILE', path, readPublicKeys));
  if (url === undefined) return undefined;
  const onProblem = (reason: string): void => {
    log.warn({ url, reason: `the JWK set ${reason}` }, "no fresh keys for agents' tokens");
  };
  const keys = new RemoteKeys({ url, onProblem });
  // So that the first agent does not wait, and that a wrong address is said before it comes.
  void keys.refresh();
  return keys;
}

/** What `read` makes of the file. @throws SettingError that names the setting */
export function readKeyFile<T>(setting: string, path: string, read: (text: string) => T): T {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const line = `${setting}=${JSON.stringify(path)} ${error.message}`;
    throw new SettingError([{ code: 'impossible', setting, line }]);
  }
}
