/**
 * http-parser-js beside ours: whatever ours accepts and theirs can read safely comes out the same from both. Where theirs cannot,
 * `isBeyondPeer` says why; its defects have a file of their own.
 */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'tap';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import { cutBy, cuts, honestRequest, honestResponse, upperMethod } from './honest.ts';
import { readMessages } from './messages.ts';
import type { Message } from './messages.ts';
import { mutations } from './mutate.ts';
import { peerReading } from './peer.ts';
import { byteByByte, latin1 } from './pieces.ts';

interface Vector {
  readonly id: string;
  readonly name: string;
  readonly kind: MessageKind;
  readonly method?: string;
  readonly base64: string;
}

const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));
const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 1_000);

/** Why theirs cannot read a message that is well-formed; undefined where it can. */
function isBeyondPeer({ start, fields }: Message, kind: MessageKind): string | undefined {
  // It joins the lines as they are: `up` and `grade` on two of them are its `upgrade`.
  const connection = fields.map((field) => /^connection: (.*)/i.exec(field)?.[1] ?? '').join('');
  const isUpgrade = fields.some((field) => /^upgrade:/i.test(field)) && /upgrade/i.test(connection);
  if (kind === 'request') {
    if (!/^[A-Z-]+ /.test(start)) return 'its methods are upper-case letters and hyphens';
    if (isUpgrade)
      return 'it stops at an Upgrade, whatever stands around the word in Connection, and forgets the body';
    return undefined;
  }
  if (isUpgrade && start.startsWith('HTTP/1.1 101')) return 'it reads nothing behind a 101';
  if (fields.some((field) => /^content-length:.*,/i.test(field))) return 'it knows no list in Content-Length';
  return undefined;
}

/** Ours leaves out trailers that do not go on; theirs tells of all. */
function withTrailersOf(theirs: Message, ours: Message | undefined): Message {
  return { ...theirs, trailers: theirs.trailers.filter((trailer) => ours?.trailers.includes(trailer)) };
}

/** What the two disagree about; undefined when they agree, or theirs is not to be asked. */
function difference(
  pieces: readonly Uint8Array[],
  options: { readonly kind: MessageKind; readonly method?: string },
): string | undefined {
  const ours = readMessages(pieces, options);
  const last = ours.unfinished ?? ours.messages.at(-1);
  if (ours.refusal !== undefined || last === undefined) return undefined;
  if ([...ours.messages, last].some((message) => isBeyondPeer(message, options.kind) !== undefined))
    return undefined;
  const theirs = peerReading(pieces, options);
  // Behind a close, and behind a response, theirs reads on.
  const messages = theirs.messages
    .slice(0, ours.messages.length)
    .map((message, at) => withTrailersOf(message, ours.messages[at]));
  const [is, wanted] = [JSON.stringify(messages), JSON.stringify(ours.messages)];
  return is === wanted ? undefined : `theirs ${is} (${theirs.error ?? 'no error'}), ours ${wanted}`;
}

test('the vectors that are accepted', (t) => {
  const beyond: string[] = [];
  let compared = 0;
  for (const vector of vectors) {
    const bytes = new Uint8Array(Buffer.from(vector.base64, 'base64'));
    const { refusal, messages, unfinished } = readMessages([bytes], vector);
    if (refusal !== undefined) continue;
    const all = [...messages, ...(unfinished ? [unfinished] : [])];
    if (all.some((message) => isBeyondPeer(message, vector.kind) !== undefined)) beyond.push(vector.id);
    else compared++;
    t.equal(difference([bytes], vector), undefined, `${vector.id} ${vector.name}: whole`);
    t.equal(difference(byteByByte(bytes), vector), undefined, `${vector.id}: byte by byte`);
  }
  t.strictSame(
    beyond,
    ['R36', 'U01', 'U03', 'U05', 'U06', 'U08', 'U16', 'P08', 'P22'],
    'those that theirs cannot read',
  );
  t.equal(compared, 47, 'those that it can');
  t.end();
});

for (const kind of ['request', 'response'] as const) {
  const honest = kind === 'request' ? honestRequest(upperMethod) : honestResponse();

  test(`any ${kind} of honest making`, (t) => {
    fc.assert(
      fc.property(honest, cuts, ({ bytes, message }, lengths) => {
        const pieces = cutBy(latin1(bytes), lengths);
        if (isBeyondPeer(message, kind) !== undefined) throw new Error('is not to be compared');
        const differs = difference(pieces, { kind });
        if (differs !== undefined) throw new Error(differs);
      }),
      { numRuns },
    );
    t.end();
  });

  test(`any ${kind} that ours accepts however it came about`, (t) => {
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(honest, { minLength: 1, maxLength: 2 }),
        mutations,
        cuts,
        (messages, mutate, lengths) => {
          const bytes = mutate(latin1(messages.map((message) => message.bytes).join('')));
          const pieces = cutBy(bytes, lengths);
          if (readMessages(pieces, { kind }).refusal === undefined) compared++;
          const differs = difference(pieces, { kind });
          if (differs !== undefined) throw new Error(differs);
        },
      ),
      { numRuns: numRuns * 3 },
    );
    t.ok(compared > numRuns / 10, `${compared} accepted`);
    t.end();
  });
}
