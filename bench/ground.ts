/** What lies behind and between the targets of a run: the two backends with their files, a certificate, and long lines. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createCertificate } from '../test/e2e/support/certificate.ts';
import { freePort, isFree } from './machine/ports.ts';
import { Unavailable } from './machine/tools.ts';
import { until } from './machine/waiting.ts';
import type { Workbench } from './machine/workbench.ts';
import { startNginx } from './targets/nginx.ts';
import { backendConfig } from './targets/nginx-config.ts';
import type { Ground } from './targets/target.ts';

export interface GroundOptions {
  /** Ports of nginx and of the small backend, where a peer must know them; 0 takes free ones. */
  readonly backendPort: number;
  readonly bulkBytes: number;
  readonly profileFolder: string | undefined;
}

export const page64KiB = 65_536;
/** One way: 50 ms there and back. */
const lineDelayMs = 25;
/** 1 Gbit/s. */
export const lineBytesPerSecond = 125_000_000;

const startWithinMs = 5_000;
const smallBackend = fileURLToPath(new URL('programs/small-backend.ts', import.meta.url));
const delayRelay = fileURLToPath(new URL('programs/delay-relay.ts', import.meta.url));

/** The file that uploads send and that `/files/bulk` gives. */
export function bulkFile(bench: Workbench): string {
  return bench.path('files/bulk');
}

export async function layGround(bench: Workbench, options: GroundOptions): Promise<Ground> {
  const { backendPort, bulkBytes, profileFolder } = options;
  const files = bench.path('files');
  mkdirSync(files);
  // Holes take no memory and are as fast as any file in it.
  for (const [name, bytes] of [
    ['64k', page64KiB],
    ['bulk', bulkBytes],
    ['slow', slowFileBytes],
  ] as const) {
    writeFileSync(`${files}/${name}`, '');
    truncateSync(`${files}/${name}`, bytes);
  }
  const certificate = { cert: bench.path('cert.pem'), key: bench.path('key.pem') };
  const pem = createCertificate();
  writeFileSync(certificate.cert, pem.cert);
  writeFileSync(certificate.key, pem.key, { mode: 0o600 });
  const ports = {
    nginx: backendPort === 0 ? await freePort() : backendPort,
    small: backendPort === 0 ? await freePort() : backendPort + 1,
    nginxTls: await freePort(),
  };
  for (const port of [ports.nginx, ports.small])
    // Else it would be somebody else's server that is measured.
    // oxlint-disable-next-line no-await-in-loop
    if (!(await isFree(port))) throw new Unavailable(`port ${port} of loopback is taken (--backend-port)`);
  const server = { folder: bench.folder, name: 'backend', port: ports.nginx };
  const config = backendConfig(server, { port: ports.nginxTls, ...certificate }, files);
  await startNginx(bench, 'backend', config, new URL(`http://127.0.0.1:${ports.nginx}/`));
  await startServer(bench, [smallBackend, String(ports.small)]);
  return { bench, ports, certificate, profileFolder, startLine: (port) => startLine(bench, port) };
}

/** As long as a slow reader needs for five minutes. */
const slowFileBytes = 300_000_000;

/** What waits for it ends with the run: a line costs nothing while nobody speaks over it. */
async function startLine(bench: Workbench, targetPort: number): Promise<number> {
  const port = await freePort();
  const line = [port, targetPort, lineDelayMs, lineBytesPerSecond].map(String);
  await startServer(bench, [delayRelay, ...line]);
  return port;
}

async function startServer(bench: Workbench, argv: readonly string[]): Promise<void> {
  const child = bench.spawn(process.execPath, argv);
  await until(
    startWithinMs,
    () => `${argv[0]}: ${child.output}`,
    () => {
      if (!child.isRunning) throw new Error(`${argv[0]} has ended: ${child.output}`);
      return child.output.includes('listening') || undefined;
    },
  );
}
