/** The programs of the system that a run uses: where they are, or that they are not there. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Debian's package of each. */
const packages = {
  wrk: 'wrk',
  curl: 'curl',
  nginx: 'nginx-light',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
} as const;

export type Tool = keyof typeof packages;

/** What cannot be measured here, and why: it is said in the table. */
export class Unavailable extends Error {}

/** Servers lie where the PATH of a user does not look. */
const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

/** The tool's path. Throws Unavailable with the package that brings it. */
export function toolPath(tool: Tool): string {
  for (const folder of folders) {
    const path = join(folder, tool);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  throw new Unavailable(`${tool} is not installed (Debian: ${packages[tool]})`);
}
