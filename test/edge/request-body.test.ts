/**
 * The pace of a request's body (RULES 33), with a clock moved by hand: silence and a low rate are the client's fault only
 * while we wait for it.
 */
import { test } from 'tap';
import { Input } from '../../proxy/edge/input.ts';
import { RequestBody } from '../../proxy/edge/request-body.ts';
import type { ClientListener } from '../../proxy/exchange.ts';
import type { Framing } from '../../shared/http1/framing.ts';
import type { RequestMeaning } from '../../shared/http1/rules.ts';
import { edgeLimits, takingAll } from './edge.ts';

const limits = { ...edgeLimits, bodyTimeoutMs: 30_000, minBodyBytesPerSecond: 500 };

const bodiless: RequestMeaning = {
  framing: { kind: 'none' },
  host: 'a',
  authority: 'a',
  path: '/',
  target: '/',
  upgrade: undefined,
  keepAlive: true,
  wantsTrailers: false,
  connectionNames: new Set(),
  maxForwards: undefined,
};

/** A body under way, and the sweep that looks at it four times a second. */
class Upload {
  nowMs = 1_000;
  room = Infinity;
  taken = 0;
  readonly #input = new Input();
  readonly #body: RequestBody;
  readonly #listener: ClientListener;

  constructor(framing: Framing = { kind: 'sized', length: 2 ** 40 }, own = limits) {
    const meaning: RequestMeaning = { ...bodiless, framing };
    this.#body = new RequestBody(meaning, own, this.nowMs);
    this.#listener = takingAll({
      bodyRoom: () => this.room,
      onBody: (bytes) => {
        this.taken += bytes.length;
        this.room -= bytes.length;
      },
    });
  }

  /** So many bytes come from the client. Gives what reading them came to. */
  arrive(bytes: number | string): 'full' | 'more' | 'done' {
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.alloc(bytes, 'x');
    this.#body.arrived(chunk.length);
    this.#input.append(chunk);
    return this.resume();
  }

  resume(): 'full' | 'more' | 'done' {
    return this.#body.read(this.#input, this.#listener);
  }

  /** Time passes; gives when the body was found too slow, from the beginning, or undefined. */
  pass(ms: number, each?: (nowMs: number) => void): number | undefined {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.nowMs += 250;
      each?.(this.nowMs);
      if (this.#body.isTooSlow(this.nowMs)) return this.nowMs - 1_000;
    }
    return undefined;
  }
}

test('a client that sends nothing is too slow after BODY_TIMEOUT, and not before', async (t) => {
  t.equal(new Upload().pass(60_000), 30_000);
});

test('silence counts from the last byte', async (t) => {
  const upload = new Upload();
  upload.arrive(20_000);
  t.equal(upload.pass(29_000), undefined);
  upload.arrive(20_000);
  t.equal(upload.pass(60_000), 59_250, 'the byte was seen by the next look at it');
});

for (const [what, bytesEach, everyMs, tooSlowAtMs] of [
  ['500 B/s', 500, 1_000, undefined],
  ['480 B/s', 480, 1_000, 30_000],
  ['a byte a second', 1, 1_000, 30_000],
  ['15,000 bytes each 29 s', 15_000, 29_000, undefined],
  ['10,000 bytes each 20 s, of which a span of 30 s may hold one', 10_000, 20_000, 90_000],
  ['1 MB each 29 s', 1_000_000, 29_000, undefined],
] as const) {
  test(`${what} is ${tooSlowAtMs === undefined ? 'fast enough for ten minutes' : 'too slow'}`, async (t) => {
    const upload = new Upload();
    upload.arrive(bytesEach);
    const found = upload.pass(600_000, (nowMs) => {
      if ((nowMs - 1_000) % everyMs === 0) upload.arrive(bytesEach);
    });
    t.equal(found, tooSlowAtMs);
  });
}

test('a rate that falls is seen in the span in which it is too low', async (t) => {
  const upload = new Upload();
  const found = upload.pass(120_000, (nowMs) => {
    upload.arrive(nowMs < 46_000 ? 10_000 : 10);
  });
  t.equal(found, 90_000, 'the second span held enough, the third did not');
});

test('without a least rate only silence counts', async (t) => {
  const upload = new Upload(undefined, { ...limits, minBodyBytesPerSecond: 0 });
  t.equal(
    upload.pass(600_000, (nowMs) => {
      if (nowMs % 29_000 === 0) upload.arrive(1);
    }),
    undefined,
  );
  t.type(upload.pass(60_000), 'number');
});

test('a client that waits for the backend may wait for ever', async (t) => {
  const upload = new Upload();
  upload.room = 1_000;
  t.equal(upload.arrive(64_000), 'full');
  t.equal(upload.taken, 1_000, 'no more than there is room for');
  t.equal(upload.pass(600_000), undefined);
});

test('when the backend takes on, the client has its whole time again', async (t) => {
  const upload = new Upload();
  upload.room = 1_000;
  upload.arrive(2_000);
  upload.pass(600_000);
  upload.room = Infinity;
  t.equal(upload.resume(), 'more');
  t.equal(upload.pass(60_000), 630_000);
});

test('a backend that takes 100 B/s makes the client no slower', async (t) => {
  const upload = new Upload();
  upload.room = 0;
  upload.arrive(10_000_000);
  const found = upload.pass(600_000, () => {
    upload.room += 25;
    upload.resume();
  });
  t.equal(found, undefined);
  t.equal(upload.taken, 60_000);
});

test('what frames the chunks counts for the rate: it is what the client sends', async (t) => {
  const upload = new Upload({ kind: 'chunked' });
  const found = upload.pass(120_000, (nowMs) => {
    if (nowMs % 1_000 === 0) upload.arrive('1\r\ny\r\n'.repeat(90));
  });
  t.equal(found, undefined, '540 B/s on the wire, 90 of them body');
});

for (const [what, framing, pieces] of [
  ['a sized body', { kind: 'sized', length: 10 }, ['0123', '456789GET / HTTP/1.1']],
  ['a chunked body', { kind: 'chunked' }, ['4\r\n0123\r\n6\r', '\n456789\r\n0\r\n', '\r\nGET / HTTP/1.1']],
] as const) {
  test(`${what} is done with its last byte, and what follows stays`, async (t) => {
    const upload = new Upload(framing);
    const last = pieces.length - 1;
    pieces.forEach((piece, index) => t.equal(upload.arrive(piece), index === last ? 'done' : 'more'));
    t.equal(upload.taken, 10);
  });
}
