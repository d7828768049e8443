#!/usr/bin/env node
/** The proxy program: what was typed, and what is started because of it. */
import { createAdmin } from '../shared/admin/admin.ts';
import { signAgentToken } from '../shared/auth/sign.ts';
import { readRequestedText } from '../shared/config/help.ts';
import { processSources } from '../shared/config/process-sources.ts';
import { readVersion } from '../shared/config/version.ts';
import { createLog } from '../shared/log/log.ts';
import { run } from '../shared/run/run.ts';
import type { Plan } from '../shared/run/run.ts';
import { backendResources } from './admin/backend-resources.ts';
import { revocationResources } from './admin/revocations.ts';
import { ProxyWatch } from './admin/watch.ts';
import { createAgentKeys } from './agent-keys.ts';
import type { AgentKeySettings } from './agent-key-settings.ts';
import { Backends } from './backends.ts';
import { loadProxySettings, proxyProgram } from './config.ts';
import { Revocations } from './gateway/revocations.ts';
import { keygenCommand } from './keygen-command.ts';
import { createProxy } from './proxy.ts';
import { tokenCommand } from './token-command.ts';
import { printOrExplain } from '../shared/run/print.ts';

/** A token for one run need not outlive it by much. */
const runTokenTtlMs = 30 * 24 * 60 * 60 * 1_000;

const [command, ...rest] = process.argv.slice(2);
const requested = readRequestedText(proxyProgram, process.argv.slice(2));
if (command === 'token') await printOrExplain(() => tokenCommand(processSources(rest)));
else if (command === 'keygen') await printOrExplain(() => keygenCommand(processSources(rest)));
else if (requested === undefined) await run(makePlan);
else process.stdout.write(requested);

async function makePlan(): Promise<Plan> {
  const settings = loadProxySettings(processSources());
  const log = createLog({ name: 'inverting-proxy', level: settings.logLevel, format: settings.logFormat });
  const agentKeys = createAgentKeys(settings, log);
  const { verifier, secretOfThisRun } = agentKeys;
  const revocations = new Revocations();
  const backends = await Backends.open(settings.dataDir);
  const watch = new ProxyWatch(readVersion());
  const admin = createAdmin({
    settings,
    log,
    isReady: () => watch.isReady,
    metrics: watch.metrics(),
    tunnels: () => watch.tunnels(),
    resources: [
      ...revocationResources(revocations),
      ...backendResources({
        records: backends.records,
        tunnels: () => watch.views.tunnels(),
        lastUsedMs: (backendId) => backends.lastUsedMs(backendId),
      }),
    ],
  });
  const proxy = createProxy({
    settings,
    verifier,
    revocations,
    backends,
    log,
    watch,
    onListening: (publicUrl) => {
      if (secretOfThisRun !== undefined) void printAgentCommand(secretOfThisRun, settings, publicUrl);
    },
  });
  // What watches starts first and stops last.
  return { parts: [...admin, agentKeys.part, proxy], drainTimeoutMs: settings.drainTimeoutMs, log };
}

/** To the standard error: the log's lines are for machines, and mask tokens. */
async function printAgentCommand(
  secret: string,
  { agentIssuer, agentAudience }: AgentKeySettings,
  publicUrl: string,
): Promise<void> {
  const nowMs = Date.now();
  const token = await signAgentToken({
    secret,
    issuer: agentIssuer,
    audience: agentAudience,
    backends: ['default'],
    ttlMs: runTokenTtlMs,
    nowMs,
  });
  const url = publicUrl.replace(/^http/u, 'ws').replace('://', `://${token}@`);
  process.stderr.write(
    `No key for agents' tokens is set, so a key was made for this run. This command brings an agent in until the proxy stops:\n\n` +
      `  docker run agent -e PROXY_URL=${url} -e BACKEND=localhost:3000\n\n` +
      'Put in the proxy and the backend as the agent reaches them: in a container, localhost is the container.\n\n',
  );
}
