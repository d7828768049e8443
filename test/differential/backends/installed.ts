/** Servers that are no Node programs: where they are found on this machine, a directory of their own, a free port. */
import { openSync, rmSync } from 'node:fs';
import { access, chmod, constants, mkdtemp, rm } from 'node:fs/promises';
import { execFile, spawn } from 'node:child_process';
import { connect, createServer, Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listen } from '../../e2e/support/listen.ts';
import { endWithParent } from './backend.ts';

const run = promisify(execFile);

/** Debian puts servers where no ordinary PATH looks. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin'];

/** The path of a program, or undefined. */
export async function findProgram(...names: readonly string[]): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(':'), ...serverFolders];
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = await Promise.all(paths.map((path) => canRun(path)));
  return paths.find((_, index) => found[index] === true);
}

async function canRun(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Python 3 that has the module: Debian's packages serve Debian's Python only, whatever comes first in PATH. */
export async function findPython(module: string): Promise<string | undefined> {
  for (const path of ['python3', '/usr/bin/python3']) {
    try {
      // The first that does is taken.
      // oxlint-disable-next-line no-await-in-loop
      await run(path, ['-c', `import sys, ${module}; assert sys.version_info >= (3, 8)`]);
      return path;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

export interface Directory {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** A directory that a server's own user may look into. */
export async function makeDirectory(name: string): Promise<Directory> {
  const path = await mkdtemp(join(tmpdir(), `differential-${name}-`));
  await chmod(path, 0o755);
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A port that was free a moment ago: for servers that cannot take port 0 and say which one they got. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * The lines of a log that a server opens by name, in latin1. A named pipe and not /dev/stdout: what node gives a child for
 * standard output is a socket, which cannot be opened by name.
 */
export async function makeLog(path: string): Promise<Interface> {
  await run('mkfifo', ['-m', '666', path]);
  // Opened for both, so that opening does not wait for the server and its end is not the log's.
  const fd = openSync(path, 'r+');
  const log = new Socket({ fd, readable: true, writable: false });
  return createInterface({ input: log.setEncoding('latin1') });
}

/** Resolves once the port takes connections: such a server says nothing when it has begun to listen. */
export async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop
    if (await connects(port)) return;
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on port ${port}`);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Starts a server that stays in the foreground; ended, and its directory removed, when the run has ended. */
export function serve(command: string, args: readonly string[], directory: Directory): void {
  const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const closed = new Promise((resolve) => server.once('close', resolve)).then(directory.remove);
  endWithParent(async () => {
    server.kill('SIGTERM');
    await closed;
  });
  void closed.then(() => process.exit(1));
}
