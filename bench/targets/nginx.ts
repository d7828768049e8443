/** nginx: one hop, which everything is compared with. */
import { appendFile, writeFile } from 'node:fs/promises';
import { serves } from '../load/probe.ts';
import type { Child } from '../machine/child.ts';
import { freePort } from '../machine/ports.ts';
import { toolPath } from '../machine/tools.ts';
import { until } from '../machine/waiting.ts';
import type { Workbench } from '../machine/workbench.ts';
import { hopConfig } from './nginx-config.ts';
import { stopper } from './target.ts';
import type { BackendKind, Ground, Place, Target, TargetKind } from './target.ts';

const startWithinMs = 5_000;

/** Starts nginx with that configuration and waits until it serves at `url`. */
export async function startNginx(bench: Workbench, name: string, text: string, url: URL): Promise<Child> {
  const file = bench.path(`${name}.conf`);
  const errors = bench.path(`${name}-error.log`);
  await Promise.all([writeFile(file, text), appendFile(errors, '')]);
  const nginx = bench.spawn(toolPath('nginx'), ['-e', errors, '-c', file]);
  await until(
    startWithinMs,
    () => `nginx at ${url.href}: ${nginx.output}`,
    async () => {
      if (!nginx.isRunning) throw new Error(`nginx has ended: ${nginx.output}`);
      return (await serves(url)) || undefined;
    },
  );
  return nginx;
}

export const nginx: TargetKind = {
  name: 'nginx',
  async start(ground: Ground, backend: BackendKind, place: Place, label: string): Promise<Target> {
    toolPath('nginx');
    const { bench, ports, certificate } = ground;
    const port = await freePort();
    const name = `nginx-${label}`;
    const backendPort = place === 'far' ? await ground.startLine(ports[backend]) : ports[backend];
    const isTls = place === 'tls';
    const text = hopConfig(
      { folder: bench.folder, name, port },
      backendPort,
      isTls ? certificate : undefined,
    );
    const url = new URL(`${isTls ? 'https' : 'http'}://127.0.0.1:${port}/`);
    const child = await startNginx(bench, name, text, url);
    return { url, pids: [child.pid], [Symbol.asyncDispose]: stopper([child]) };
  },
};
