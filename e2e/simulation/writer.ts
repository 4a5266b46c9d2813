/** The writer: the real engine, store and witness pool on a disk in memory, one life after another. */
import { join } from 'node:path';
import type { Policy } from '@vitrine/tlog';
import type { Log, Logs, LogSpec } from '../../apps/server/src/log/log.ts';
import type { LogStorage } from '../../apps/server/src/log/log-store.ts';
import { silent } from '../../apps/server/src/log/engine-logger.ts';
import { createLogs, openLogs } from '../../apps/server/src/log/open-logs.ts';
import { FileIdentityIndex } from '../../apps/server/src/storage/log-files/file-identity-index.ts';
import { FileLogStore } from '../../apps/server/src/storage/log-files/file-log-store.ts';
import { RunBuilder } from '../../apps/server/src/storage/log-files/run-builder.ts';
import { newKey, REGISTERED } from '../../apps/server/src/storage/log-files/test-instance.ts';
import { WitnessPool } from '../../apps/server/src/witnessing/witness-pool.ts';
import { SkewedClock, type World } from './cosigners.ts';
import type { MemoryDisk } from './memory-disk.ts';
import type { SimulatedNetwork } from './network.ts';
import { pass } from './virtual-time.ts';

/** So that segments end within a run. */
const SEGMENT_BYTES = 3_000;
export const ROOT = 'root';
export const KEYS = 'keys';

export const specs: readonly LogSpec[] = [
  { name: ROOT, origin: 'writer.example/root', entries: REGISTERED, key: newKey(), keepHistory: true },
  { name: KEYS, origin: 'writer.example/keys', entries: REGISTERED, key: newKey() },
];

export interface WriterParts {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly policy: Policy;
  /** Of the real file system: where the index of identities lies. */
  readonly scratch: string;
}

export class Writer {
  readonly clock = new SkewedClock();
  readonly #cosigner = { name: 'writer.example/cosigner', key: newKey() };
  readonly #parts: WriterParts;
  readonly #endings: Promise<unknown>[] = [];
  #lives = 0;
  #life = 0;
  #logs: Logs | null = null;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#logs !== null;
  }

  /** null while it is down. */
  log(name: string): Log | null {
    return this.#logs?.get(name) ?? null;
  }

  async create(disk: MemoryDisk): Promise<void> {
    const storage = this.#storage(disk, () => true);
    await createLogs({ storage, logs: specs, cosigner: this.#cosigner, clock: this.clock });
    await storage.close();
  }

  /** Starts on a disk until it succeeds: that may have faults. */
  async start(disk: MemoryDisk): Promise<void> {
    const { network, policy, world } = this.#parts;
    const life = (this.#life = ++this.#lives);
    const isAlive = (): boolean => this.#life === life;
    while (isAlive()) {
      const storage = this.#storage(disk, isAlive);
      try {
        const logs = await openLogs({
          storage,
          logs: specs,
          cosigner: this.#cosigner,
          others: new WitnessPool({ policy, transport: network.transport(isAlive), clock: this.clock }),
          publishTogether: [{ lead: ROOT, companions: [KEYS] }],
          clock: this.clock,
        });
        if (!isAlive()) {
          this.#endings.push(logs.close());
          return;
        }
        this.#logs = logs;
        logs.get(ROOT).onPublished(({ note, companions }) => {
          if (isAlive()) world.record.publishPair(note, companions[KEYS] ?? '');
        });
        return;
      } catch {
        await storage.close();
        await pass(1_000);
      }
    }
  }

  /** From now on nothing of it reaches the disk or the network. */
  kill(): void {
    this.#life = 0;
    // Its timers end with it.
    this.#endings.push(this.#logs?.close().catch(() => undefined) ?? Promise.resolve());
    this.#logs = null;
  }

  /** As a signal does: commits and publishes what it can. */
  async stop(): Promise<void> {
    const logs = this.#logs;
    this.#logs = null;
    await logs?.close();
    this.#life = 0;
  }

  /** Resolves once nothing of any life is under way. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #storage(disk: MemoryDisk, isAlive: () => boolean): LogStorage {
    const files = disk.mount(isAlive);
    const builder = new RunBuilder();
    const { world, scratch } = this.#parts;
    const store = (name: string): FileLogStore =>
      new FileLogStore(
        files,
        { publicFolder: `/data/logs/${name}`, stateFolder: `/data/log-state/${name}` },
        SEGMENT_BYTES,
      );
    return {
      create: (name) => store(name).create(),
      store,
      identities: (name) =>
        world.time.outside(() =>
          FileIdentityIndex.open({
            folder: join(scratch, name),
            runEntries: 2 ** 16,
            builder,
            logger: silent,
          }),
        ),
      close: () => builder.close(),
    };
  }
}
