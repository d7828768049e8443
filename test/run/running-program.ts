/** A program of one part, which drains for ever when its argument is `stubborn`. */
import { createServer } from 'node:net';
import { port } from '../../shared/config/formats.ts';
import { loadSettings } from '../../shared/config/load.ts';
import { processSources } from '../../shared/config/process-sources.ts';
import { createLog } from '../../shared/log/log.ts';
import { run } from '../../shared/run/run.ts';

const argv = process.argv.slice(2);
const isStubborn = argv[0] === 'stubborn';

await run(() => {
  const settings = { port: { env: 'PORT', format: port(), default: '0', doc: 'A port.' } } as const;
  loadSettings(settings, { ...processSources(isStubborn ? [] : argv), env: {} });
  const log = createLog({ name: 'program', level: 'info', format: 'json' });
  // Keeps the process alive, as a listener does.
  const server = createServer().listen(0, '127.0.0.1');
  const stop = (): Promise<void> => {
    if (isStubborn) return Promise.withResolvers<void>().promise;
    server.close();
    return Promise.resolve();
  };
  const start = (): Promise<{ stop: () => Promise<void> }> => {
    log.info({}, 'ready');
    return Promise.resolve({ stop });
  };
  return { parts: [{ name: 'server', start }], drainTimeoutMs: 60_000, log };
});
