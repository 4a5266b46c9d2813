// Hands units to threads.

import { Worker } from 'node:worker_threads';
import { FsckError } from './fsck-error.ts';
import { openSource, type SourceLocation } from './source-location.ts';
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

interface Job {
  readonly unit: Unit;
  readonly resolve: (report: UnitReport) => void;
  readonly reject: (error: Error) => void;
}

function threadPool(location: SourceLocation, size: number): UnitPool {
  const threads = Array.from({ length: size }, startWorker);
  const idle = [...threads];
  const busy = new Map<Worker, Job>();
  const waiting: Job[] = [];
  let dead: FsckError | undefined;

  const dispatch = (): void => {
    for (;;) {
      const job = waiting[0];
      const worker = job === undefined ? undefined : idle.pop();
      if (job === undefined || worker === undefined) return;
      waiting.shift();
      busy.set(worker, job);
      const request: UnitRequest = { location, unit: job.unit };
      worker.postMessage(request);
    }
  };
  const fail = (cause: unknown): void => {
    dead ??= new FsckError('worker-failed', `a worker thread died: ${String(cause)}`, { cause });
    for (const job of [...busy.values(), ...waiting.splice(0)]) job.reject(dead);
    busy.clear();
  };
  for (const worker of threads) {
    worker.on('message', (reply: UnitReply) => {
      const job = busy.get(worker);
      busy.delete(worker);
      idle.push(worker);
      if ('report' in reply) job?.resolve(reply.report);
      else job?.reject(new FsckError(reply.error.code, reply.error.message));
      dispatch();
    });
    worker.on('error', fail);
    worker.on('exit', (code) => {
      if (code !== 0) fail(`exit code ${code}`);
    });
  }
  return {
    size,
    run: (unit) =>
      new Promise((resolve, reject) => {
        if (dead !== undefined) {
          reject(dead);
          return;
        }
        waiting.push({ unit, resolve, reject });
        dispatch();
      }),
    close: async () => {
      for (const worker of threads) worker.removeAllListeners('exit');
      await Promise.all(threads.map((worker) => worker.terminate()));
    },
  };
}

// From sources, the thread must find this workspace's other sources too, whoever started us and however; from a
// packed dist there are only .js files and no condition.
function startWorker(): Worker {
  return import.meta.url.endsWith('.ts')
    ? new Worker(new URL('./unit-worker.ts', import.meta.url), {
        execArgv: ['--conditions=@vitrine/source'],
      })
    : new Worker(new URL('./unit-worker.js', import.meta.url));
}
