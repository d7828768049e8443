/**
 * What holds for any bytes where a head of the PROXY protocol should be: a head, a violation or more to wait for, and
 * nothing else; the same however the bytes are cut, and whatever stands around them. A failure prints its seed and path.
 */
import * as fc from 'fast-check';
import { test } from 'tap';
import { ProxyHeadViolation, readProxyHead } from '../../proxy/edge/proxy-protocol.ts';
import { binaryHead, latin1, signature } from './proxy-heads.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 2_000);
const longestHead = 16 + 4_096;

/** As text, so that two can be compared; anything but a violation is thrown on. */
function read(bytes: Uint8Array): string {
  try {
    return JSON.stringify(readProxyHead(bytes) ?? 'more');
  } catch (error) {
    if (error instanceof ProxyHeadViolation) return error.code;
    throw error;
  }
}

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

const byte = fc.integer({ min: 0, max: 255 });
const bytesBehind = fc.uint8Array({ maxLength: 300 });
const word = fc.oneof(
  fc.constantFrom('TCP4', 'TCP6', 'UNKNOWN', 'UDP4', '', 'unknown'),
  fc.ipV4(),
  fc.ipV6(),
  fc.integer({ min: -1, max: 70_000 }).map(String),
  fc.string({ maxLength: 8 }),
);
const port = fc.integer({ min: 0, max: 65_535 }).map(String);
const words = fc.oneof(
  fc.array(word, { maxLength: 7 }),
  fc.tuple(fc.constant('TCP4'), fc.ipV4(), fc.ipV4(), port, port),
  fc.tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6(), port, port),
);
const line = fc
  .tuple(words, fc.constantFrom('\r\n', '\n', '\r', ''), bytesBehind)
  .map(([said, end, behind]) => Buffer.concat([latin1(`PROXY ${said.join(' ')}${end}`), behind]));
const binary = fc
  .record({
    command: fc.oneof(fc.constantFrom(0x20, 0x21), byte),
    family: fc.oneof(fc.constantFrom(0, 0x11, 0x12, 0x21, 0x22, 0x31), byte),
    behind: fc.array(byte, { maxLength: 300 }),
    claim: fc.oneof(
      fc.constant(undefined),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 65_535 }),
    ),
  })
  .map(({ claim, ...head }) => binaryHead(claim === undefined ? head : { ...head, claim }));
const anything = fc.oneof(
  line,
  binary,
  fc.uint8Array({ maxLength: 300 }),
  bytesBehind.map((bytes) => Buffer.concat([signature, bytes])),
);

test('anything is a head, a violation, or too little', (t) => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(anything, (bytes) => {
      const verdict = read(bytes);
      const kind = verdict.startsWith('{') ? 'head' : verdict;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (kind === '"more"') check(bytes.length < longestHead, 'more is wanted than a head may have');
      if (kind !== 'head') return;
      const head = readProxyHead(bytes);
      check(head !== undefined && head.length > 0 && head.length <= bytes.length, 'its length is within');
    }),
    { numRuns },
  );
  t.comment(`of ${numRuns}: ${[...seen].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  for (const kind of ['head', '"more"', 'proxy_head_missing', 'proxy_head_malformed'])
    t.ok((seen.get(kind) ?? 0) > 0, `${kind} was among them`);
  t.end();
});

test('the verdict is the same at every cut: too little, and from some byte on the one it is', (t) => {
  fc.assert(
    fc.property(anything, (bytes) => {
      const verdict = read(bytes);
      let length = 0;
      while (length < bytes.length && read(bytes.subarray(0, length)) === '"more"') length += 1;
      for (; length <= bytes.length; length += 1)
        check(read(bytes.subarray(0, length)) === verdict, `another verdict at ${length}`);
    }),
    { numRuns: numRuns / 4 },
  );
  t.pass('for all of them');
  t.end();
});

test('nothing around the bytes is read, and nothing behind the head', (t) => {
  fc.assert(
    fc.property(anything, byte, (bytes, around) => {
      const verdict = read(Uint8Array.from(bytes));
      const room = new Uint8Array(bytes.length + 600).fill(around);
      room.set(bytes, 300);
      check(read(room.subarray(300, 300 + bytes.length)) === verdict, 'what stands around counts');
      if (!verdict.startsWith('{')) return;
      const { length } = readProxyHead(bytes) ?? { length: 0 };
      check(read(bytes.subarray(0, length)) === verdict, 'the head alone is the head');
      const other = Uint8Array.from(bytes);
      other.fill(around, length);
      check(read(other) === verdict, 'what follows counts');
    }),
    { numRuns },
  );
  t.pass('for all of them');
  t.end();
});
