/** The rows of /proc/net/tcp and tcp6 as the health check reads them. Needs no container. */
import { test } from 'tap';
import { readTcpRow } from '../../shared/run/container-health.ts';

const tail = '00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0';

const rows: readonly (readonly [string, object | undefined])[] = [
  [
    `   0: 00000000:1F90 00000000:0000 0A ${tail}`,
    { state: '0A', host: '127.0.0.1', port: 8080, inode: '4711' },
  ],
  [
    `  17: 0B00A8C0:C35A 0500000A:01BB 01 ${tail}`,
    { state: '01', host: '192.168.0.11', port: 50_010, inode: '4711' },
  ],
  [
    `   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A ${tail}`,
    { state: '0A', host: '::1', port: 8080, inode: '4711' },
  ],
  [
    `   0: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A ${tail}`,
    { state: '0A', host: '2001:db8:0:0:0:0:0:1', port: 80, inode: '4711' },
  ],
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    undefined,
  ],
  ['', undefined],
];

for (const [row, expected] of rows) {
  test(row === '' ? 'an empty line' : row.trim().slice(0, 60), async (t) => {
    t.strictSame(readTcpRow(row), expected);
  });
}
