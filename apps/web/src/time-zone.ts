/** Whether times are shown in UTC, which is log time, or in the reader's zone. One switch for all pages. */
import { useSyncExternalStore } from 'react';

export type TimeZoneChoice = 'utc' | 'local';

const listeners = new Set<() => void>();
let choice: TimeZoneChoice = 'utc';

export function chooseTimeZone(next: TimeZoneChoice): void {
  choice = next;
  for (const listener of listeners) listener();
}

export function useTimeZoneChoice(): TimeZoneChoice {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => choice,
  );
}
