/** The reader's clock, for ages only: nothing is decided by it but whether a proof is older than a policy allows. */
import { useSyncExternalStore } from 'react';

const TICK_MS = 5_000;

function subscribe(onTick: () => void): () => void {
  const timer = setInterval(onTick, TICK_MS);
  return () => {
    clearInterval(timer);
  };
}

/** Milliseconds since 1970, moving in steps of five seconds. */
export function useNowMs(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / TICK_MS) * TICK_MS);
}
