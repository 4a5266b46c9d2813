/** The files that the reader gave, checked one after the other. Lives as long as the page, across navigation. */
import { useSyncExternalStore } from 'react';
import { fetchArtifactEvidence, findArtifact, load, policyQuery } from '../api-client.ts';
import type { CheckState, FileCheck, Judgement } from './file-check.ts';
import { chooseEvidence, isEvidenceName } from './own-evidence.ts';
import type { OwnEvidence } from './own-evidence.ts';
import type { FileDigest } from './streamed-digest.ts';
import { hashFile, readEvidenceSubject, verifyInWorker } from './verifier-client.ts';

/** Above any evidence file (docs/formats/evidence.md allows 8 MiB) and any policy. */
const SMALL_FILE_MAX_BYTES = 9 * 1024 * 1024;

export interface OwnPolicy {
  readonly name: string;
  readonly text: string;
}

interface Snapshot {
  readonly checks: readonly FileCheck[];
  readonly ownPolicy: OwnPolicy | null;
}

interface Job {
  readonly id: number;
  readonly file: File | null;
  /** Evidence given without a file. */
  readonly evidence: OwnEvidence | null;
  readonly abort: AbortController;
}

async function readSmallFile(file: File): Promise<Uint8Array> {
  if (file.size > SMALL_FILE_MAX_BYTES)
    throw new RangeError(
      `${file.name} is too large for an evidence file or a policy, at most 8 MiB are read`,
    );
  return new Uint8Array(await file.arrayBuffer());
}

class VerificationQueue {
  #snapshot: Snapshot = { checks: [], ownPolicy: null };
  readonly #listeners = new Set<() => void>();
  readonly #jobs = new Map<number, Job>();
  readonly #waiting: Job[] = [];
  #ownEvidence: readonly OwnEvidence[] = [];
  #running = false;
  #lastId = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): Snapshot => this.#snapshot;

  #publish(change: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
  #setState(id: number, state: CheckState): void {
    this.#publish({
      checks: this.#snapshot.checks.map((check) => (check.id === id ? { ...check, state } : check)),
    });
  }

  /** Takes files to check; those named `.evidence` are evidence for others, or are judged alone. */
  add(files: readonly File[]): void {
    void this.#take(files);
  }

  async #take(files: readonly File[]): Promise<void> {
    const evidenceFiles = files.filter(({ name }) => isEvidenceName(name));
    const others = files.filter(({ name }) => !isEvidenceName(name));
    for (const file of evidenceFiles) {
      const evidence = await this.#takeEvidence(file);
      if (evidence !== null && others.length === 0) this.#enqueue(file.name, null, evidence);
    }
    for (const file of others) this.#enqueue(file.name, file, null);
    void this.#run();
  }

  async #takeEvidence(file: File): Promise<OwnEvidence | null> {
    try {
      const bytes = await readSmallFile(file);
      // Evidence that does not parse is kept: its verdict says what is wrong with it.
      const subject = await readEvidenceSubject(bytes).catch(() => ({ name: null, sha256: null }));
      const evidence: OwnEvidence = { fileName: file.name, bytes, sha256: subject.sha256 };
      this.#ownEvidence = [evidence, ...this.#ownEvidence];
      return evidence;
    } catch (error) {
      const id = this.#enqueue(file.name, null, null);
      this.#dropWaiting(id);
      this.#setState(id, { stage: 'failed', error });
      return null;
    }
  }

  #enqueue(name: string, file: File | null, evidence: OwnEvidence | null): number {
    this.#lastId += 1;
    const id = this.#lastId;
    const job: Job = { id, file, evidence, abort: new AbortController() };
    this.#jobs.set(id, job);
    this.#waiting.push(job);
    const check: FileCheck = { id, name, sizeBytes: file?.size, state: { stage: 'waiting' } };
    this.#publish({ checks: [check, ...this.#snapshot.checks] });
    return id;
  }
  #dropWaiting(id: number): void {
    const at = this.#waiting.findIndex((job) => job.id === id);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  cancel(id: number): void {
    this.#jobs.get(id)?.abort.abort();
    this.#dropWaiting(id);
    this.#setState(id, { stage: 'cancelled' });
  }

  /** Forgets one check. */
  remove(id: number): void {
    this.#jobs.get(id)?.abort.abort();
    this.#dropWaiting(id);
    this.#jobs.delete(id);
    this.#publish({ checks: this.#snapshot.checks.filter((check) => check.id !== id) });
  }

  /** Takes the reader's own policy, or goes back to the centre's (null), and judges again what was judged. */
  async choosePolicy(file: File | null): Promise<void> {
    const ownPolicy =
      file === null ? null : { name: file.name, text: new TextDecoder().decode(await readSmallFile(file)) };
    this.#publish({ ownPolicy });
    for (const { id, state } of this.#snapshot.checks) {
      if (state.stage !== 'judged') continue;
      try {
        this.#setState(id, { stage: 'judged', judgement: await judge(state.judgement, ownPolicy) });
      } catch (error) {
        this.#setState(id, { stage: 'failed', error });
      }
    }
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      const { id } = job;
      try {
        const state = await this.#check(job);
        if (!job.abort.signal.aborted) this.#setState(id, state);
      } catch (error) {
        this.#setState(id, job.abort.signal.aborted ? { stage: 'cancelled' } : { stage: 'failed', error });
      }
      this.#jobs.delete(id);
    }
    this.#running = false;
  }

  /** The digest of a job's file, reporting as it goes. */
  async #digest(id: number, file: File, signal: AbortSignal): Promise<FileDigest> {
    const startedMs = performance.now();
    this.#setState(id, { stage: 'hashing', hashedBytes: 0, bytesPerSecond: 0 });
    return hashFile(
      file,
      (hashedBytes) => {
        const elapsedMs = performance.now() - startedMs;
        this.#setState(id, {
          stage: 'hashing',
          hashedBytes,
          bytesPerSecond: elapsedMs === 0 ? 0 : (hashedBytes / elapsedMs) * 1000,
        });
      },
      signal,
    );
  }

  async #check({ id, file, evidence: alone, abort }: Job): Promise<CheckState> {
    if (file === null) {
      if (alone === null) return { stage: 'cancelled' };
      this.#setState(id, { stage: 'verifying' });
      return this.#judged({
        evidence: alone.bytes,
        evidenceSource: 'own',
        sha256: null,
        file: undefined,
        namedBy: [],
      });
    }
    const digest = await this.#digest(id, file, abort.signal);
    const given = { sha256: digest.sha256, file: { name: file.name, ...digest } };
    const own = chooseEvidence(this.#ownEvidence, file.name, digest.sha256);
    if (own !== undefined) {
      this.#setState(id, { stage: 'verifying' });
      return this.#judged({ ...given, evidence: own.bytes, evidenceSource: 'own', namedBy: [] });
    }
    this.#setState(id, { stage: 'asking', sha256: digest.sha256 });
    const artifact = await findArtifact(digest.sha256, abort.signal);
    if (artifact === null) return { stage: 'unknown', sha256: digest.sha256 };
    const evidence = await fetchArtifactEvidence(digest.sha256, undefined, abort.signal);
    this.#setState(id, { stage: 'verifying' });
    return this.#judged({ ...given, evidence, evidenceSource: 'centre', namedBy: artifact.namedBy });
  }

  async #judged(about: Omit<Judgement, 'verdict' | 'policySource'>): Promise<CheckState> {
    return { stage: 'judged', judgement: await judge(about, this.#snapshot.ownPolicy) };
  }
}

/** A verdict on evidence under the reader's policy, or the centre's when there is none. */
export async function judge(
  about: Omit<Judgement, 'verdict' | 'policySource'>,
  ownPolicy: OwnPolicy | null,
): Promise<Judgement> {
  const { evidence, file } = about;
  const policySource = ownPolicy === null ? 'centre' : 'own';
  const policy = ownPolicy?.text ?? (await load(policyQuery));
  const verdict = await verifyInWorker({
    evidence,
    policy,
    policySource,
    ...(file === undefined ? {} : { file }),
  });
  return { ...about, verdict, policySource };
}

export const verificationQueue = new VerificationQueue();

/** The queue as it stands. */
export function useVerificationQueue(): Snapshot {
  return useSyncExternalStore(verificationQueue.subscribe, verificationQueue.snapshot);
}
