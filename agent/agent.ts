/** The agent, put together: links to the proxy on one side, the pool of backend connections on the other. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Log } from '../shared/log/log.ts';
import { resetCode } from '../shared/mux/codes.ts';
import type { ResetCode } from '../shared/mux/codes.ts';
import { MemoryBudget } from '../shared/mux/memory-budget.ts';
import type { Hello } from '../shared/protocol/control.ts';
import type { Part } from '../shared/run/run.ts';
import { systemClock } from '../shared/time/clock.ts';
import { authorityOf, createBackendDialer, describeAddress } from './backend/connect.ts';
import type { BackendDialer } from './backend/connect.ts';
import { BackendPool } from './backend/pool.ts';
import type { AgentWatch } from './admin/watch.ts';
import type { AgentSettings } from './config.ts';
import { Connector } from './connector/connector.ts';
import { dialProxy } from './connector/dial.ts';
import type { DialTarget } from './connector/dial.ts';
import { Wake } from './connector/wake.ts';
import { Monitor } from './health/monitor.ts';
import { probe } from './health/probe.ts';
import { Verdict } from './health/verdict.ts';
import { createTokenSource } from './token/create.ts';

export interface AgentOptions {
  readonly settings: AgentSettings;
  readonly version: string;
  readonly log: Log;
  /** Is told what happens and shown what lives. */
  readonly watch: AgentWatch;
}

export function createAgent({ settings, version, log, watch }: AgentOptions): Part {
  return {
    name: 'agent',
    start: async () => {
      const backend = describeAddress(settings.backend);
      const dialer = createBackendDialer(settings.backend, readText(settings.backendCaFile));
      const pool = new BackendPool({
        dialer,
        connectTimeoutMs: settings.connectTimeoutMs,
        poolSize: settings.poolSize,
        idleTimeoutMs: settings.poolIdleTimeoutMs,
        onFailure: ({ code, cause, requestId }) => {
          const failure = nameOf(code);
          watch.backendFailures.of(failure).count += 1;
          log.warn({ request: requestId, backend, failure, reason: cause?.message }, 'backend failed');
        },
      });
      const memory = new MemoryBudget(settings.memoryBudgetBytes);
      const target = dialTarget(settings, version);
      const connector = new Connector({
        links: settings.links,
        hello: helloOf(settings, version, memory),
        memory,
        log,
        tokens: createTokenSource(settings.tokenOrigin, log),
        dial: (token, signal) => dialProxy(target, token, signal),
        serve: (stream) => {
          watch.streamsServed += 1;
          pool.serve(stream);
        },
      });
      log.info({ proxy: settings.proxyUrl, backend, backendId: settings.backendId }, 'dialling');
      const monitor = createMonitor(settings, version, dialer, (isServing, why) => {
        if (isServing) log.info({ backend }, 'backend well again');
        else log.warn({ backend, why }, 'backend not well');
        watch.isBackendWell = isServing;
        connector.tellHealth(isServing, why);
      });
      // A backend is believed to serve until a look at it says otherwise.
      if (monitor !== undefined) watch.isBackendWell = true;
      watch.views = {
        memory,
        links: () => connector.reports(),
        dials: () => connector.counts,
        connections: () => ({ open: pool.connectionCount, idle: pool.idleCount }),
      };
      const wake = new Wake({
        clock: systemClock,
        wallMs: Date.now,
        onWake: () => {
          log.info({}, 'time has jumped: dialling now');
          connector.dialNow();
        },
      });
      connector.start();
      wake.start();
      monitor?.start();
      return {
        refresh: () => connector.dialNow(),
        stop: async (deadline) => {
          watch.isStopping = true;
          wake.stop();
          monitor?.stop();
          await connector.stop(deadline);
          pool.close();
        },
      };
    },
  };
}

function createMonitor(
  settings: AgentSettings,
  version: string,
  dialer: BackendDialer,
  onChange: (isServing: boolean, why: string | undefined) => void,
): Monitor | undefined {
  const { healthIntervalMs, healthPath: path, healthTimeoutMs: timeoutMs } = settings;
  if (healthIntervalMs === 0) return undefined;
  const { backend, hostHeader, healthFailures: failures, healthPasses: passes } = settings;
  const host = hostHeader ?? (backend.kind === 'unix' ? 'localhost' : authorityOf(backend));
  const target = { dialer, path, host, userAgent: `inverting-agent/${version}`, timeoutMs };
  return new Monitor({
    verdict: new Verdict({ failures, passes }),
    intervalMs: healthIntervalMs,
    clock: systemClock,
    probe: () => probe(target),
    onChange,
  });
}

function helloOf(settings: AgentSettings, version: string, memory: MemoryBudget): Hello {
  const { backendId, hosts, paths, hostHeader, links } = settings;
  const wideStreams = Math.ceil(memory.mostWideStreams / links);
  return {
    kind: 'hello',
    version,
    instance: randomBytes(8).toString('hex'),
    backend: backendId,
    hosts,
    paths,
    options: { wideStreams, ...(hostHeader === undefined ? {} : { hostHeader }) },
  };
}

function dialTarget(settings: AgentSettings, version: string): DialTarget {
  const { proxyUrl, backendId, hosts, paths, forwardProxy, noForwardProxy } = settings;
  return {
    url: proxyUrl,
    ask: { backend: backendId, hosts, paths },
    userAgent: `inverting-agent/${version}`,
    ca: readText(settings.proxyCaFile),
    forwardProxy,
    noForwardProxy,
  };
}

function readText(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}

function nameOf(code: ResetCode): string {
  const found = Object.entries(resetCode).find(([, value]) => value === code);
  return found?.[0] ?? String(code);
}
