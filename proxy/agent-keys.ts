/** From settings to whoever judges agents' tokens: which keys, and what is checked beside the signature. */
import { readFileSync } from 'node:fs';
import { KeyError } from '../shared/auth/key-error.ts';
import { keysAtHand, secretSource } from '../shared/auth/key-source.ts';
import type { KeySource } from '../shared/auth/key-source.ts';
import { readPublicKeys } from '../shared/auth/public-keys.ts';
import type { PublicKey } from '../shared/auth/public-keys.ts';
import { RemoteKeys } from '../shared/auth/remote-keys.ts';
import { createSecret } from '../shared/auth/secret.ts';
import { KeyVerifier } from '../shared/auth/verifier.ts';
import type { AgentVerifier } from '../shared/auth/verifier.ts';
import { SettingError } from '../shared/config/setting-error.ts';
import type { Log } from '../shared/log/log.ts';
import type { Part } from '../shared/run/run.ts';
import type { AgentKeySettings } from './agent-key-settings.ts';

export interface AgentKeys {
  readonly verifier: AgentVerifier;
  /** Made for this run, where no key was given. */
  readonly secretOfThisRun: string | undefined;
  /** Reads the file of keys again, where there is one. */
  readonly part: Part;
}

/** @throws SettingError where the file of keys holds none */
export function createAgentKeys(settings: AgentKeySettings, log: Log): AgentKeys {
  const { agentSecret, agentPublicKeyFile, agentJwksUrl, agentIssuer, agentAudience, agentClockSkewMs } =
    settings;
  const rules = { issuer: agentIssuer, audience: agentAudience, clockSkewMs: agentClockSkewMs };
  const file = agentPublicKeyFile === undefined ? undefined : new KeyFile(agentPublicKeyFile, log);
  const part = partOf(file);
  const foreign = file?.source ?? serverOf(agentJwksUrl, log);
  if (foreign !== undefined)
    return { verifier: new KeyVerifier(foreign, rules), secretOfThisRun: undefined, part };
  const secret = agentSecret ?? createSecret();
  return {
    // The secret signs nothing but tokens for agents.
    verifier: new KeyVerifier(secretSource(secret), { ...rules, takesPlainTypes: true }),
    secretOfThisRun: agentSecret === undefined ? secret : undefined,
    part,
  };
}

/** The keys of AGENT_PUBLIC_KEY_FILE: what is wrong at the start stops the program, what is wrong later is said. */
class KeyFile {
  readonly #path: string;
  readonly #log: Log;
  #keys: readonly PublicKey[];
  readonly source = keysAtHand(() => this.#keys);

  /** @throws SettingError */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#keys = this.#read();
  }

  /** Tokens from now on are judged by what the file holds now; links that were let in live on. */
  refresh(): void {
    const file = this.#path;
    try {
      this.#keys = this.#read();
      this.#log.info({ file, keys: this.#keys.length }, "keys of agents' tokens read again");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error({ file, reason }, "the new keys of agents' tokens are no good: the old ones go on");
    }
  }

  #read(): readonly PublicKey[] {
    return readKeyFile('AGENT_PUBLIC_KEY_FILE', this.#path, readPublicKeys);
  }
}

function partOf(file: KeyFile | undefined): Part {
  return {
    name: 'agent keys',
    start: async () => ({ stop: async () => undefined, refresh: () => file?.refresh() }),
  };
}

function serverOf(url: string | undefined, log: Log): KeySource | undefined {
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
