// Hands jobs to threads, each of which works on one at a time and answers it with one message.

import { Worker } from 'node:worker_threads';
import { FsckError } from './fsck-error.ts';

export interface ThreadPool<Job, Reply> {
  /** How many jobs it works on at once. */
  readonly size: number;
  /** What the thread answered. @throws FsckError `worker-failed` */
  run(job: Job): Promise<Reply>;
  close(): Promise<void>;
}

/**
 * A pool of `size` threads that run the module at `worker`, which answers every message (a Job) with one (a Reply).
 * Both must survive being copied between threads.
 */
export function openThreadPool<Job, Reply>(worker: URL, size: number): ThreadPool<Job, Reply> {
  interface Waiting {
    readonly job: Job;
    readonly resolve: (reply: Reply) => void;
    readonly reject: (error: Error) => void;
  }
  const threads = Array.from({ length: size }, () => startThread(worker));
  const idle = [...threads];
  const busy = new Map<Worker, Waiting>();
  const waiting: Waiting[] = [];
  let dead: FsckError | undefined;

  const dispatch = (): void => {
    for (;;) {
      const next = waiting[0];
      const thread = next === undefined ? undefined : idle.pop();
      if (next === undefined || thread === undefined) return;
      waiting.shift();
      busy.set(thread, next);
      thread.postMessage(next.job);
    }
  };
  const fail = (cause: unknown): void => {
    dead ??= new FsckError('worker-failed', `a worker thread died: ${String(cause)}`, { cause });
    for (const each of [...busy.values(), ...waiting.splice(0)]) each.reject(dead);
    busy.clear();
  };
  for (const thread of threads) {
    thread.on('message', (reply: Reply) => {
      const answered = busy.get(thread);
      busy.delete(thread);
      idle.push(thread);
      answered?.resolve(reply);
      dispatch();
    });
    thread.on('error', fail);
    thread.on('exit', (code) => {
      if (code !== 0) fail(`exit code ${code}`);
    });
  }
  return {
    size,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (dead !== undefined) {
          reject(dead);
          return;
        }
        waiting.push({ job, resolve, reject });
        dispatch();
      }),
    close: async () => {
      for (const thread of threads) thread.removeAllListeners('exit');
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}

// From sources, the thread must find this workspace's other sources too, whoever started us and however; a packed
// dist has only .js files and no condition.
function startThread(worker: URL): Worker {
  return worker.pathname.endsWith('.ts')
    ? new Worker(worker, { execArgv: ['--conditions=@vitrine/source'] })
    : new Worker(worker);
}
