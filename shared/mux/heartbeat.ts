/**
 * Whether the peer lives, and how far away it is. Any inbound byte is life; after a while of silence a ping asks for one, and its
 * answer measures the round trip. It holds the session's only notion of now: the time it was last told.
 */

/** A round trip older than this is measured again, if anybody wants it: paths change. */
const roundTripValidMs = 10_000;
/** A path that has become longer is believed by and by: it is measured every 10 s at most, so tenfold takes 20 minutes. */
const pathDrift = 1.02;

export class Heartbeat {
  readonly #pingAfterMs: number;
  readonly #deadAfterMs: number;
  readonly #random: () => number;
  #nowMs: number;
  #heardMs: number;
  /** Silence after which the next ping goes: jittered, so that a thousand links do not ping in step. */
  #patienceMs: number;
  #hasPingedThisSilence = false;
  #isPingDue = false;
  #pingValue = 0;
  /** Of the ping under way. */
  #pingSentMs: number | undefined = undefined;
  #rttMs: number | undefined = undefined;
  #rttMeasuredMs = 0;
  #pathMs: number | undefined = undefined;
  #isRoundTripWanted = false;
  /** Of the ping that was asked for, until it or a later one has been answered. */
  #askedValue: number | undefined = undefined;

  constructor(pingAfterMs: number, deadAfterMs: number, random: () => number, nowMs: number) {
    this.#pingAfterMs = pingAfterMs;
    this.#deadAfterMs = deadAfterMs;
    this.#random = random;
    this.#nowMs = nowMs;
    this.#heardMs = nowMs;
    this.#patienceMs = this.#jitter();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** When the last bytes came. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /**
   * The round trip of the path itself: the least that was measured. What is measured while the line is busy is the time in
   * its queues as well, and windows that grew with that would make the queues longer still.
   */
  get pathMs(): number | undefined {
    return this.#pathMs;
  }

  get isPingDue(): boolean {
    return this.#isPingDue;
  }

  get nextDeadlineMs(): number {
    return (
      this.#heardMs +
      (this.#hasPingedThisSilence ? this.#deadAfterMs : Math.min(this.#patienceMs, this.#deadAfterMs))
    );
  }

  /** Bytes came. */
  heard(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#heardMs = nowMs;
    if (!this.#hasPingedThisSilence) return;
    this.#hasPingedThisSilence = false;
    this.#patienceMs = this.#jitter();
  }

  wantRoundTrip(): void {
    this.#isRoundTripWanted = true;
  }

  /** A ping is due, whatever is known: what was said before it has been heard when its answer is here. */
  ask(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#isPingDue = true;
    this.#askedValue = (this.#pingValue + 1) >>> 0;
  }

  /** Whether the answer to the last `ask` is still to come. */
  get isAnswerAwaited(): boolean {
    return this.#askedValue !== undefined;
  }

  /** A ping is due if somebody wants the round trip and it is unknown or old. Called only when the time is fresh: it starts the clock. */
  measure(): void {
    if (!this.#isRoundTripWanted) return;
    this.#isRoundTripWanted = false;
    if (this.#isPingDue || this.#isYoung(this.#pingSentMs)) return;
    if (this.#rttMs !== undefined && this.#isYoung(this.#rttMeasuredMs)) return;
    this.#isPingDue = true;
  }

  tick(nowMs: number): 'alive' | 'dead' {
    this.#nowMs = nowMs;
    const silenceMs = nowMs - this.#heardMs;
    if (silenceMs >= this.#deadAfterMs) return 'dead';
    if (silenceMs >= this.#patienceMs && !this.#hasPingedThisSilence) {
      this.#hasPingedThisSilence = true;
      this.#isPingDue = true;
    }
    return 'alive';
  }

  /** The ping leaves: returns its value. Only the latest ping counts. */
  takePing(): number {
    this.#isPingDue = false;
    this.#pingSentMs = this.#nowMs;
    this.#pingValue = (this.#pingValue + 1) >>> 0;
    return this.#pingValue;
  }

  /** A ping's ACK. One that nobody waits for is ignored: it harms nobody. */
  acceptAck(value: number): void {
    if (this.#askedValue !== undefined && ((value - this.#askedValue) | 0) >= 0) this.#askedValue = undefined;
    if (this.#pingSentMs === undefined || value !== this.#pingValue) return;
    const rttMs = this.#nowMs - this.#pingSentMs;
    this.#rttMs = rttMs;
    this.#pathMs = Math.min(rttMs, (this.#pathMs ?? rttMs) * pathDrift);
    this.#rttMeasuredMs = this.#nowMs;
    this.#pingSentMs = undefined;
  }

  #isYoung(timeMs: number | undefined): boolean {
    return timeMs !== undefined && this.#nowMs - timeMs < roundTripValidMs;
  }

  #jitter(): number {
    return this.#pingAfterMs * (0.9 + 0.2 * this.#random());
  }
}
