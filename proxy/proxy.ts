/**
 * The proxy, put together: the only file that sees every room. Clients come by edge → forward → routing, agents by
 * edge → gateway → routing; here it is said which handler gets what, and in which order it all starts and stops.
 */
import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { AgentVerifier } from '../shared/auth/verifier.ts';
import type { RequestHead } from '../shared/http1/head.ts';
import type { Refusal } from '../shared/http1/refusal.ts';
import type { RequestMeaning } from '../shared/http1/rules.ts';
import type { Log, RecordLog } from '../shared/log/log.ts';
import { MemoryBudget } from '../shared/mux/memory-budget.ts';
import { agentPath } from '../shared/protocol/ask.ts';
import { closeCode } from '../shared/protocol/close-code.ts';
import type { Part } from '../shared/run/run.ts';
import type { ProxyWatch } from './admin/watch.ts';
import { Backends } from './backends.ts';
import { refusalAnswer, writeAnswer } from './answer.ts';
import type { ProxySettings } from './config.ts';
import { Listener } from './edge/listener.ts';
import { Networks } from '../shared/net/networks.ts';
import type { Client, Exchange, ExchangeRecord, Handler } from './exchange.ts';
import { AnswerScanners } from './forward/answer-scanners.ts';
import { createForward } from './forward/forward.ts';
import type { StreamTunnel } from './forward/tunnel.ts';
import { Upgrades } from './forward/upgrades.ts';
import { WaitingRoom } from './forward/waiting-room.ts';
import { Gateway } from './gateway/gateway.ts';
import type { GatewayOptions } from './gateway/gateway.ts';
import { Revocations } from './gateway/revocations.ts';
import { edgeLimits, forwardLimits, waitingLimits } from './limits.ts';
import { createAccess } from './access/access.ts';
import type { Access } from './access/access.ts';
import { createAccessLog } from './access-log.ts';
import type { AccessLog } from './access-log.ts';
import { Records } from './records/records.ts';
import { Registry } from './routing/registry.ts';
import { TlsFiles } from './tls-files.ts';
import { TurnedAway } from './turned-away.ts';

export interface ProxyOptions {
  readonly settings: ProxySettings;
  /** Judges agents' tokens. */
  readonly verifier: AgentVerifier;
  /** Tokens and subjects that are let in no more. */
  readonly revocations?: Revocations;
  /** Where stream ids begin and are low, for who wants to see them end. */
  readonly streamIds?: GatewayOptions['streamIds'];
  /** What is on record of backends; without it, nothing. */
  readonly backends?: Backends;
  readonly log: Log & RecordLog;
  /** Is told what happens and shown what lives. */
  readonly watch: ProxyWatch;
  /** Called once it listens, with the address that clients and agents use. */
  onListening?(publicUrl: string): void;
}

/** The one part of the program: starts with the listener, stops with the last exchange. */
export function createProxy(options: ProxyOptions): Part {
  return {
    name: 'proxy',
    start: async () => {
      const { settings, log } = options;
      const proxy = new Proxy(options);
      const address = await proxy.listener.listen();
      proxy.publicUrl = settings.publicUrl ?? urlOf(address, settings);
      log.info({ host: address.address, port: address.port, url: proxy.publicUrl }, 'listening');
      options.watch.isReady = true;
      options.onListening?.(proxy.publicUrl);
      return { stop: (deadline) => proxy.stop(deadline), refresh: () => proxy.refresh() };
    },
  };
}

class Proxy {
  readonly listener: Listener;
  publicUrl = '';
  /** Ours in Via and Proxy-Status: of this run, so that only a request that comes back here is a loop (RULES 21). */
  readonly #name = `inverting-proxy-${randomBytes(4).toString('hex')}`;
  readonly #watch: ProxyWatch;
  readonly #backends: Backends;
  readonly #accessLog: AccessLog | undefined;
  readonly #trusted: Networks;
  readonly #turnedAway: TurnedAway;
  readonly #tlsFiles: TlsFiles | undefined;
  readonly #upgrades = new Upgrades();
  readonly #gateway: Gateway;
  readonly #access: Access;
  readonly #forward: Handler;
  readonly #idPrefix = randomBytes(6).toString('hex');
  /** Whose request has a body that may yet be refused. */
  readonly #withBody = new WeakMap<Client, ExchangeRecord>();
  #exchangeCount = 0;

  constructor({ settings, verifier, revocations, log, watch, streamIds, backends }: ProxyOptions) {
    this.#backends = backends ?? new Backends(new Records());
    this.#watch = watch;
    this.#accessLog = createAccessLog(log);
    this.#turnedAway = new TurnedAway(log);
    this.#tlsFiles = TlsFiles.of(settings, log);
    const registry = new Registry<StreamTunnel>();
    const memory = new MemoryBudget(settings.memoryBudgetBytes);
    this.#trusted = new Networks(settings.trustedProxies);
    this.#gateway = new Gateway({
      verifier,
      revocations: revocations ?? new Revocations(),
      registry,
      baseDomain: settings.baseDomain,
      requiresRecord: settings.requireRecords,
      recordOf: this.#backends.recordOf,
      name: this.#name,
      publicUrl: () => this.publicUrl,
      maxStreamsPerLink: settings.maxStreamsPerLink,
      memory,
      graceMs: settings.drainTimeoutMs,
      streamIds,
      countFailure: (address) => this.#access.attempts.failed(address),
      onLink: (link) => watch.linkOpened(link.backendId),
      onStopping: (link) => this.#upgrades.leave('the agent of this server restarts', link),
      log,
    });
    this.#backends.enforce({ registry, gateway: this.#gateway });
    const waitingRoom = new WaitingRoom(waitingLimits(settings, memory));
    registry.watch(() => waitingRoom.review());
    this.#access = createAccess({
      settings,
      name: this.#name,
      publicUrl: () => this.publicUrl,
      log,
      recordOf: this.#backends.recordOf,
      backendsAlike: (host, path) => registry.backendsAlike(host, path),
      backendsAt: (host) => registry.backendsAt(host),
    });
    this.#forward = createForward({
      limits: forwardLimits(settings),
      scanners: new AnswerScanners(forwardLimits(settings).responseHead),
      upgrades: this.#upgrades,
      waitingRoom,
      memory,
      name: this.#name,
      select: (host, path, except) => registry.select(host, path, except),
      admit: (exchange, backendId) => this.#access.admit(exchange, backendId),
    });
    this.listener = new Listener({
      host: settings.host,
      port: settings.port,
      limits: edgeLimits(settings),
      memory,
      requestRules: { viaName: this.#name, bodyBytes: edgeLimits(settings).body.bodyBytes },
      trusted: this.#trusted,
      expectsProxyProtocol: settings.proxyProtocol,
      secure: this.#tlsFiles?.wrap,
      onExchange: (request, meaning, client) => this.#begin(request, meaning, client),
      onRefusal: (refusal, client, isHead) => this.#refuse(refusal, client, isHead),
      onTurnedAway: (code, address) => this.#turnAway(code, address),
    });
    watch.views = {
      memory,
      tunnels: () => registry.tunnels().map((tunnel) => tunnel.report()),
      connections: () => this.listener.connectionCount,
      waiting: () => waitingRoom.size,
    };
  }

  /** Not ready → agents and WebSockets go elsewhere → the open exchanges end → the links close → gone. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#watch.isReady = false;
    this.#gateway.goAway();
    this.#upgrades.leave('the proxy restarts');
    await this.listener.drain(deadline);
    this.#gateway.close(closeCode.serviceRestart, 'the proxy stops');
    await this.#gateway.whenEmpty(deadline);
  }

  /** SIGHUP: what lies in files may be new. */
  refresh(): void {
    this.#tlsFiles?.refresh();
  }

  #turnAway(code: string, address: string | undefined): void {
    this.#turnedAway.note(code, address);
    this.#watch.connectionRefused(code);
  }

  #begin(request: RequestHead, meaning: RequestMeaning, client: Client): void {
    const { method, target, fields } = request;
    const clientAddress = client.isTrusted
      ? this.#trusted.originOf(client.address, fields.all('x-forwarded-for'))
      : client.address;
    const id = client.isTrusted ? readRequestId(fields.get('x-request-id')) : undefined;
    const record = this.#record({ id, method, target, host: meaning.host, clientAddress });
    const exchange: Exchange = { request, meaning, client, record, admission: undefined };
    if (meaning.framing.kind !== 'none') this.#withBody.set(client, record);
    // A rejection is a mistake of ours, and crashes the process as such.
    if (meaning.path === agentPath) {
      void this.#gateway.handle(exchange).then(() => this.#agentAnswered(record));
      return;
    }
    this.#watch.exchanges.begin(record);
    if (!this.#access.enter(exchange)) {
      this.#over(record);
      return;
    }
    const handle = this.#access.doorOf(meaning.path) ?? this.#forward;
    void handle(exchange).then(() => this.#over(record));
  }

  #refuse(refusal: Refusal, client: Client, isHead: boolean): string {
    const answer = refusalAnswer(refusal);
    const { status, code } = answer;
    // Of a body that is refused, its exchange has a record; a head that is refused was none.
    const running = client.requestIsRead ? undefined : this.#withBody.get(client);
    const known = { id: undefined, method: '', target: '', host: '', clientAddress: client.address };
    const record = running ?? this.#record(known);
    Object.assign(record, { status, code });
    if (running === undefined) this.#over(record);
    const rest = { accept: undefined, isHead, persist: false };
    return writeAnswer(answer, { name: this.#name, requestId: record.id, ...rest });
  }

  /** The one place where the record of a client's exchange becomes a line and numbers. */
  #over(record: ExchangeRecord): void {
    const nowMs = performance.now();
    this.#watch.exchanges.end(record, nowMs);
    this.#backends.note(record);
    this.#access.leave(record);
    this.#accessLog?.(record, nowMs);
  }

  #agentAnswered(record: ExchangeRecord): void {
    this.#watch.agentAnswered(record);
    this.#accessLog?.(record, performance.now());
  }

  #record(known: KnownAtStart): ExchangeRecord {
    this.#exchangeCount += 1;
    return {
      id: known.id ?? `${this.#idPrefix}-${this.#exchangeCount.toString(36)}`,
      method: known.method,
      host: known.host,
      target: known.target,
      clientAddress: known.clientAddress,
      startedAtMs: performance.now(),
      headAtMs: undefined,
      status: undefined,
      code: undefined,
      backendId: undefined,
      tunnelId: undefined,
      agentInstance: undefined,
      requestBytes: 0,
      responseBytes: 0,
      raw: undefined,
      retries: 0,
      abortedBy: undefined,
      place: -1,
    };
  }
}

type KnownAtStart = Pick<ExchangeRecord, 'method' | 'target' | 'host' | 'clientAddress'> & {
  /** As somebody we trust has named it; undefined: it is ours to name. */
  readonly id: string | undefined;
};

/** It stands in logs and in answers: what is longer, or more than a name, is not taken. */
function readRequestId(value: string | undefined): string | undefined {
  return value !== undefined && /^[\w.:+/=@-]{1,128}$/.test(value) ? value : undefined;
}

/** An address that listens everywhere is reached from here by the machine's own name. */
function urlOf(address: AddressInfo, settings: ProxySettings): string {
  const isEverywhere = address.address === '0.0.0.0' || address.address === '::';
  const host = isEverywhere ? 'localhost' : address.address;
  const scheme = settings.tlsCertFile === undefined ? 'http' : 'https';
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${String(address.port)}`;
}
