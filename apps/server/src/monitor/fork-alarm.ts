/** How the rest of the server speaks with the monitor: it asks whether a log is frozen, and says what contradicts. */
import type { ForkRegister } from './fork-register.ts';

/** A checkpoint, signed by its log, that contradicts what somebody in this server holds. */
export interface Finding {
  readonly offending: string;
  /** What it contradicts; what this centre publishes if it is not given. */
  readonly held?: string;
  /** Where it came from, in words. */
  readonly from: string;
  /** The prefix under which the tiles of the offending one stand, without a slash at its end. */
  readonly url?: string;
}

export class ForkAlarm {
  readonly #forks: ForkRegister;
  #waiting: Finding[] = [];
  #take: ((finding: Finding) => void) | null = null;

  constructor(forks: ForkRegister) {
    this.#forks = forks;
  }

  isFrozen(origin: string): boolean {
    return this.#forks.isFrozen(origin);
  }

  get anyFrozen(): boolean {
    return this.#forks.anyFrozen;
  }

  /** Never throws. What is raised before the monitor is at work waits for it. */
  raise(finding: Finding): void {
    if (this.#take === null) this.#waiting.push(finding);
    else this.#take(finding);
  }

  handTo(take: (finding: Finding) => void): void {
    this.#take = take;
    for (const finding of this.#waiting.splice(0)) take(finding);
  }
}
