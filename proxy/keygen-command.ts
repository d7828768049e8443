/** `inverting-proxy keygen`: makes a pair of keys, the private one to sign agents' tokens and the public one for the proxy. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createKeyPair, keyAlgorithms } from '../shared/auth/signing-key.ts';
import type { KeyPairTexts } from '../shared/auth/signing-key.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { oneOf, reasonOf, text } from '../shared/config/formats.ts';
import { readRequestedText } from '../shared/config/help.ts';
import type { Program } from '../shared/config/help.ts';
import { loadSettings } from '../shared/config/load.ts';
import type { Sources } from '../shared/config/load.ts';
import { SettingError } from '../shared/config/setting-error.ts';
import type { Printed } from '../shared/run/print.ts';
import { proxySettings } from './config.ts';

export const keygenSettings = {
  privateKeyFile: {
    flag: 'private-key-file',
    format: text('path'),
    default: 'agent-key.pem',
    doc: 'Where the private key is put, for nobody else to read; it must not be there yet.',
  },
  publicKeyFile: {
    flag: 'public-key-file',
    format: text('path'),
    default: 'agent-key.pub.pem',
    doc: 'Where the public key is put, for AGENT_PUBLIC_KEY_FILE; it must not be there yet.',
  },
  algorithm: {
    flag: 'algorithm',
    format: oneOf(...keyAlgorithms),
    default: 'EdDSA',
    doc: 'What it signs with: Ed25519, EC on P-256, or RSA.',
  },
  form: {
    flag: 'form',
    format: oneOf('pem', 'jwk'),
    default: 'pem',
    doc: 'How the keys are written; a JWK carries its kid.',
  },
  kid: {
    flag: 'kid',
    format: text('text', 256),
    example: '2026-11',
    doc: "What a JWK calls its key; without it, the key's thumbprint.",
  },
} as const;

type KeygenSettings = Settings<typeof keygenSettings>;

const keygenChecks: readonly Check<KeygenSettings>[] = [
  {
    of: ['privateKeyFile', 'publicKeyFile'],
    wrong: ({ privateKeyFile, publicKeyFile }) =>
      privateKeyFile === publicKeyFile
        ? '--private-key-file and --public-key-file are one: give two'
        : undefined,
  },
  {
    of: ['kid', 'form'],
    wrong: ({ kid, form }) =>
      kid !== undefined && form === 'pem'
        ? '--kid is given and PEM has no place for it: give --form jwk, or name the key to `inverting-proxy token`'
        : undefined,
  },
];

export const keygenProgram: Program = {
  name: 'inverting-proxy keygen',
  summary: "makes a pair of keys for agents' tokens, and overwrites nothing.",
  usage: ['[--private-key-file PATH] [--public-key-file PATH] [--algorithm EdDSA] [--form pem] [--kid ID]'],
  settings: keygenSettings,
};

/**
 * Writes the two files, and says what to do with them.
 *
 * @throws SettingError where a file is there already or cannot be written; then none of the two is new
 */
export async function keygenCommand(sources: Sources): Promise<Printed> {
  const requested = readRequestedText(keygenProgram, sources.argv);
  if (requested !== undefined) return { out: requested };
  const rules = { checks: keygenChecks, alsoKnown: proxySettings };
  const settings = loadSettings(keygenSettings, sources, rules);
  const { privateKeyFile, publicKeyFile, algorithm, form, kid } = settings;
  // Said before a key is made; that nothing is overwritten is the flag's work.
  for (const [flag, path] of [
    ['--private-key-file', privateKeyFile],
    ['--public-key-file', publicKeyFile],
  ] as const) {
    if (existsSync(path)) throw problem(flag, path, 'is there already: give another path, or move it away');
  }
  writePair(settings, await createKeyPair(algorithm, form, kid));
  return {
    out:
      `${privateKeyFile} is private: inverting-proxy token --private-key-file ${privateKeyFile} --backend ID\n` +
      `${publicKeyFile} is for the proxy: AGENT_PUBLIC_KEY_FILE=${publicKeyFile}\n`,
  };
}

function writePair({ privateKeyFile, publicKeyFile }: KeygenSettings, pair: KeyPairTexts): void {
  write('--private-key-file', privateKeyFile, pair.privateText, 0o600);
  try {
    write('--public-key-file', publicKeyFile, pair.publicText, 0o644);
  } catch (error) {
    rmSync(privateKeyFile);
    throw error;
  }
}

function write(flag: string, path: string, content: string, mode: number): void {
  try {
    // wx: whoever comes between the look and this loses nothing.
    writeFileSync(path, content, { flag: 'wx', mode });
  } catch (error) {
    throw problem(
      flag,
      path,
      `cannot be written (${reasonOf(error)}): give a path that is free, in a folder that is there`,
    );
  }
}

function problem(flag: string, path: string, wrong: string): SettingError {
  return new SettingError([
    { code: 'impossible', setting: flag, line: `${flag}=${JSON.stringify(path)} ${wrong}` },
  ]);
}
