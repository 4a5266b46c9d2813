/** One worker thread that builds the identity runs of all logs of a folder, one job after another. */
import { Worker } from 'node:worker_threads';
import type { RunJob } from './identity-run-worker.ts';

export class RunBuilder {
  #worker: Worker | null = null;
  #settle: ((error: unknown) => void) | null = null;
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
  }

  #send(job: RunJob): Promise<void> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      // Between jobs the worker must not keep the process alive; during one it must.
      worker.ref();
      this.#settle = (error) => {
        this.#settle = null;
        worker.unref();
        if (error === null) resolve();
        else reject(error instanceof Error ? error : new Error('the run builder failed', { cause: error }));
      };
      worker.postMessage(job, job.kind === 'build' ? [job.high.buffer, job.low.buffer] : []);
    });
  }

  #start(): Worker {
    // Compiled or not, the worker stands beside this file.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./identity-run-worker.${extension}`, import.meta.url));
    worker.on('message', (error: unknown) => this.#settle?.(error));
    worker.on('error', (error) => this.#settle?.(error));
    worker.on('exit', (code) => {
      this.#worker = null;
      this.#settle?.(new Error(`the run builder ended with code ${code}`));
    });
    return worker;
  }
}
