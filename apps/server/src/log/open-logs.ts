/** Creates and opens the logs of an instance; wires sequencing, publication and anchoring to a storage. */
import { EMPTY_ROOT } from '@vitrine/tlog';
import { Cosigner, LogSigner } from './checkpoint-signing.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Cosigners } from './cosigners.ts';
import type { Ed25519Key } from './ed25519-key.ts';
import { type EngineLogger, silent } from './engine-logger.ts';
import { DEFAULT_LIMITS, type LogLimits } from './limits.ts';
import type { Head, Log, Logs, LogSpec } from './log.ts';
import { LogError } from './log-error.ts';
import type { LogStorage } from './log-store.ts';
import { OpenLog } from './open-log.ts';
import { Publication } from './publication.ts';

export type LogsOptions = {
  /** From `openLogFolder` (storage/log-files). `close()` of the logs closes it. */
  readonly storage: LogStorage;
  readonly logs: readonly LogSpec[];
  /** The instance's own cosigner: signs 0x04 on every checkpoint. Its name differs from every log's. */
  readonly cosigner: { readonly name: string; readonly key: Ed25519Key };
  /** Others who cosign; none unless given. */
  readonly others?: Cosigners;
  /**
   * Logs published as one: when `lead` publishes with a cosignature dated T, each of `companions` gets a
   * cosignature dated T or later and is published first; their notes are in the lead's `companions` and
   * history. Evidence cites lead and companion from here.
   */
  readonly publishTogether?: readonly { readonly lead: string; readonly companions: readonly string[] }[];
  /**
   * Anchors heads in the root log. `append` resolves once the `head` entry is durable there; it is called
   * again (with the newest head) after it rejects, and once for each non-empty log at start, so it must be
   * idempotent, as appending a statement is. Never called twice at once for one log.
   */
  readonly anchor?: { readonly rootLog: string; readonly append: (head: Head, logs: Logs) => Promise<void> };
  /** Whether the log with this origin is known to have signed two histories: then it signs and takes nothing. */
  readonly isFrozen?: (origin: string) => boolean;
  /** Why the log with this origin has ended, in words; null while it goes on. */
  readonly whyClosed?: (origin: string) => string | null;
  readonly limits?: Partial<LogLimits>;
  readonly clock?: Clock;
  readonly logger?: EngineLogger;
};

/**
 * Makes empty logs and publishes their checkpoints of size 0. The storage stays open.
 * @throws LogError `log-exists`
 * @throws TypeError if a name is malformed
 */
export async function createLogs(
  options: Pick<LogsOptions, 'storage' | 'logs' | 'cosigner' | 'clock'>,
): Promise<void> {
  const { storage, logs, clock = systemClock } = options;
  checkSpecs(options);
  const cosigner = new Cosigner(options.cosigner.name, options.cosigner.key);
  for (const { name, origin, key } of logs) {
    await storage.create(name);
    const store = storage.store(name);
    await store.open();
    const { note } = new LogSigner(origin, key).sign(0, EMPTY_ROOT);
    await store.publish(cosigner.cosign(note, Math.floor(clock.nowMs() / 1000)), 0, null);
    await store.close();
  }
}

/**
 * Opens logs that `createLogs` made: recovers what was durable, checks it against the checkpoints signed for it,
 * and publishes it. If it throws, the storage is left to the caller.
 * @throws LogError `log-missing`, `corrupt` (naming file and offset), `wrong-key`
 * @throws TypeError if the options contradict themselves
 */
export async function openLogs(options: LogsOptions): Promise<Logs> {
  checkSpecs(options);
  const logs = new OpenedLogs(options);
  await logs.open();
  return logs;
}

class OpenedLogs implements Logs {
  readonly #options: LogsOptions;
  readonly #limits: LogLimits;
  readonly #logger: EngineLogger;
  readonly #cosigner: Cosigner;
  readonly #logs = new Map<string, OpenLog>();
  readonly #publications: Publication[] = [];
  #closing: Promise<void> | null = null;

  constructor(options: LogsOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = options.logger ?? silent;
    this.#cosigner = new Cosigner(options.cosigner.name, options.cosigner.key);
  }

  get names(): readonly string[] {
    return [...this.#logs.keys()];
  }

  get(name: string): Log {
    return this.#open(name);
  }

  async open(): Promise<void> {
    const { storage, clock = systemClock, logs, anchor } = this.#options;
    try {
      for (const spec of logs) {
        const anchored = anchor !== undefined && anchor.rootLog !== spec.name;
        const log = await OpenLog.open({
          spec,
          storage,
          clock,
          cosigner: this.#cosigner,
          others: this.#options.others ?? null,
          isFrozen: this.#options.isFrozen ?? (() => false),
          whyClosed: this.#options.whyClosed ?? (() => null),
          limits: this.#limits,
          logger: this.#logger,
          anchor: anchored ? (head) => anchor.append(head, this) : null,
        });
        this.#logs.set(spec.name, log);
        this.#logger.info({ log: spec.name, size: log.size }, 'log opened');
      }
      for (const group of this.#groups()) await this.#publishFirst(group);
    } catch (error) {
      await this.#closeLogs();
      throw error;
    }
    for (const log of this.#logs.values()) log.anchorPublished();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#closeLogs();
    await this.#options.storage.close();
  }

  async #closeLogs(): Promise<void> {
    const root = this.#options.anchor?.rootLog;
    const others = [...this.#logs.values()].filter((log) => log.name !== root);
    await Promise.all(others.map((log) => log.closeWriter()));
    // The root log stays open until the heads on their way have arrived.
    await Promise.all(others.map((log) => log.closeAnchoring()));
    if (root !== undefined) await this.#logs.get(root)?.closeWriter();
    await Promise.all(this.#publications.map((publication) => publication.close()));
    await Promise.all([...this.#logs.values()].map((log) => log.closeStore()));
  }

  #open(name: string): OpenLog {
    const log = this.#logs.get(name);
    if (log === undefined) throw new LogError('log-missing', `there is no log named ${JSON.stringify(name)}`);
    return log;
  }

  #groups(): { readonly lead: string; readonly companions: readonly string[] }[] {
    const groups = this.#options.publishTogether ?? [];
    const grouped = new Set(groups.flatMap(({ lead, companions }) => [lead, ...companions]));
    const alone = this.names.filter((name) => !grouped.has(name));
    return [...groups, ...alone.map((lead) => ({ lead, companions: [] }))];
  }

  async #publishFirst(group: {
    readonly lead: string;
    readonly companions: readonly string[];
  }): Promise<void> {
    const { clock = systemClock } = this.#options;
    const members = [...group.companions, group.lead].map((name) => this.#open(name));
    const publication = new Publication({
      lead: this.#open(group.lead).publishable,
      companions: group.companions.map((name) => this.#open(name).publishable),
      cosigner: this.#cosigner,
      others: this.#options.others ?? null,
      clock,
      intervalMs: this.#limits.publishIntervalMs,
      logger: this.#logger,
    });
    this.#publications.push(publication);
    for (const log of members) log.publishWith(publication);
    try {
      await publication.publishNow();
    } catch (error) {
      // A full disk or a wrong clock must not keep readers from what is published already.
      if (members.some(({ publishable }) => publishable.publishedSize() === null)) throw error;
      publication.schedule();
    }
  }
}

function checkSpecs({
  logs,
  cosigner,
  publishTogether = [],
  anchor,
}: Pick<LogsOptions, 'logs' | 'cosigner' | 'publishTogether' | 'anchor'>): void {
  const names = new Set(logs.map(({ name }) => name));
  for (const { name } of logs) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name))
      throw new TypeError(`${JSON.stringify(name)} is not a log name`);
  }
  if (names.size !== logs.length) throw new TypeError('two logs have the same name');
  if (new Set(logs.map(({ origin }) => origin)).size !== logs.length) {
    throw new TypeError('two logs have the same origin');
  }
  for (const { name, key } of logs) {
    // c2sp.org/tlog-cosignature: what a key signs as a log and as a cosigner must not be confused.
    if (Buffer.from(key.publicKey).equals(cosigner.key.publicKey)) {
      throw new TypeError(`the log ${name} and the cosigner share a key`);
    }
  }
  const grouped = publishTogether.flatMap(({ lead, companions }) => [lead, ...companions]);
  if (new Set(grouped).size !== grouped.length) throw new TypeError('a log is in two publications');
  for (const name of [...grouped, ...(anchor === undefined ? [] : [anchor.rootLog])]) {
    if (!names.has(name)) throw new TypeError(`${JSON.stringify(name)} is not among the logs`);
  }
}
