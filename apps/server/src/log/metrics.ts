/** Counters, gauges and histograms of one log, as a plain snapshot; the HTTP layer turns it into Prometheus text. */
import type { LogState } from './log-state.ts';

/** Cumulative histogram: `counts[i]` observations were ≤ `bounds[i]` seconds; `count` is all of them. */
export type HistogramSnapshot = {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
};

export type LogMetrics = {
  /** Durable entries in the log. */
  readonly size: number;
  readonly publishedSize: number;
  /** Since this process opened the log. */
  readonly entriesAdded: number;
  readonly duplicates: number;
  readonly batches: number;
  /** Groups refused because the queue was full. */
  readonly overloads: number;
  /** Failed commits, by what failed. */
  readonly commitFailures: { readonly diskFull: number; readonly unknownOutcome: number };
  readonly publications: number;
  readonly publicationFailures: number;
  readonly queuedEntries: number;
  readonly queuedBytes: number;
  /** Durable but not yet in tiles on disk. */
  readonly unpublishedBytes: number;
  /** Milliseconds since 1970 of the last publication. */
  readonly lastPublishedAtMs: number;
  readonly state: LogState;
  readonly commitSeconds: HistogramSnapshot;
  readonly publishSeconds: HistogramSnapshot;
  /** From `append` to durable. */
  readonly appendSeconds: HistogramSnapshot;
};

const BOUNDS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Counts durations in seconds. */
class Histogram {
  readonly #counts = new Array<number>(BOUNDS_SECONDS.length).fill(0);
  #sum = 0;
  #count = 0;

  /** Counts `times` observations of one duration. */
  observe(seconds: number, times = 1): void {
    this.#sum += seconds * times;
    this.#count += times;
    const bucket = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
  }

  snapshot(): HistogramSnapshot {
    let running = 0;
    return {
      bounds: BOUNDS_SECONDS,
      counts: this.#counts.map((count) => (running += count)),
      sum: this.#sum,
      count: this.#count,
    };
  }
}

/** What one log counts while it runs. */
export class LogCounters {
  entriesAdded = 0;
  duplicates = 0;
  batches = 0;
  overloads = 0;
  diskFull = 0;
  unknownOutcome = 0;
  publications = 0;
  publicationFailures = 0;
  lastPublishedAtMs = 0;
  readonly commitSeconds = new Histogram();
  readonly publishSeconds = new Histogram();
  readonly appendSeconds = new Histogram();
}
