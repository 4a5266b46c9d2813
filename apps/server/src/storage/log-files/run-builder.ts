/** One worker thread that builds the identity runs of all logs of a folder, one job after another. */
import { Worker } from 'node:worker_threads';
import type { RunJob } from './identity-run-worker.ts';

export class RunBuilder {
  #worker: Worker | null = null;
  #serial: Promise<void> = Promise.resolve();

  /** Resolves when the run is durable. Arrays of a `build` job are taken over. */
  run(job: RunJob): Promise<void> {
    const result = this.#serial.then(() => this.#send(job));
    this.#serial = result.catch(() => undefined);
    return result;
  }

  /** Drops what is under way: runs are derived, and a half-made one is never seen. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #send(job: RunJob): Promise<void> {
    const worker = (this.#worker ??= startWorker());
    return new Promise((resolve, reject) => {
      const settle = (error: unknown): void => {
        worker.removeAllListeners();
        if (error === null) resolve();
        else reject(error instanceof Error ? error : new Error('the run builder failed', { cause: error }));
      };
      worker.once('message', settle);
      worker.once('error', (error) => {
        this.#worker = null;
        settle(error);
      });
      worker.once('exit', (code) => {
        this.#worker = null;
        settle(new Error(`the run builder ended with code ${code}`));
      });
      worker.postMessage(job, job.kind === 'build' ? [job.high.buffer, job.low.buffer] : []);
    });
  }
}

function startWorker(): Worker {
  // Compiled or not, the worker stands beside this file.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./identity-run-worker.${extension}`, import.meta.url));
  worker.unref();
  return worker;
}
