/** All kinds of load that a run has. */
import { downloads } from './load/downloads.ts';
import { eventStreams } from './load/events.ts';
import type { Load } from './load/load.ts';
import { smallRequests } from './load/small.ts';
import { webSockets } from './load/sockets.ts';
import { uploads } from './load/uploads.ts';

export const loads: readonly Load[] = [smallRequests, uploads, downloads, eventStreams, webSockets];
