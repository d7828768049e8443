/** How a program starts with its admin listener, without it, and not at all. */
import { test } from 'tap';
import { Program, says } from '../e2e/support/program.ts';
import { createSecret, productOnly, startProxy } from '../e2e/support/tunnel.ts';
import { adminPortOf, ask } from './support/ask.ts';

const quiet = { HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json' };

test(
  'a port that is taken ends the program before it takes a client, and says what to do',
  productOnly,
  async (t) => {
    const first = await startProxy(t, { secret: createSecret() });
    const port = await adminPortOf(first.program);
    const env = { ...quiet, ADMIN_PORT: String(port), AGENT_SECRET: createSecret() };
    const second = Program.start(t, 'proxy/main.ts', { env });
    t.match(await second.line(says('could not start')), {
      level: 'error',
      part: 'admin',
      code: 'admin_port',
      reason: `ADMIN_PORT ${port} on ADMIN_HOST 127.0.0.1 is taken: give another port, 0 for a free one, or off`,
    });
    t.strictSame(await second.end(), { code: 1, signal: null });
    t.notOk(second.lines.some(says('listening')));
  },
);

test('off is off', productOnly, async (t) => {
  const { program } = await startProxy(t, { secret: createSecret(), env: { ADMIN_PORT: 'off' } });
  t.notOk(program.lines.some(says('admin listening')), 'which would have stood before "listening"');
});

test('others are let in with a token and not without one', productOnly, async (t) => {
  const open = { ...quiet, ADMIN_HOST: '0.0.0.0', ADMIN_PORT: '0', AGENT_SECRET: createSecret() };
  const refused = Program.start(t, 'proxy/main.ts', { env: open });
  t.strictSame(await refused.end(), { code: 2, signal: null });
  t.match(
    refused.output,
    /^ADMIN_TOKEN is missing while ADMIN_HOST=0\.0\.0\.0 lets others in: give a token/m,
  );

  const token = createSecret();
  const program = Program.start(t, 'proxy/main.ts', { env: { ...open, ADMIN_TOKEN: token } });
  const port = await adminPortOf(program);
  const asked = (authorization?: string): Promise<{ status: number }> =>
    ask(port, '/api/tunnels', {
      headers: { host: 'proxy.internal', ...(authorization === undefined ? {} : { authorization }) },
    });
  t.equal((await asked()).status, 401);
  t.equal((await asked(`Bearer ${token}`)).status, 200);
  t.notOk(program.output.includes(token));
});
