// What a check found.

/** One thing that is wrong with a log. */
export interface Problem {
  /** The resource, relative to the log's prefix: `checkpoint`, `tile/…`, `tile/entries/…`. */
  readonly path: string;
  readonly reason: string;
}

export interface LogReport {
  /** Whether everything that the checkpoint covers is there and hashes to the root that the log signed. */
  readonly ok: boolean;
  /** The origin that was asked for: the name of the vkey. */
  readonly origin: string;
  /** The checkpoint's tree size; null if the checkpoint is not the log's. */
  readonly size: number | null;
  /** The checkpoint's root in Base 64; null if the checkpoint is not the log's. */
  readonly root: string | null;
  /** In the order of discovery; empty exactly when `ok`. */
  readonly problems: readonly Problem[];
}

/** A log as broken as this is not read to its end. */
const MAX_PROBLEMS = 1000;

/** Collects problems up to a bound, each path and reason once. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #seen = new Set<string>();

  get isFull(): boolean {
    return this.#problems.length >= MAX_PROBLEMS;
  }

  get count(): number {
    return this.#problems.length;
  }

  add(...problems: readonly Problem[]): void {
    for (const problem of problems) {
      const key = JSON.stringify([problem.path, problem.reason]);
      if (this.isFull || this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#problems.push(problem);
    }
  }

  list(): readonly Problem[] {
    if (!this.isFull) return [...this.#problems];
    return [
      ...this.#problems,
      { path: '', reason: `stopped after ${MAX_PROBLEMS} problems: there may be more` },
    ];
  }
}
