/**
 * OpenSSH with a remote forwarding (`ssh -R`): a server of its own on a free port, with a host key, a key for its one user and a
 * configuration that last as long as the run. Nothing of the system's own server is read or changed.
 */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { serves } from '../load/probe.ts';
import type { Child } from '../machine/child.ts';
import { freePort } from '../machine/ports.ts';
import { toolPath, Unavailable } from '../machine/tools.ts';
import { until } from '../machine/waiting.ts';
import type { BackendKind, Ends, Ground, Place, Target, TargetKind } from './target.ts';

const startWithinMs = 10_000;
/** Between the end of the client and its next start: systemd's own RestartSec. */
const restartAfterMs = 100;
/** Where sshd, run by root, shuts its unprivileged part in; Debian makes it when the service starts. */
const separationFolder = '/run/sshd';
/** No configuration of the user's has a say, and nobody is asked anything. */
const clientOptions = [
  'BatchMode yes',
  'StrictHostKeyChecking no',
  'UserKnownHostsFile /dev/null',
  'ExitOnForwardFailure yes',
  'LogLevel ERROR',
];

export const ssh: TargetKind = {
  name: 'ssh -R',
  async start(ground: Ground, backend: BackendKind, place: Place, label: string): Promise<Target> {
    if (place === 'tls') throw new Unavailable('its link is encrypted in any case: see the row without TLS');
    const tunnel = new SshTunnel(ground, `ssh-${label}`, await freePort(), await freePort());
    await tunnel.prepare();
    await tunnel.startProxy();
    await tunnel.startAgent(ground.ports[backend], place);
    return tunnel;
  },
};

class SshTunnel implements Target {
  readonly url: URL;
  readonly #ground: Ground;
  readonly #name: string;
  readonly #serverPort: number;
  readonly #publicPort: number;
  #server: Child | undefined;
  #client: Child | undefined;
  #clientArgs: readonly string[] = [];
  #isKeptUp = false;

  constructor(ground: Ground, name: string, serverPort: number, publicPort: number) {
    this.url = new URL(`http://127.0.0.1:${publicPort}/`);
    this.#ground = ground;
    this.#name = name;
    this.#serverPort = serverPort;
    this.#publicPort = publicPort;
  }

  get pids(): number[] {
    return [this.#server, this.#client].flatMap((child) => (child === undefined ? [] : [child.pid]));
  }

  get ends(): Ends {
    return {
      stopAgent: async () => {
        this.#isKeptUp = false;
        await this.#client?.stop();
      },
      startAgent: () => Promise.resolve(this.#keepUp()),
      killProxy: async () => {
        await this.#server?.kill();
      },
      startProxy: () => this.startProxy(),
    };
  }

  async prepare(): Promise<void> {
    toolPath('sshd');
    toolPath('ssh');
    const { bench } = this.#ground;
    if (userInfo().uid === 0 && !existsSync(separationFolder)) {
      mkdirSync(separationFolder, { mode: 0o755 });
      bench.onClear(() => rmdirSync(separationFolder));
    }
    const keygen = (file: string): Promise<string> =>
      bench.run(toolPath('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', file], startWithinMs);
    await Promise.all([keygen(this.#file('host')), keygen(this.#file('user'))]);
    const settings = [
      `ListenAddress 127.0.0.1:${this.#serverPort}`,
      `HostKey ${this.#file('host')}`,
      `AuthorizedKeysFile ${this.#file('user')}.pub`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'AllowTcpForwarding remote',
    ];
    await writeFile(this.#file('config'), `${settings.join('\n')}\n`);
  }

  async startProxy(): Promise<void> {
    const args = ['-D', '-e', '-f', this.#file('config')];
    this.#server = this.#ground.bench.spawn(toolPath('sshd'), args);
    const server = this.#server;
    await until(
      startWithinMs,
      () => `sshd: ${server.output}`,
      () => {
        if (!server.isRunning) throw new Unavailable(`sshd does not start: ${server.output.trim()}`);
        return server.output.includes('Server listening') || undefined;
      },
    );
  }

  async startAgent(backendPort: number, place: Place): Promise<void> {
    const { startLine } = this.#ground;
    const port = place === 'far' ? await startLine(this.#serverPort) : this.#serverPort;
    this.#clientArgs = [
      '-N',
      '-Fnone',
      `-p${port}`,
      `-i${this.#file('user')}`,
      `-R127.0.0.1:${this.#publicPort}:127.0.0.1:${backendPort}`,
      ...clientOptions.flatMap((option) => ['-o', option]),
      `${userInfo().username}@127.0.0.1`,
    ];
    this.#keepUp();
    await until(
      startWithinMs,
      () => `ssh: ${this.#client?.output}; sshd: ${this.#server?.output}`,
      async () => (await serves(this.url)) || undefined,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isKeptUp = false;
    await this.#client?.stop();
    await this.#server?.stop();
  }

  /** Starts the client, and again when it has ended: a user would have a service do it. */
  #keepUp(): void {
    this.#isKeptUp = true;
    const client = this.#ground.bench.spawn(toolPath('ssh'), this.#clientArgs);
    this.#client = client;
    void this.#startAgainAfter(client);
  }

  async #startAgainAfter(client: Child): Promise<void> {
    await client.exited;
    await setTimeout(restartAfterMs);
    if (this.#isKeptUp && this.#client === client) this.#keepUp();
  }

  #file(kind: string): string {
    return this.#ground.bench.path(`${this.#name}-${kind}`);
  }
}
