#!/usr/bin/env node
/**
 * The health check inside both images: `listening` for the proxy, `connected` for the agent. Settings may come from the
 * environment, from flags behind the image name or from a file, so it asks none of them: it looks at the sockets that the
 * container's program really holds (`/proc`, Linux). It needs no curl, no port of its own and no token.
 *   listening  there is a listening TCP socket, and the program behind each one takes a connection and lets it go
 *              within 3 s. Nothing is asked on it: a check every few seconds is no line in the access log.
 *   connected  there is an established TCP connection: the agent's link. Idle connections to the backend count too,
 *              so a lost link shows when these have gone, after POOL_IDLE_TIMEOUT at most.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';

/** Linux, include/net/tcp_states.h. */
const established = '01';
const listening = '0A';
/** Under the time-out of the images' HEALTHCHECK, so that the answer is this program's own. */
const letGoWithinMs = 3_000;

export interface TcpSocket {
  readonly state: string;
  /** An address that reaches it from here. */
  readonly host: string;
  readonly port: number;
  readonly inode: string;
}

/** One row of /proc/net/tcp or tcp6: local address and port in hex, state, inode; undefined for the heading. */
export function readTcpRow(row: string): TcpSocket | undefined {
  const [, local = '', , state = '', , , , , , inode = ''] = row.trim().split(/\s+/);
  const [address = '', port = ''] = local.split(':');
  if (!/^(?:[\dA-F]{8}|[\dA-F]{32})$/.test(address) || port === '') return undefined;
  return { state, host: hostOf(address), port: Number.parseInt(port, 16), inode };
}

/** The kernel prints each 32-bit word in host order, which is little-endian wherever these images run. */
function hostOf(address: string): string {
  const bytes = Buffer.from(address, 'hex').swap32();
  if (bytes.every((byte) => byte === 0)) return bytes.length === 4 ? '127.0.0.1' : '::1';
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
}

/** The sockets of every process of this user but this one: in a container, the program's. */
function socketInodes(): Set<string> {
  const inodes = new Set<string>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode !== undefined) inodes.add(inode);
      }
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
  return inodes;
}

function programSockets(state: string): TcpSocket[] {
  const own = socketInodes();
  return ['tcp', 'tcp6']
    .flatMap((table) => {
      try {
        return readFileSync(`/proc/self/net/${table}`, 'latin1').split('\n');
      } catch {
        // A kernel without IPv6 has no tcp6.
        return [];
      }
    })
    .map(readTcpRow)
    .filter((socket) => socket !== undefined)
    .filter((socket) => socket.state === state && own.has(socket.inode));
}

/** The kernel connects even where the program hangs; only the program itself closes what has been closed on it. */
function letsGo({ host, port }: TcpSocket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isConnected = false;
  const socket = connect({ host, port }, () => {
    isConnected = true;
    socket.end();
  });
  const timer = setTimeout(() => resolve(false), letGoWithinMs);
  // Behind the end, or behind a reset, which is how some let go.
  socket.once('close', () => resolve(isConnected));
  socket.once('error', () => socket.destroy());
  socket.resume();
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** Whether the program of this container does what it is there for. */
export async function isHealthy(what: 'listening' | 'connected'): Promise<boolean> {
  if (what === 'connected') return programSockets(established).length > 0;
  const listeners = programSockets(listening);
  const answered = await Promise.all(listeners.map(letsGo));
  return listeners.length > 0 && answered.every(Boolean);
}

if (import.meta.main) {
  const what = process.argv[2];
  if (what !== 'listening' && what !== 'connected') throw new Error('container-health listening|connected');
  process.exitCode = (await isHealthy(what)) ? 0 : 1;
}
