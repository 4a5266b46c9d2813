/** What callers can have happen: a watch begins, is challenged, is looked at, ends. */
import { randomBytes } from 'node:crypto';
import type { NewWatch, Watch, Watched } from '@vitrine/api';
import * as v from 'valibot';
import type { WatchesConfig } from '../config.ts';
import { CentreError } from '../error.ts';
import type { EngineLogger } from '../log/engine-logger.ts';
import { rowOf, watchedOf } from './news.ts';
import { formatChallenge, newMessageId, type Teller } from './notification.ts';
import { callerOf, mayAskAgain, watchOf } from './policy.ts';
import { type Answer, type Post, PostingError } from './posting.ts';
import { HourlyQuota } from './quota.ts';
import { parseReceiverUrl } from './receiver-url.ts';
import type { WatchRegister, WatchRow } from './register.ts';
import { newSecret, signWebhook } from './signature.ts';

/** So long there is to answer a challenge; then the watch is forgotten. */
const UNCONFIRMED_LIFE_MS = 3_600_000;
/** Challenges under way in the whole centre. */
const CHALLENGES_AT_ONCE = 16;
const TRY_AGAIN_MS = 5_000;

/** The challenge alone: what only sends back whatever comes has agreed to nothing. */
const AnswerSchema = v.strictObject({ challenge: v.string() });

export interface Caller {
  /** Network address. */
  readonly from: string;
}

export interface Presented extends Caller {
  readonly id: string;
  readonly secret: string | undefined;
}

export interface WatchCommandsOptions {
  readonly config: WatchesConfig;
  readonly register: WatchRegister;
  readonly teller: Teller;
  readonly post: Post;
  readonly positionNow: (watched: Watched) => Promise<number>;
  /** A watch has become active. */
  readonly onActive: () => void;
  readonly nowMs: () => number;
  readonly logger: EngineLogger;
}

export class WatchCommands {
  readonly #options: WatchCommandsOptions;
  readonly #callers: HourlyQuota;
  readonly #hosts: HourlyQuota;
  readonly #ending = new AbortController();
  readonly #challenges = new Map<string, Promise<WatchRow>>();

  constructor(options: WatchCommandsOptions) {
    const { config, nowMs } = options;
    this.#options = options;
    this.#callers = new HourlyQuota(config.perCallerHourly, nowMs);
    // A host is nobody's to be asked at the whim of many callers either.
    this.#hosts = new HourlyQuota(config.perCallerHourly, nowMs);
  }

  /**
   * Begins a watch. Its address is challenged as soon as this has been answered.
   *
   * @throws CentreError `watches-closed`, `watch-url-refused`, `too-many-watches`
   */
  async add(
    { url, watch: watched }: { readonly url: string; readonly watch: Watched },
    { from }: Caller,
  ): Promise<NewWatch> {
    const { config, logger, nowMs, positionNow, register } = this.#options;
    this.#requireOpen();
    const { host, href } = parseReceiverUrl(url, config.allowPrivateAddresses);
    this.#mayChallenge(from, host);
    const position = await positionNow(watched);
    // Counted and added in one go: of two that come together only one is the last.
    this.#requireRoom(host);
    const now = nowMs();
    const watch: WatchRow = {
      id: randomBytes(16).toString('hex'),
      secret: newSecret(),
      url: href,
      host,
      ...rowOf(watched),
      state: 'unconfirmed',
      created_at: now,
      expires_at: now + UNCONFIRMED_LIFE_MS,
      position,
      delivery: null,
      delivered_at: null,
      delivered_entries: null,
      attempts: 0,
      failing_since: null,
      failed_at: null,
      failure: null,
      next_attempt_at: 0,
    };
    await register.add(watch);
    await this.#forgetEnded();
    logger.info({ watch: watch.id, host }, 'a watch was asked for');
    setImmediate(() => {
      this.#challenge(watch.id).catch((err: unknown) =>
        logger.error({ watch: watch.id, err }, 'a receiver could not be challenged'),
      );
    });
    return { id: watch.id, secret: watch.secret, state: 'unconfirmed', expiresAt: now + UNCONFIRMED_LIFE_MS };
  }

  /** @throws CentreError `watch-unknown` */
  show({ id, secret }: Presented): Watch {
    return shown(watchOf(this.#options.register, id, secret));
  }

  /** Challenges the address. @returns how the watch stands then @throws CentreError `watch-unknown`, `too-many-watches`, `watches-closed` */
  async confirm({ from, id, secret }: Presented): Promise<Watch> {
    const { host, state } = watchOf(this.#options.register, id, secret);
    this.#requireOpen();
    if (state === 'ended')
      throw new CentreError('watch-unknown', 'The receiver has ended this watch (410). Ask for a new one.');
    this.#mayChallenge(from, host);
    return shown(await this.#challenge(id));
  }

  /** @throws CentreError `watch-unknown` */
  async remove({ id, secret }: Presented): Promise<void> {
    const { logger, register } = this.#options;
    const { host } = watchOf(register, id, secret);
    await register.remove(id);
    logger.info({ watch: id, host }, 'a watch was removed');
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error('the centre is closing'));
    await Promise.allSettled(this.#challenges.values());
  }

  #requireOpen(): void {
    if (!this.#options.config.enabled)
      throw new CentreError(
        'watches-closed',
        'Its operator has closed it for them. Follow the feeds, or ask another centre: all show the same.',
      );
  }

  #mayChallenge(from: string, host: string): void {
    if (this.#challenges.size >= CHALLENGES_AT_ONCE)
      throw new CentreError('too-many-watches', 'Many receivers are being challenged just now.', {
        retryAfterMs: TRY_AGAIN_MS,
      });
    mayAskAgain(this.#callers, callerOf(from), 'This caller has asked');
    mayAskAgain(this.#hosts, host, 'This host was named');
  }

  /** @throws CentreError `too-many-watches` */
  #requireRoom(host: string): void {
    const { most, mostPerHost } = this.#options.config;
    const { register } = this.#options;
    const kept = register.all.filter(({ state }) => state !== 'ended');
    if (kept.length >= most)
      throw new CentreError(
        'too-many-watches',
        `This centre keeps ${most} watches. Follow the feeds, or ask another centre.`,
      );
    if (kept.filter((watch) => watch.host === host).length >= mostPerHost)
      throw new CentreError(
        'too-many-watches',
        `There are ${mostPerHost} watches of ${host}, which is the most of one host.`,
      );
  }

  /** Those that have ended take nobody's place: the oldest makes room. */
  async #forgetEnded(): Promise<void> {
    const { config, register } = this.#options;
    const ended = register.all
      .filter(({ state }) => state === 'ended')
      .sort((left, right) => (left.expires_at ?? 0) - (right.expires_at ?? 0));
    const over = register.all.length - config.most;
    for (const { id } of ended.slice(0, Math.max(0, over))) await register.remove(id);
  }

  /** One at a time: who asks while one is under way is given its outcome. */
  #challenge(id: string): Promise<WatchRow> {
    const known = this.#challenges.get(id);
    if (known !== undefined) return known;
    const challenge = this.#challengeNow(id).finally(() => this.#challenges.delete(id));
    this.#challenges.set(id, challenge);
    return challenge;
  }

  async #challengeNow(id: string): Promise<WatchRow> {
    const { logger, nowMs, onActive, register } = this.#options;
    const watch = this.#known(id);
    const failure = await this.#askReceiver(watch);
    const { state } = this.#known(id);
    const now = nowMs();
    if (failure === undefined) {
      await register.change(id, {
        ...(state === 'ended' ? {} : { state: 'active', expires_at: null }),
        attempts: 0,
        failing_since: null,
        failed_at: null,
        failure: null,
        next_attempt_at: 0,
      });
      if (state !== 'active') logger.info({ watch: id, host: watch.host }, 'a watch was confirmed');
      onActive();
    } else if (state !== 'active') {
      await register.change(id, { failure, failed_at: now, failing_since: watch.failing_since ?? now });
    }
    return this.#known(id);
  }

  /** @returns why the challenge was not answered; undefined when it was */
  async #askReceiver(watch: WatchRow): Promise<string | undefined> {
    const { nowMs, post, teller } = this.#options;
    const now = nowMs();
    const challenge = randomBytes(32).toString('base64url');
    const body = formatChallenge(
      { teller, watch: { id: watch.id, watched: watchedOf(watch) } },
      challenge,
      now,
    );
    const headers = { ...signWebhook(watch.secret, newMessageId(), Math.floor(now / 1000), body) };
    let answer: Answer;
    try {
      answer = await post({ url: watch.url, headers, body, wantsAnswer: true }, this.#ending.signal);
    } catch (error) {
      if (error instanceof PostingError) return `the challenge: ${error.message}`;
      throw error;
    }
    if (answer.status !== 200) return `the challenge: it answered ${answer.status}, not 200`;
    return isAnswerTo(challenge, answer.body) ? undefined : 'the challenge: the answer is not the challenge';
  }

  #known(id: string): WatchRow {
    const watch = this.#options.register.get(id);
    if (watch === undefined) throw new CentreError('watch-unknown', 'The watch has been removed meanwhile.');
    return watch;
  }
}

/** As text, or as JSON with nothing else in it. */
function isAnswerTo(challenge: string, body: Uint8Array): boolean {
  const text = new TextDecoder().decode(body).trim();
  if (text === challenge) return true;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return false;
  }
  const parsed = v.safeParse(AnswerSchema, json);
  return json === challenge || (parsed.success && parsed.output.challenge === challenge);
}

function shown(watch: WatchRow): Watch {
  const { delivered_at: deliveredAt, delivery, failed_at: failedAt, failure, state } = watch;
  return {
    id: watch.id,
    url: watch.url,
    watch: watchedOf(watch),
    state,
    createdAt: watch.created_at,
    expiresAt: watch.expires_at,
    lastDelivery:
      delivery === null || deliveredAt === null
        ? null
        : { id: delivery, at: deliveredAt, entries: watch.delivered_entries ?? 0 },
    failure:
      failure === null || failedAt === null
        ? null
        : {
            reason: failure,
            at: failedAt,
            attempts: watch.attempts,
            since: watch.failing_since ?? failedAt,
            nextAttemptAt: state === 'active' ? watch.next_attempt_at : null,
          },
  };
}
