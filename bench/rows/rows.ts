/** All rows, in the order of the table. */
import { farDownloadRow, farFirstByteRow } from './far.ts';
import { idleMemoryRow, slowReaderRow, webSocketMemoryRow } from './memory.ts';
import { mixedRow } from './mixed.ts';
import { closeRow, pageRow, smallRow } from './requests.ts';
import type { Row } from './row.ts';
import { agentStartRow, proxyRestartRow } from './start.ts';
import { transferRows } from './transfers.ts';
import { webSocketRow } from './websocket.ts';

export const rows: readonly Row[] = [
  ...[1, 16, 64, 256].map(smallRow),
  pageRow,
  ...transferRows,
  mixedRow,
  webSocketRow,
  closeRow,
  idleMemoryRow,
  webSocketMemoryRow,
  slowReaderRow,
  farDownloadRow,
  farFirstByteRow,
  agentStartRow,
  proxyRestartRow,
];
