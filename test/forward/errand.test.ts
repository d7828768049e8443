/** One exchange on its way, without sockets: it ends once, whatever comes at the same time. */
import { test } from 'tap';
import type { Admission, ClientListener, Exchange } from '../../proxy/exchange.ts';
import { AnswerScanners } from '../../proxy/forward/answer-scanners.ts';
import { createForward } from '../../proxy/forward/forward.ts';
import type { ForwardOptions } from '../../proxy/forward/forward.ts';
import type { StreamTunnel } from '../../proxy/forward/tunnel.ts';
import { Upgrades } from '../../proxy/forward/upgrades.ts';
import { WaitingRoom } from '../../proxy/forward/waiting-room.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { StreamHandler } from '../../shared/mux/session.ts';
import { ask } from '../access/support/visit.ts';
import { Recorder } from '../mux/recorder.ts';

const head = { headBytes: 65_536, lineBytes: 65_536, fields: 100 };

interface Posting {
  readonly exchange: Exchange;
  readonly answer: () => string;
  /** Whoever listens to the client now. */
  readonly listener: () => ClientListener;
  readonly leave: () => void;
}

function post(): Posting {
  const { exchange, answer } = ask({ method: 'POST', lines: ['Content-Length: 700'] });
  let listener: ClientListener | undefined;
  const client = Object.assign(exchange.client, {
    listen: (next: ClientListener) => {
      listener = next;
    },
  });
  const current = (): ClientListener => {
    if (listener === undefined) throw new Error('nobody listens');
    return listener;
  };
  const leave = (): void => {
    Object.assign(client, { isGone: true });
    current().onGone();
  };
  return { exchange, answer, listener: current, leave };
}

/** A tunnel whose agent says nothing. */
function silentTunnel(backendId: string): { readonly session: MuxSession; readonly tunnel: StreamTunnel } {
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: new Recorder() });
  const tunnel = {
    id: `tunnel of ${backendId}`,
    backendId,
    isAccepting: true,
    isHealthy: true,
    isAlive: true,
    hasUnsaid: false,
    hostHeader: undefined,
    agentInstance: undefined,
    load: () => session.streamCount,
    report: () => {
      throw new Error('nobody asks');
    },
    open: (handler: StreamHandler) => session.open(handler),
  };
  return { session, tunnel };
}

function admissionTo(backendId: string): Admission {
  const nothing = { withheldCookies: [], withholdsAuthorization: false, fields: [], responseFields: [] };
  return { backendId, user: undefined, ...nothing };
}

function admit(exchange: Exchange, backendId: string): boolean {
  exchange.admission = admissionTo(backendId);
  return true;
}

function optionsOf(memory: MemoryBudget, rest: Pick<ForwardOptions, 'select' | 'admit'>): ForwardOptions {
  return {
    name: 'proxy-test',
    memory,
    scanners: new AnswerScanners(head),
    upgrades: new Upgrades(),
    waitingRoom: new WaitingRoom({ maxRequests: 1, maxBytes: 1_000 }),
    limits: {
      responseHead: head,
      responseBody: {
        bodyBytes: 1e6,
        chunkExtensionLineBytes: 100,
        chunkExtensionBytes: 100,
        trailerBytes: 1_000,
        trailerFields: 10,
      },
      maxInterimAnswers: 1,
      queueTimeoutMs: 0,
      responseTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
    },
    ...rest,
  };
}

test('a client that goes in the turn in which its try fails: the memory of its body is given back once', async (t) => {
  const memory = new MemoryBudget(10_000);
  const { session, tunnel } = silentTunnel('shop');
  const select = () => ({ kind: 'tunnel', backendId: 'shop', tunnel }) as const;
  const { exchange, leave } = post();
  const over = createForward(optionsOf(memory, { select, admit }))(exchange);
  // Of another exchange: giving back too much would take it.
  memory.reserve(5_000);
  t.equal(memory.reservedBytes, 5_700);
  session.close(resetCode.cancelled);
  leave();
  await over;
  await new Promise(setImmediate);
  t.equal(memory.reservedBytes, 5_000);
  t.equal(exchange.record.abortedBy, 'client');
});

test('a try that has failed has no say while the next one is let in', async (t) => {
  const memory = new MemoryBudget(10_000);
  const [refusing, next] = [silentTunnel('shop'), silentTunnel('shop, moved')];
  const admitted = Promise.withResolvers<boolean>();
  const options = optionsOf(memory, {
    select: (_host, _path, except) => {
      const { tunnel } = except === undefined ? refusing : next;
      return { kind: 'tunnel', backendId: tunnel.backendId, tunnel };
    },
    admit: (asking, backendId) => {
      asking.admission = admissionTo(backendId);
      return backendId === 'shop' ? true : admitted.promise;
    },
  });
  const { exchange, answer, listener } = post();
  let isOver = false;
  const over = createForward(options)(exchange).then(() => (isOver = true));
  refusing.session.close(resetCode.refused);
  await new Promise(setImmediate);
  t.equal(exchange.record.retries, 1);
  listener().onTick(0);
  listener().onTick(1_000);
  await new Promise(setImmediate);
  t.notOk(isOver, 'its deadline is nobody’s');
  t.equal(answer(), '');
  t.equal(memory.reservedBytes, 700);
  admitted.resolve(true);
  await new Promise(setImmediate);
  t.equal(next.session.streamCount, 1);
  next.session.close(resetCode.cancelled);
  await over;
  t.match(answer(), /^HTTP\/1\.1 503 /);
  t.equal(answer().split('HTTP/1.1 ').length, 2, 'one answer');
  t.equal(memory.reservedBytes, 0);
});
