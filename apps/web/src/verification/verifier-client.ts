/** The page's end of the verifier's worker, which starts with the first question. */
import type { Verdict } from '@vitrine/verifier';
import type { FileDigest } from './streamed-digest.ts';
import type { EvidenceSubject, FromWorker, ToWorker, VerifyRequest } from './worker-messages.ts';

/** A file could not be read, or the worker failed: nothing was judged. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
}

interface Pending {
  readonly onMessage: (message: FromWorker) => void;
  readonly onFailure: (error: VerificationError) => void;
}

const pending = new Map<number, Pending>();
let worker: Worker | undefined;
let lastId = 0;

function settle(id: number): Pending | undefined {
  const waiting = pending.get(id);
  pending.delete(id);
  return waiting;
}

function startWorker(): Worker {
  const started = new Worker(new URL('./verifier-worker.ts', import.meta.url), { type: 'module' });
  started.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'progress') pending.get(data.id)?.onMessage(data);
    else if (data.kind === 'failed') settle(data.id)?.onFailure(new VerificationError(data.message));
    else settle(data.id)?.onMessage(data);
  });
  started.addEventListener('error', () => {
    worker = undefined;
    started.terminate();
    for (const id of [...pending.keys()])
      settle(id)?.onFailure(new VerificationError('the verifier could not be loaded or has stopped'));
  });
  return started;
}

function ask<T>(
  question: (id: number) => ToWorker,
  take: (message: FromWorker) => T | undefined,
  signal?: AbortSignal,
): Promise<T> {
  lastId += 1;
  const id = lastId;
  worker ??= startWorker();
  const asked = worker;
  return new Promise<T>((resolve, reject) => {
    signal?.addEventListener('abort', () => {
      if (settle(id) === undefined) return;
      asked.postMessage({ kind: 'cancel', id } satisfies ToWorker);
      reject(new DOMException('cancelled', 'AbortError'));
    });
    pending.set(id, {
      onMessage: (message) => {
        const taken = take(message);
        if (taken !== undefined) resolve(taken);
      },
      onFailure: reject,
    });
    asked.postMessage(question(id));
  });
}

/** @throws VerificationError when the file cannot be read; an AbortError when cancelled */
export function hashFile(
  file: Blob,
  onProgress: (hashedBytes: number) => void,
  signal: AbortSignal,
): Promise<FileDigest> {
  return ask(
    (id) => ({ kind: 'hash', id, file }),
    (message) => {
      if (message.kind === 'progress') onProgress(message.hashedBytes);
      return message.kind === 'hashed' ? message.digest : undefined;
    },
    signal,
  );
}

/** What an evidence file is about. Believes nothing in it. @throws VerificationError when it does not parse */
export function readEvidenceSubject(evidence: Uint8Array): Promise<EvidenceSubject> {
  return ask(
    (id) => ({ kind: 'read-evidence', id, evidence }),
    (message) => (message.kind === 'evidence-read' ? message.subject : undefined),
  );
}

/** @throws VerificationError only when the worker fails: bad evidence is a verdict */
export function verifyInWorker(request: VerifyRequest): Promise<Verdict> {
  return ask(
    (id) => ({ kind: 'verify', id, request }),
    (message) => (message.kind === 'verified' ? message.verdict : undefined),
  );
}
