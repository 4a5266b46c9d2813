/**
 * Tells receivers what is new: of one watch after the other in order and one at a time, of several watches at once. Nothing waits for it: it
 * is woken, reads what is shown already, and whatever goes wrong is tried again later.
 *
 * A delivery is durable before it is sent, and the position of the watch moves once it was taken. Killed in between, the centre sends the
 * same bytes under the same ID again.
 */
import type { EngineLogger } from '../log/engine-logger.ts';
import type { News } from './news.ts';
import { newMessageId } from './notification.ts';
import { type Answer, type Post, PostingError } from './posting.ts';
import type { DeliveryRow, WatchRegister, WatchRow } from './register.ts';
import { GIVE_UP_AFTER_MS, LONGEST_PAUSE_MS, pauseMsAfter } from './schedule.ts';
import { signWebhook } from './signature.ts';

/** Requests under way to receivers that answer promptly, and to those that do not: who is slow waits for the slow only. */
const AT_ONCE = { prompt: 16, slow: 8 } as const;
/** Who needed longer for the last answer, or gave none, is slow. */
const PROMPT_WITHIN_MS = 2_000;
/** Rounds follow each other after this time at the earliest. */
const BETWEEN_ROUNDS_MS = 100;
/** Also when nothing wakes it: clocks are set, and reads fail. */
const ROUND_EVERY_MS = 10_000;
/** After the disk or a read failed, a watch is left alone for so long. */
const PAUSE_AFTER_FAULT_MS = 15_000;
/** Watches that are looked at between two turns of the event loop. */
const AT_A_STRETCH = 16;
/** A clock that jumps suspends nobody who has not been tried this often. */
const LEAST_ATTEMPTS = 8;

const SUSPENDED_LIFE_MS = 30 * 24 * 3_600_000;
const ENDED_LIFE_MS = 7 * 24 * 3_600_000;

type Lane = keyof typeof AT_ONCE;

export interface CourierOptions {
  readonly register: WatchRegister;
  /** What a watch is to be told next. */
  readonly news: (watch: WatchRow) => Promise<News | undefined>;
  readonly post: Post;
  readonly nowMs: () => number;
  /** Never goes back, milliseconds. */
  readonly monotonicMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly logger: EngineLogger;
}

export interface CourierMetrics {
  /** Taken since the start. */
  readonly deliveries: number;
  /** Entries in these. */
  readonly entries: number;
  /** Attempts that failed since the start. */
  readonly failures: number;
  readonly underWay: number;
}

/** What is known of a watch in this process only. */
interface Standing {
  isSlow: boolean;
  /** When it was served last, so that none is always behind the others; monotonic. */
  servedAtMs: number;
  /** Left alone until then; monotonic. */
  faultyUntilMs: number;
  /** In which generation there was nothing for it. */
  nothingIn: number;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #ending = new AbortController();
  readonly #standings = new Map<string, Standing>();
  /** By watch. */
  readonly #underWay = new Map<string, { readonly lane: Lane; readonly done: Promise<void> }>();
  readonly #counts = { deliveries: 0, entries: 0, failures: 0 };
  /** Raised whenever there may be something new. */
  #generation = 0;
  #lookedAtMs = 0;
  #isRung = false;
  #ring: (() => void) | undefined;
  readonly #running: Promise<void>;

  /** Begins at once. */
  constructor(options: CourierOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get metrics(): CourierMetrics {
    return { ...this.#counts, underWay: this.#underWay.size };
  }

  /** There may be something new to tell. Returns at once. */
  wake(): void {
    this.#lookAnew();
    this.#callRound();
  }

  /** Ends requests under way; they are made again after the next start. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the centre is closing'));
    this.#ring?.();
    await this.#running;
    await Promise.all([...this.#underWay.values()].map(({ done }) => done));
    await this.#options.register.settled();
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #lookAnew(): void {
    this.#generation += 1;
    this.#lookedAtMs = this.#options.monotonicMs();
  }

  #callRound(): void {
    this.#isRung = true;
    this.#ring?.();
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      this.#isRung = false;
      try {
        await this.#goRound();
      } catch (error) {
        this.#options.logger.error({ err: error }, 'the watches were not gone through; it is tried again');
      }
      await this.#pause(BETWEEN_ROUNDS_MS, false);
      await this.#pause(Math.min(this.#untilNextDueMs(), ROUND_EVERY_MS), true);
      if (this.#options.monotonicMs() - this.#lookedAtMs >= ROUND_EVERY_MS) this.#lookAnew();
    }
  }

  #pause(ms: number, mayBeRung: boolean): Promise<void> {
    if (this.#isEnding || ms <= 0 || (mayBeRung && this.#isRung)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        if (!mayBeRung && !this.#isEnding) return;
        clearTimeout(timer);
        this.#ring = undefined;
        resolve();
      };
      const timer = setTimeout(() => {
        this.#ring = undefined;
        resolve();
      }, ms);
      this.#ring = end;
    });
  }

  async #goRound(): Promise<void> {
    const { register } = this.#options;
    await this.#forgetExpired();
    const due = register.all
      .filter((watch) => this.#isDue(watch))
      .sort((left, right) => this.#standing(left.id).servedAtMs - this.#standing(right.id).servedAtMs);
    for (const [at, watch] of due.entries()) {
      if (this.#isEnding) return;
      if (at % AT_A_STRETCH === 0) await new Promise((resolve) => setImmediate(resolve));
      const standing = this.#standing(watch.id);
      const lane = standing.isSlow ? 'slow' : 'prompt';
      // When one of these ends, another round begins.
      if (this.#inLane(lane) >= AT_ONCE[lane]) continue;
      const known = register.deliveryOf(watch.id);
      const generation = this.#generation;
      if (known === undefined && standing.nothingIn === generation) continue;
      const news = known ?? (await this.#newsFor(watch));
      if (news === undefined) standing.nothingIn = generation;
      else this.#serve(watch, lane, news);
    }
  }

  async #newsFor(watch: WatchRow): Promise<News | undefined> {
    try {
      return await this.#options.news(watch);
    } catch (error) {
      this.#leaveAlone(watch, error);
      return undefined;
    }
  }

  #serve(watch: WatchRow, lane: Lane, news: News | DeliveryRow): void {
    const done = this.#deliver(watch, news)
      .catch((error: unknown) => this.#leaveAlone(watch, error))
      .finally(() => {
        this.#underWay.delete(watch.id);
        this.#callRound();
      });
    this.#underWay.set(watch.id, { lane, done });
  }

  async #deliver(watch: WatchRow, news: News | DeliveryRow): Promise<void> {
    const { monotonicMs, nowMs, post, register } = this.#options;
    const delivery = 'id' in news ? news : await this.#begin(watch, news);
    const standing = this.#standing(watch.id);
    const beganMs = monotonicMs();
    standing.servedAtMs = beganMs;
    const { body, id } = delivery;
    const headers = { ...signWebhook(watch.secret, id, Math.floor(nowMs() / 1000), body) };
    let answer: Answer | PostingError;
    try {
      answer = await post({ url: watch.url, headers, body, wantsAnswer: false }, this.#ending.signal);
    } catch (error) {
      if (this.#isEnding) return;
      if (!(error instanceof PostingError)) throw error;
      answer = error;
    }
    const isTaken = 'status' in answer && answer.status >= 200 && answer.status <= 299;
    standing.isSlow = !isTaken || monotonicMs() - beganMs > PROMPT_WITHIN_MS;
    if (isTaken) {
      await register.taken(delivery, nowMs());
      this.#counts.deliveries += 1;
      this.#counts.entries += delivery.entries;
      standing.nothingIn = -1;
      return;
    }
    this.#counts.failures += 1;
    await this.#failed(watch, answer);
  }

  async #begin(watch: WatchRow, { body, entries, nextPosition }: News): Promise<DeliveryRow> {
    const { nowMs, register } = this.#options;
    const delivery = {
      watch: watch.id,
      id: newMessageId(),
      body,
      entries,
      next_position: nextPosition,
      made_at: nowMs(),
    };
    await register.begin(delivery);
    return delivery;
  }

  async #failed({ host, id }: WatchRow, answer: Answer | PostingError): Promise<void> {
    const { logger, nowMs, random, register } = this.#options;
    const now = nowMs();
    // As it is now: it may have been confirmed anew meanwhile.
    const watch = register.get(id);
    if (watch?.state !== 'active') return;
    if ('status' in answer && answer.status === 410) {
      await register.end(id, now, now + ENDED_LIFE_MS);
      logger.info({ watch: id, host }, 'a receiver wants to be told no more (410): the watch has ended');
      return;
    }
    const failure = 'status' in answer ? `it answered ${answer.status}` : answer.message;
    const attempts = watch.attempts + 1;
    const since = watch.failing_since ?? now;
    const isGivenUp = attempts >= LEAST_ATTEMPTS && now - since >= GIVE_UP_AFTER_MS;
    const retryAfterS = 'status' in answer ? answer.retryAfterS : undefined;
    await register.change(id, {
      attempts,
      failing_since: since,
      failed_at: now,
      failure,
      next_attempt_at: now + pauseMsAfter(attempts, retryAfterS, random()),
      ...(isGivenUp ? { state: 'suspended' as const, expires_at: now + SUSPENDED_LIFE_MS } : {}),
    });
    if (attempts === 1) logger.warn({ watch: id, host, failure }, 'a receiver did not take a delivery');
    if (isGivenUp) logger.warn({ watch: id, host, attempts, failure }, 'a watch is suspended');
  }

  /** Forgets what nobody confirmed, let go on, or wanted any more. */
  async #forgetExpired(): Promise<void> {
    const { nowMs, register } = this.#options;
    const now = nowMs();
    const expired = register.all.filter(({ expires_at: at }) => at !== null && at <= now);
    await Promise.all(expired.map(({ id }) => register.remove(id)));
    for (const id of this.#standings.keys()) if (register.get(id) === undefined) this.#standings.delete(id);
  }

  #leaveAlone({ id }: WatchRow, error: unknown): void {
    if (this.#isEnding) return;
    this.#standing(id).faultyUntilMs = this.#options.monotonicMs() + PAUSE_AFTER_FAULT_MS;
    this.#options.logger.error({ watch: id, err: error }, 'a watch could not be served; it is tried again');
  }

  #isDue({ id, next_attempt_at: nextMs, state }: WatchRow): boolean {
    if (state !== 'active' || this.#underWay.has(id)) return false;
    if (this.#standing(id).faultyUntilMs > this.#options.monotonicMs()) return false;
    const inMs = nextMs - this.#options.nowMs();
    // Nothing is put off for longer: the clock has been set back.
    return inMs <= 0 || inMs > LONGEST_PAUSE_MS;
  }

  #untilNextDueMs(): number {
    const now = this.#options.nowMs();
    const waits = this.#options.register.all
      .filter(({ id, state }) => state === 'active' && !this.#underWay.has(id))
      .map(({ next_attempt_at: at }) => at - now)
      .filter((ms) => ms > 0);
    return Math.min(Infinity, ...waits);
  }

  #inLane(lane: Lane): number {
    return [...this.#underWay.values()].filter((one) => one.lane === lane).length;
  }

  #standing(id: string): Standing {
    const known = this.#standings.get(id);
    if (known !== undefined) return known;
    const standing = { isSlow: false, servedAtMs: 0, faultyUntilMs: -Infinity, nothingIn: -1 };
    this.#standings.set(id, standing);
    return standing;
  }
}
