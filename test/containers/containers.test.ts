/**
 * Both images on a real engine, used as the README says: `docker run proxy`, then the agent command that it printed. Where no
 * engine answers these tests are skipped with the reason (engine.ts). Images are built once, here, for all of them.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { t as file, type Test } from 'tap';
import { WebSocket } from 'ws';
import { createCertificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { createSecret } from '../e2e/support/tunnel.ts';
import { composeRuns } from './compose.ts';
import { Container } from './container.ts';
import { baseImage, createNetwork, docker, reasonToSkip, root, run } from './engine.ts';
import { buildImages, programs, type Images } from './images.ts';

/** The whole file: two builds on a slow day, and then some waits for the health checks' own interval. */
file.setTimeout(10 * 60_000);

const maxBytesAboveBase = 60_000_000;
/** What `docker stop` may take where nothing is under way. */
const stopWithinMs = 5_000;

const health = ['node', 'dist/shared/run/container-health.js'] as const;

const scenarios: readonly (readonly [string, (t: Test, images: Images) => Promise<void>])[] = [
  ['are small, hold what production needs and run as uid 1000', whatIsInside],
  ['carry requests by the command that the proxy printed', printedCommand],
  ['need no change to that command on the network of the host', printedAsItStands],
  ['take settings in front of the image name too', settingsInFront],
  ['refuse a setting that they do not know, by name', unknownSetting],
  ['are healthy behind TLS', healthyBehindTls],
  ['are not healthy when they hang or have no link', unhealthy],
  ['end with 0 on Ctrl-C', interrupted],
  ['run together by compose.yaml', composeRuns],
];

file.test('the images, on a real engine', { skip: await reasonToSkip() }, async (t) => {
  const images = await buildImages(t);
  for (const [name, scenario] of scenarios) await t.test(name, (inner) => scenario(inner, images));
});

async function sizeOf(image: string): Promise<number> {
  return Number(await docker(['image', 'inspect', '--format', '{{.Size}}', image]));
}

async function whatIsInside(t: Test, images: Images): Promise<void> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(root, 'package-lock.json'), 'utf8'),
  );
  const needed = Object.keys(lock.packages).filter(
    (path) => path !== '' && lock.packages[path]?.dev !== true,
  );
  const baseBytes = await sizeOf(baseImage);
  for (const program of programs) {
    const aboveBase = (await sizeOf(images[program])) - baseBytes;
    t.comment(`${program}: ${(aboveBase / 1e6).toFixed(2)} MB above its base`);
    t.ok(aboveBase > 0 && aboveBase < maxBytesAboveBase, `${program}: ${aboveBase} bytes above the base`);

    const inside = (script: string): Promise<string> =>
      docker(['run', '--rm', '--entrypoint', '/bin/sh', images[program], '-euc', script]);
    t.equal(await inside('id -u; id -g'), '1000\n1000', `${program}: the user`);
    t.equal(await inside('find /app -writable'), '', `${program}: nothing that it may change`);
    t.equal(await inside('ls dist'), `${program}\nshared`, `${program}: one program`);
    const packages = (await inside('find node_modules -name package.json -printf "%h\\n"')).split('\n');
    t.strictSame(
      packages.filter((path) => /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path)).toSorted(),
      needed.toSorted(),
      `${program}: the production dependencies, all of them and no others`,
    );
  }
}

/** Two programs and a backend, on a network where each is reached by its name. */
async function startBackend(t: Test, images: Images, network: string): Promise<Container> {
  const demo = [
    '--volume',
    `${join(root, 'test/demo')}:/build/demo:ro`,
    '--env',
    'HOST=0.0.0.0',
    '--env',
    'PORT=3000',
  ];
  const options = ['--network', network, ...demo, '--entrypoint', 'node'];
  const backend = Container.start(t, { image: images.demo, options, args: ['demo/backend.ts'] });
  await backend.says(/"msg":"listening"/);
  return backend;
}

async function startProxy(
  t: Test,
  images: Images,
  network: string,
  options: readonly string[] = [],
): Promise<Container> {
  const all = ['--network', network, '--publish', '127.0.0.1:0:8080', ...options];
  const proxy = Container.start(t, { image: images.proxy, options: all });
  await proxy.says(/"msg":"listening"/);
  return proxy;
}

async function printedCommand(t: Test, images: Images): Promise<void> {
  const network = await createNetwork(t);
  const [backend, proxy] = await Promise.all([
    startBackend(t, images, network),
    startProxy(t, images, network),
  ]);
  const [, printed = ''] = await proxy.says(/^ *docker run agent (-e PROXY_URL=\S+ -e BACKEND=\S+)$/m);

  // Nothing but the hosts is changed, and the backend's port.
  const args = printed
    .replace(/@localhost:8080(?= )/, `@${proxy.name}:8080`)
    .replace(/BACKEND=\S+$/, `BACKEND=${backend.name}:3000`)
    .split(' ');
  t.match(args, ['-e', /^PROXY_URL=ws:\/\/[\w.-]+@[\w-]+:8080$/, '-e', /^BACKEND=[\w-]+:3000$/]);
  const agent = Container.start(t, { image: images.agent, options: ['--network', network], args });
  await agent.says(/"msg":"link up"/);

  const { host, port } = await proxy.published(8080);
  const page = await fetch(`http://${host}:${port}/`);
  t.equal(page.status, 200);
  t.equal(await page.text(), await readFile(join(root, 'test/demo/page.html'), 'utf8'), 'the page');
  const body = randomBytes(3_000_000);
  const upload = await fetch(`http://${host}:${port}/upload?id=a`, { method: 'POST', body });
  t.match(await upload.json(), {
    receivedBytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
  });
  t.strictSame(await echo(`ws://${host}:${port}/echo`, body), body, 'a WebSocket');

  await Promise.all([proxy.healthy(), agent.healthy()]);
  t.pass('both are healthy');
  t.equal(
    proxy.output.match(/"msg":"exchange"/g)?.length,
    5,
    'two links and three requests; no health check is logged',
  );
  t.notMatch(agent.output, /"level":"(?:warn|error)"/);

  for (const container of [agent, proxy]) {
    const { code, tookMs } = await container.stop();
    t.equal(code, 0, 'docker stop ends it with 0');
    t.ok(tookMs < stopWithinMs, `in ${Math.round(tookMs)} ms`);
  }
}

/** Only BACKEND is the user's own: everything else of the command is as the proxy printed it. */
async function printedAsItStands(t: Test, images: Images): Promise<void> {
  const server = createServer((_request, response) => response.end('from the host'));
  t.teardown(() => server.close());
  const backend = `BACKEND=127.0.0.1:${await listen(server)}`;
  const options = ['--network', 'host'];
  // A test takes free ports and says nothing to the world; a user leaves these out.
  const quiet = ['PORT=0', 'HOST=127.0.0.1', 'ADMIN_PORT=0'].flatMap((setting) => ['-e', setting]);
  const proxy = Container.start(t, { image: images.proxy, options, args: quiet });
  const [, printed = ''] = await proxy.says(/^ *docker run agent (-e PROXY_URL=\S+) -e BACKEND=\S+$/m);
  const args = [...printed.split(' '), '-e', backend];
  const agent = Container.start(t, { image: images.agent, options, args });
  await agent.says(/"msg":"link up"/);
  const [, url = ''] = await proxy.says(/"url":"([^"]+)"/);
  t.equal(await (await fetch(url)).text(), 'from the host');
  // Sockets of the whole machine are seen there: the check must count the program's own alone.
  t.equal((await proxy.exec(...health, 'listening')).code, 0);
  t.equal((await agent.exec(...health, 'connected')).code, 0);
  t.equal((await agent.exec(...health, 'listening')).code, 1);
}

async function echo(url: string, message: Buffer): Promise<unknown> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const answer = once(socket, 'message');
  socket.send(message);
  const [received]: unknown[] = await answer;
  socket.close();
  await once(socket, 'close');
  return received;
}

async function settingsInFront(t: Test, images: Images): Promise<void> {
  const network = await createNetwork(t);
  const secret = `AGENT_SECRET=${createSecret()}`;
  const mint = ['run', '--rm', '--env', secret, images.proxy, 'token', '--backend', 'shop'];
  const [backend, proxy, token] = await Promise.all([
    startBackend(t, images, network),
    startProxy(t, images, network, ['--env', secret]),
    docker(mint),
  ]);
  t.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/, 'a token, and nothing else');
  t.notMatch(proxy.output, /docker run agent/, 'no command where there is a secret');
  const env = {
    PROXY_URL: `ws://${proxy.name}:8080`,
    TOKEN: token,
    BACKEND: `${backend.name}:3000`,
    BACKEND_ID: 'shop',
  };
  const options = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const agent = Container.start(t, { image: images.agent, options: ['--network', network, ...options] });
  await agent.says(/"msg":"link up"/);
  const { host, port } = await proxy.published(8080);
  const response = await fetch(`http://${host}:${port}/request?a=1`);
  t.match(await response.json(), { method: 'GET', target: '/request?a=1' });
}

async function unknownSetting(t: Test, images: Images): Promise<void> {
  for (const program of programs) {
    const { code, stdout, stderr } = await run('docker', ['run', '--rm', images[program], '-e', 'NOPE=1']);
    t.equal(code, 2, `${program}: exit code`);
    t.match(stderr, /\bNOPE\b/, `${program}: named`);
    t.equal(stdout, '');
  }
}

/** The check knows no settings: whatever the port speaks, a proxy that listens on it lets go of a connection. */
async function healthyBehindTls(t: Test, images: Images): Promise<void> {
  const { cert, key } = createCertificate();
  const folder = t.testdir({ 'cert.pem': cert, 'key.pem': key });
  const settings = ['--env', 'TLS_CERT_FILE=/tls/cert.pem', '--env', 'TLS_KEY_FILE=/tls/key.pem'];
  const options = ['--volume', `${folder}:/tls:ro`, ...settings];
  const proxy = Container.start(t, { image: images.proxy, options });
  const [, printed] = await proxy.says(/-e PROXY_URL=(\S+)/);
  t.match(printed, /^wss:/);
  t.equal((await proxy.exec(...health, 'listening')).code, 0);
}

async function unhealthy(t: Test, images: Images): Promise<void> {
  const network = await createNetwork(t);
  const proxy = await startProxy(t, images, network);
  t.equal((await proxy.exec(...health, 'listening')).code, 0, 'a proxy that listens');
  await proxy.signal('STOP');
  t.equal((await proxy.exec(...health, 'listening')).code, 1, 'a proxy that hangs');
  await proxy.signal('CONT');
  t.equal((await proxy.exec(...health, 'listening')).code, 0, 'a proxy that goes on');

  const args = ['-e', `PROXY_URL=ws://not.a.token@${proxy.name}:8080`, '-e', 'BACKEND=localhost:3000'];
  const agent = Container.start(t, { image: images.agent, options: ['--network', network], args });
  await agent.says(/refused by the proxy/);
  t.equal((await agent.exec(...health, 'connected')).code, 1, 'an agent that is not let in');
}

async function interrupted(t: Test, images: Images): Promise<void> {
  const proxy = Container.start(t, { image: images.proxy });
  const args = ['-e', 'PROXY_URL=ws://not.a.token@localhost:1', '-e', 'BACKEND=localhost:3000'];
  const agent = Container.start(t, { image: images.agent, args });
  await Promise.all([proxy.says(/"msg":"listening"/), agent.says(/"msg":"cannot reach the proxy"/)]);
  for (const container of [agent, proxy]) {
    await container.signal('INT');
    t.equal(await container.ended(), 0);
  }
}
