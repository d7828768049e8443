/**
 * compose.yaml as it stands, run under a project name of its own by whichever compose is here: the plugin of today, or
 * the older program. Only the port on this machine is another, a free one.
 */
import type { Test } from 'tap';
import { docker, firstLine, run, uniqueName } from './engine.ts';

/** The images' layers are there already when this runs; if not, they are built. */
const upWithinMs = 5 * 60_000;
const downWithinMs = 60_000;

/** The command of compose, or undefined where there is none. */
async function findCompose(): Promise<readonly string[] | undefined> {
  const candidates = [['docker', 'compose'], ['docker-compose']] as const;
  const found = await Promise.all(
    candidates.map(async ([command, ...args]) => (await run(command, [...args, 'version'])).code === 0),
  );
  return candidates[found.indexOf(true)];
}

export async function composeRuns(t: Test): Promise<void> {
  const found = await findCompose();
  if (found === undefined) {
    if (process.env['TEST_CONTAINERS'] === 'on')
      throw new Error('TEST_CONTAINERS is on, and there is no compose');
    t.pass('there is compose', { skip: 'there is neither docker compose nor docker-compose here' });
    return;
  }
  const [command = '', ...subcommand] = found;
  const project = [...subcommand, '--project-name', uniqueName('compose')];
  const compose = async (args: readonly string[], withinMs: number): Promise<string> => {
    // COMPOSE_DOCKER_CLI_BUILD: the older program builds by itself, by the classic builder of the engine.
    const env = { PORT: '0', COMPOSE_DOCKER_CLI_BUILD: '0' };
    const { code, stdout, stderr } = await run(command, [...project, ...args], { withinMs, env });
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  t.teardown(async () => {
    await compose(['down', '--volumes', '--rmi', 'local'], downWithinMs);
  });
  await compose(['up', '--detach', '--build'], upWithinMs);
  await firstLine(command, [...project, 'logs', '--follow', '--no-color', 'agent'], (line) =>
    line.includes('"msg":"link up"'),
  );
  const address = await compose(['port', 'proxy', '8080'], downWithinMs);
  t.match(address, /^127\.0\.0\.1:\d+$/, 'published on loopback alone');
  const response = await fetch(`http://${address}/request`);
  t.match(await response.json(), { method: 'GET', target: '/request' });

  const agent = await compose(['ps', '--quiet', 'agent'], downWithinMs);
  t.equal(
    await docker(['exec', agent, 'ls', '/keys']),
    'token',
    'the agent has its token and not the secret',
  );
}
