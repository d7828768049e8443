/**
 * The admin listener as a part of a program: the pages that both programs have, and those of its own. It starts first
 * and stops last, so that a program can be watched while it starts and while it drains.
 */
import type { Log } from '../log/log.ts';
import { Exposition, expositionType } from '../metrics/exposition.ts';
import type { Metric } from '../metrics/metric.ts';
import type { Part } from '../run/run.ts';
import { AdminListener } from './listener.ts';
import type { Page, PageAnswer } from './listener.ts';
import type { Resource } from './resources.ts';
import type { AdminSettings } from './settings.ts';

export interface AdminOptions {
  readonly settings: AdminSettings;
  readonly log: Log;
  /** The program is of use: it takes requests. */
  readonly isReady: () => boolean;
  readonly metrics: readonly Metric[];
  /** What /api/tunnels says, as JSON. */
  readonly tunnels: () => unknown;
  /** What can be changed of the program. */
  readonly resources?: readonly Resource[];
}

/** No parts where the listener is off. */
export function createAdmin(options: AdminOptions): readonly Part[] {
  const { settings, log, resources } = options;
  const { adminHost: host, adminPort: port, adminToken: token } = settings;
  if (port === 'off') return [];
  const start: Part['start'] = async () => {
    const listener = new AdminListener({ host, port, token, pages: pagesOf(options), resources, log });
    const address = await listener.listen();
    log.info({ host: address.address, port: address.port }, 'admin listening');
    return { stop: () => listener.close() };
  };
  return [{ name: 'admin', start }];
}

function pagesOf({ isReady, metrics, tunnels }: AdminOptions): Page[] {
  const exposition = new Exposition(metrics);
  return [
    { path: '/healthz', isOpen: true, answer: () => said(200, 'ok') },
    {
      path: '/readyz',
      isOpen: true,
      answer: () => (isReady() ? said(200, 'ready') : said(503, 'not ready')),
    },
    {
      path: '/metrics',
      answer: async () => ({ status: 200, type: expositionType, body: await exposition.text() }),
    },
    {
      path: '/api/tunnels',
      answer: () => ({
        status: 200,
        type: 'application/json',
        body: `${JSON.stringify({ tunnels: tunnels() }, undefined, 2)}\n`,
      }),
    },
  ];
}

function said(status: PageAnswer['status'], word: string): PageAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${word}\n` };
}
