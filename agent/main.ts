#!/usr/bin/env node
/** The agent program: what was typed, and what is started because of it. */
import { createAdmin } from '../shared/admin/admin.ts';
import { readRequestedText } from '../shared/config/help.ts';
import { processSources } from '../shared/config/process-sources.ts';
import { readVersion } from '../shared/config/version.ts';
import { createLog } from '../shared/log/log.ts';
import { run } from '../shared/run/run.ts';
import type { Plan } from '../shared/run/run.ts';
import { AgentWatch } from './admin/watch.ts';
import { createAgent } from './agent.ts';
import { agentProgram, loadAgentSettings } from './config.ts';

const requested = readRequestedText(agentProgram, process.argv.slice(2));
if (requested === undefined) await run(makePlan);
else process.stdout.write(requested);

function makePlan(): Plan {
  const settings = loadAgentSettings(processSources());
  const log = createLog({ name: 'inverting-agent', level: settings.logLevel, format: settings.logFormat });
  const version = readVersion();
  const watch = new AgentWatch(version);
  const admin = createAdmin({
    settings,
    log,
    isReady: () => watch.isReady,
    metrics: watch.metrics(),
    tunnels: () => watch.tunnels(),
  });
  const agent = createAgent({ settings, version, log, watch });
  // What watches starts first and stops last.
  return { parts: [...admin, agent], drainTimeoutMs: settings.drainTimeoutMs, log };
}
