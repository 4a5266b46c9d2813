// Hands units to threads, or checks them here.

import { FsckError } from './fsck-error.ts';
import { openSource, type SourceLocation } from './source-location.ts';
import { openThreadPool } from './thread-pool.ts';
import { checkUnit, type Unit, type UnitReport } from './unit.ts';
import type { UnitReply, UnitRequest } from './unit-worker.ts';

export interface UnitPool {
  /** How many units it works on at once. */
  readonly size: number;
  /** @throws FsckError `unreachable`, `worker-failed` */
  run(unit: Unit): Promise<UnitReport>;
  close(): Promise<void>;
}

/** A pool for so many units: a small log is not worth a thread. */
export function openUnitPool(location: SourceLocation, units: number, workers: number): UnitPool {
  const size = Math.min(workers, units);
  return size <= 1 ? inlinePool(location) : threadPool(location, size);
}

function inlinePool(location: SourceLocation): UnitPool {
  const source = openSource(location);
  return { size: 1, run: (unit) => checkUnit(source, unit), close: () => Promise.resolve() };
}

function threadPool(location: SourceLocation, size: number): UnitPool {
  const name = import.meta.url.endsWith('.ts') ? './unit-worker.ts' : './unit-worker.js';
  const threads = openThreadPool<UnitRequest, UnitReply>(new URL(name, import.meta.url), size);
  return {
    size,
    run: async (unit) => {
      const reply = await threads.run({ location, unit });
      if ('error' in reply) throw new FsckError(reply.error.code, reply.error.message);
      return reply.report;
    },
    close: () => threads.close(),
  };
}
