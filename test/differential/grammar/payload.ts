/** What stands in bodies: nothing, text, bytes that parsers trip over, and what a smuggler would want to be read as a message. */
import * as fc from 'fast-check';
import { placeholderHost, placeholderId } from '../marker.ts';
import { always, oddByte, oneOf, type Text, valueText } from './parts.ts';

/** What a smuggler would want a backend to see. */
const decoy = `GET /${placeholderId}/d HTTP/1.1\r\nHost: ${placeholderHost}\r\n\r\n`;

export const payload: Text = fc.oneof(
  { arbitrary: always(''), weight: 20 },
  {
    arbitrary: oneOf(
      'hello',
      'x',
      '0',
      '0\r\n\r\n',
      '\r\n',
      '\r\n\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
      '\0\xff\x8a\x8d',
    ),
    weight: 60,
  },
  { arbitrary: oneOf(decoy, `\r\n${decoy}`, `0\r\n\r\n${decoy}`, `x=1\r\n${decoy}${decoy}`), weight: 40 },
  { arbitrary: fc.array(oddByte, { maxLength: 30 }).map((bytes) => bytes.join('')), weight: 30 },
  { arbitrary: valueText, weight: 20 },
  // Beyond what the edge holds behind a request, and beyond one frame of the tunnel.
  {
    arbitrary: fc.integer({ min: 900, max: 40_000 }).map((length) => 'abcdefgh'.repeat(length / 8)),
    weight: 1,
  },
);
