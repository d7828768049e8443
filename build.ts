/**
 * Builds what is shipped: `npm run build` writes dist, `node build.ts FOLDER` another folder. Each program becomes one file,
 * with the packages that it loads when it starts; what it seldom needs (records, tokens of a provider) lies in files beside
 * it. Hundreds of small files would do the same, but loading them makes Node's module loader hot, and with
 * it the optimising compiler: 16 MiB more in each process for as long as it lives, and twice the time to start.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('./', import.meta.url));
const folder = process.argv[2] ?? fileURLToPath(new URL('dist', import.meta.url));
/** What is run by name; each is built alone, so that none carries what another needs. */
const entries = ['proxy/main', 'agent/main', 'shared/run/container-health'];
/**
 * Packages that are loaded where they are needed and stay in node_modules: some read files beside their own. What sources load
 * by createRequire stays there by itself.
 */
const loadedLater = ['bcrypt', 'https-proxy-agent', 'openid-client', 'write-file-atomic'];
/** CommonJS packages ask for Node's own modules by this, which a module does not have. */
const requireForPackages =
  "import { createRequire as createPackageRequire } from 'node:module'; const require = createPackageRequire(import.meta.url);";

rmSync(folder, { recursive: true, force: true });
for (const entry of entries) {
  const at = entry.lastIndexOf('/');
  // oxlint-disable-next-line no-await-in-loop -- three of a few milliseconds
  await build({
    absWorkingDir: root,
    entryPoints: { [entry.slice(at + 1)]: `${entry}.ts` },
    outdir: `${folder}/${entry.slice(0, at)}`,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: loadedLater,
    banner: { js: requireForPackages },
    // The text of a program stays in memory. Its names stay as they are: they stand in the stacks of errors.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    // For `node --enable-source-maps`, which shows stacks as of the sources.
    sourcemap: 'linked',
    logLevel: 'warning',
  });
}
