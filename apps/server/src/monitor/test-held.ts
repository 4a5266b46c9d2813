/** For tests: a log in memory, with a real tree and a real key, as a centre holds it. */
import type { Entry } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { TestLog } from '../witnessing/test-log.ts';
import type { HeldLog } from './held-log.ts';

/** Nothing is published before `publish`. */
export class Held implements HeldLog {
  readonly log: TestLog;
  #size: number | null = null;

  constructor(log: TestLog) {
    this.log = log;
  }

  get name(): string {
    return this.log.origin.slice(this.log.origin.lastIndexOf('/') + 1);
  }

  get origin(): string {
    return this.log.origin;
  }

  get vkey(): string {
    return this.log.vkey;
  }

  get published(): HeldLog['published'] {
    if (this.#size === null) throw new LogError('out-of-range', 'nothing is published yet');
    const size = this.#size;
    return { size, root: this.log.root(size), note: this.log.note(size), cosignedAt: 0, companions: {} };
  }

  publish(size = this.log.size): this {
    this.#size = size;
    return this;
  }

  rootAt(size: number): Promise<Uint8Array> {
    return Promise.resolve(this.log.root(size));
  }

  async consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return [...(await this.log.proof(from, to))];
  }

  /** Every entry was registered a minute after the one before it. */
  readEntry(leafIndex: number): Promise<Entry> {
    const leaf = new Uint8Array();
    return Promise.resolve({ leafIndex, leaf, registeredAt: leafIndex * 60_000, bytes: leaf });
  }

  async *readEntries(): AsyncGenerator<Entry> {
    for (let at = 0; at < this.published.size; at++) yield await this.readEntry(at);
  }
}
