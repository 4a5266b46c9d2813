/** How the watches of a centre are doing. */
import type { CourierMetrics } from './courier.ts';
import type { WatchRow } from './register.ts';

export interface WatchMetrics extends CourierMetrics {
  readonly states: Readonly<Record<WatchRow['state'], number>>;
  /** For how long the oldest delivery of an active watch has waited to be taken, milliseconds. */
  readonly oldestLagMs: number;
}
