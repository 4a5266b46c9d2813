/** What the world outside has seen in a run, and what has to be true of it. */
import { equalBytes, parseCheckpoint, parseNote, type Policy, verifyCheckpoint } from '@vitrine/tlog';
import type { Appended, Log } from '../../apps/server/src/log/log.ts';

interface Seen {
  readonly by: string;
  readonly text: string;
}

export class OutsideRecord {
  readonly #policy: Policy;
  /** Every checkpoint that left the writer, was cosigned by an honest witness, or was published; by origin. */
  readonly #seen = new Map<string, Seen[]>();
  /** By log: where each acknowledged entry stands. */
  readonly #acknowledged = new Map<string, Map<string, number>>();
  /** What must not have happened; kept, since whoever reports it here would swallow an error. */
  readonly violations: string[] = [];
  published = 0;
  cosigned = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  acknowledged(log: string): number {
    return this.#acknowledged.get(log)?.size ?? 0;
  }

  acknowledge(log: string, entries: readonly Uint8Array[], appended: readonly Appended[]): void {
    const known = this.#acknowledged.get(log) ?? new Map<string, number>();
    this.#acknowledged.set(log, known);
    for (const [i, { leafIndex }] of appended.entries()) {
      const entry = Buffer.from(entries[i] ?? []).toString('utf8');
      const before = known.get(entry);
      if (before !== undefined && before !== leafIndex)
        this.violations.push(`${log}: ${entry} was acknowledged at ${before} and at ${leafIndex}`);
      known.set(entry, leafIndex);
    }
  }

  /** A checkpoint that somebody other than the writer has. `note`: with or without signatures of others. */
  see(by: string, note: string): void {
    const { text } = parseNote(note);
    const { origin } = parseCheckpoint(text);
    this.#seen.set(origin, [...(this.#seen.get(origin) ?? []), { by, text }]);
  }

  cosign(by: string, note: string): void {
    this.cosigned += 1;
    this.see(`cosigned by ${by}`, note);
  }

  publish(note: string): void {
    this.published += 1;
    this.#timeOf(note);
    this.see('published', note);
  }

  /** Root and keys as they are shown together: whoever cites the first can cite the second no older. */
  publishPair(root: string, keys: string): void {
    const [rootTime, keysTime] = [this.#timeOf(root), this.#timeOf(keys)];
    if (keysTime < rootTime)
      this.violations.push(`T(keys) = ${keysTime} < T(root) = ${rootTime}:\n${keys}\n${root}`);
  }

  /** All of it is of the one history that the log ends with, and nothing acknowledged is missing or stands twice. */
  async check(log: Log): Promise<void> {
    const [violation] = this.violations;
    if (violation !== undefined) throw new Error(violation);
    const places = new Map<string, number>();
    let newest = 0;
    for await (const { bytes, leafIndex, registeredAt } of log.readEntries(0, log.size)) {
      const entry = Buffer.from(bytes).toString('utf8');
      if (places.has(entry)) throw new Error(`${log.name}: ${entry} stands twice`);
      places.set(entry, leafIndex);
      if ((registeredAt ?? 0) < newest) throw new Error(`${log.name}: time goes back at ${leafIndex}`);
      newest = registeredAt ?? 0;
    }
    for (const [entry, leafIndex] of this.#acknowledged.get(log.name) ?? []) {
      if (places.get(entry) !== leafIndex)
        throw new Error(
          `${log.name}: ${entry} was acknowledged at ${leafIndex} and stands at ${String(places.get(entry))}`,
        );
    }
    for (const { by, text } of this.#seen.get(log.origin) ?? []) {
      const { treeSize, root } = parseCheckpoint(text);
      if (treeSize > log.size || !equalBytes(await log.rootAt(treeSize), root))
        throw new Error(`a fork, ${by}; the log has ${log.size} entries:\n${text}`);
    }
  }

  /** The time at which the quorum stands. */
  #timeOf(note: string): number {
    const verdict = verifyCheckpoint(note, this.#policy);
    if (verdict.ok) return verdict.timeSeconds ?? Number.NEGATIVE_INFINITY;
    this.violations.push(`published without a quorum: ${verdict.reason}\n${note}`);
    return Number.NaN;
  }
}
