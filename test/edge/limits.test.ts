/** Settings as the edge takes them: the bounds that follow from others. */
import { test } from 'tap';
import { loadProxySettings } from '../../proxy/config.ts';
import type { EdgeLimits } from '../../proxy/edge/limits.ts';
import { edgeLimits } from '../../proxy/limits.ts';
import { sourcesOf } from '../config/sources.ts';

function limitsOf(env: Readonly<Record<string, string>>): EdgeLimits {
  return edgeLimits(loadProxySettings(sourcesOf({ env })));
}

for (const [all, perAddress] of [
  [undefined, 2_500],
  ['1000', 250],
  ['10', 3],
  ['1', 1],
] as const) {
  test(`of ${all ?? 'the default'} connections one address may have a quarter`, async (t) => {
    const env = all === undefined ? {} : { MAX_CONNECTIONS: all };
    t.equal(limitsOf(env).maxConnectionsPerAddress, perAddress);
    t.equal(
      limitsOf({ ...env, MAX_CONNECTIONS_PER_ADDRESS: '7' }).maxConnectionsPerAddress,
      7,
      'or what is set',
    );
  });
}

test('a line of a head may be as long as the head, or what is set', async (t) => {
  t.equal(limitsOf({ MAX_HEADER_BYTES: '1KiB' }).head.lineBytes, 1_024);
  t.equal(limitsOf({ MAX_HEADER_BYTES: '1KiB', MAX_HEADER_LINE_BYTES: '200' }).head.lineBytes, 200);
});

test('MAX_BODY_BYTES=0 is no limit', async (t) => {
  t.equal(limitsOf({ MAX_BODY_BYTES: '0' }).body.bodyBytes, Infinity);
  t.equal(limitsOf({ MAX_BODY_BYTES: '1KiB' }).body.bodyBytes, 1_024);
});
