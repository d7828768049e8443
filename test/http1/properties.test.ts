/**
 * What holds for every message: an honest one is read as it was meant, however it is cut, and means the same when it has been written
 * on and read again; one that somebody has damaged is read or refused, and nothing else happens.
 * PROPERTY_RUNS=20000 runs longer; a failure prints its seed and path.
 */
import * as fc from 'fast-check';
import { test } from 'tap';
import { createBodyReader } from '../../shared/http1/body.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import { readRequest } from '../../shared/http1/rules.ts';
import { chunkHead, writeRequestHead, writeTrailers } from '../../shared/http1/write.ts';
import { cutBy, cuts, honestRequest, honestResponse } from './honest.ts';
import type { Honest } from './honest.ts';
import { readMessages } from './messages.ts';
import { mutations } from './mutate.ts';
import { latin1 } from './pieces.ts';
import { FORWARDING, writtenRequest, writtenResponse } from './written.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 1_000);

function same(actual: unknown, expected: unknown, what: string): void {
  const [is, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== wanted) throw new Error(`${what}: ${is} instead of ${wanted}`);
}

test('requests on a connection are read as they are meant, wherever it cuts', (t) => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(honestRequest(), { minLength: 1, maxLength: 3 }), cuts, (requests, lengths) => {
      const bytes = latin1(requests.map((request) => request.bytes).join(''));
      const last = requests.findIndex(({ isLast }) => isLast);
      const expected = (last === -1 ? requests : requests.slice(0, last + 1)).map(({ message }) => message);
      const whole = readMessages([bytes], { kind: 'request' });
      same(whole.messages, expected, 'whole');
      same(whole.refusal, undefined, 'refusal');
      same(readMessages(cutBy(bytes, lengths), { kind: 'request' }), whole, 'cut');
      same(readMessages([bytes], { kind: 'request', readBytes: 3 }), whole, 'three bytes of body at a time');
      read += expected.length;
    }),
    { numRuns },
  );
  t.ok(read > numRuns, `${read} requests`);
  t.end();
});

test('responses are read as they are meant, wherever the connection cuts, and what is behind them is left', (t) => {
  fc.assert(
    fc.property(honestResponse(), cuts, fc.constantFrom('', 'behind'), (response, lengths, behind) => {
      const bytes = latin1(response.bytes + behind);
      const whole = readMessages([bytes], { kind: 'response' });
      same(whole.messages, [response.message], 'whole');
      same(whole.readBytes, response.bytes.length, 'bytes read');
      same(readMessages(cutBy(bytes, lengths), { kind: 'response' }), whole, 'cut');
    }),
    { numRuns },
  );
  t.end();
});

/** Without the framing of a hop and what the hop adds, in order. */
function passing(fields: readonly string[]): readonly string[] {
  return fields.filter((field) => /^q/i.test(field));
}

function rewritten(head: string, body: string, end: string, { framing }: Honest): string {
  if (framing !== 'chunked') return head + body;
  return `${head}${body === '' ? '' : `${chunkHead(body.length)}${body}\r\n`}${end}`;
}

test('a request written on means what it meant: read, written, read again', (t) => {
  fc.assert(
    fc.property(honestRequest(), cuts, (request, lengths) => {
      const { head, body, end } = writtenRequest(cutBy(latin1(request.bytes), lengths));
      const bytes = rewritten(head, body, end, request);
      const again = readMessages([latin1(bytes)], { kind: 'request', viaName: 'other' });
      const [message] = again.messages;
      if (message === undefined || again.messages.length !== 1 || again.readBytes !== bytes.length)
        throw new Error(`what was written is not one request: ${JSON.stringify(bytes)}`);
      const [method] = request.message.start.split(' ', 1);
      same(message.start.split(' ', 1)[0], method, 'method');
      same(message.start.endsWith(' HTTP/1.1'), true, 'version');
      same(passing(message.fields), request.goesOn, 'fields');
      same([message.body, message.trailers], [request.message.body, request.message.trailers], 'body');
      // Another hop finds the same fields to send on, and adds no second copy of ours but Via.
      const second = writtenRequest([latin1(bytes)], { forwarding: { via: 'other' } });
      const third = readMessages([latin1(rewritten(second.head, second.body, second.end, request))], {
        kind: 'request',
        viaName: 'third',
      });
      same(passing(third.messages[0]?.fields ?? []), request.goesOn, 'fields after two hops');
      same(third.messages[0]?.fields.length, message.fields.length + 1, 'number of fields after two hops');
    }),
    { numRuns },
  );
  t.end();
});

test('a response written on means what it meant', (t) => {
  fc.assert(
    fc.property(honestResponse(), cuts, (response, lengths) => {
      const { head, body, end } = writtenResponse(cutBy(latin1(response.bytes), lengths));
      const bytes = rewritten(head, body, end, response);
      const { messages, readBytes } = readMessages([latin1(bytes)], { kind: 'response' });
      const [message] = messages;
      same(message?.start, response.message.start.replace('HTTP/1.0', 'HTTP/1.1'), 'status line');
      same(passing(message?.fields ?? []), response.goesOn, 'fields');
      same([message?.body, message?.trailers], [response.message.body, response.message.trailers], 'body');
      same(readBytes, bytes.length, 'bytes read');
    }),
    { numRuns },
  );
  t.end();
});

test('the target goes on as the rules rewrite it, and no further', (t) => {
  fc.assert(
    fc.property(honestRequest(), (request) => {
      const head = new HeadScanner('request').push(latin1(request.bytes));
      if (head === undefined) throw new Error('no head');
      const meaning = readRequest(head, { viaName: 'edge' });
      const written = writeRequestHead(head, meaning, FORWARDING);
      const again = new HeadScanner('request').push(latin1(written));
      same(again?.target, meaning.target, 'target');
      same(head.target.endsWith(meaning.target), true, 'a part of what was sent');
      if (again !== undefined) same(readRequest(again, { viaName: 'other' }).path, meaning.path, 'path');
    }),
    { numRuns },
  );
  t.end();
});

test('a chunked body is the data that was written into it, however it is written, cut and taken', (t) => {
  const run = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(
      fc.array(run, { maxLength: 8 }),
      cuts,
      fc.integer({ min: 1, max: 400 }),
      (runs, lengths, limit) => {
        const written = runs.flatMap((data) => [latin1(chunkHead(data.length)), data, latin1('\r\n')]);
        const bytes = Buffer.concat([...written, latin1(writeTrailers([]))]);
        const reader = createBodyReader({ kind: 'chunked' }, 'request');
        const taken: Uint8Array[] = [];
        for (const piece of cutBy(bytes, lengths)) {
          for (let at = 0; at < piece.length;) {
            at = reader.read(piece, at, limit);
            taken.push(piece.subarray(reader.dataStart, reader.dataEnd));
          }
        }
        same(reader.done, true, 'done');
        if (!Buffer.concat(taken).equals(Buffer.concat(runs))) throw new Error('other data');
      },
    ),
    { numRuns },
  );
  t.end();
});

for (const kind of ['request', 'response'] as const) {
  test(`a damaged ${kind} is read or refused: no other error, no loop, nothing taken that was not there`, (t) => {
    const seed = kind === 'request' ? honestRequest() : honestResponse();
    const counts = { refused: 0, read: 0 };
    fc.assert(
      fc.property(
        fc.array(seed, { minLength: 1, maxLength: 2 }),
        mutations,
        cuts,
        (messages, mutate, lengths) => {
          const bytes = mutate(latin1(messages.map((message) => message.bytes).join('')));
          const whole = readMessages([bytes], { kind });
          same(whole.readBytes <= bytes.length, true, 'no more read than there is');
          const { refusal, messages: complete, unfinished } = readMessages(cutBy(bytes, lengths), { kind });
          // Where it is refused the counts differ: a push that throws has said nothing of how far it came.
          same(
            [refusal, complete, unfinished?.start],
            [whole.refusal, whole.messages, whole.unfinished?.start],
            'cut',
          );
          counts[whole.refusal === undefined ? 'read' : 'refused']++;
        },
      ),
      { numRuns: numRuns * 3 },
    );
    t.ok(counts.refused > numRuns / 2, `${counts.refused} refused`);
    t.ok(counts.read > numRuns / 10, `${counts.read} not`);
    t.end();
  });
}
