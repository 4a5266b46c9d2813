/** One thing to be checked, and how far that has come. */
import type { Artifact } from '@vitrine/api';
import type { Verdict } from '@vitrine/verifier';

export type Source = 'centre' | 'own';

export interface FileFacts {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly evidence: Uint8Array;
  readonly evidenceSource: Source;
  readonly policySource: Source;
  /** Hex SHA-256 that was asked about; null when only evidence was given. */
  readonly sha256: string | null;
  /** Undefined when no file was given. */
  readonly file: FileFacts | undefined;
  /** The releases that name it, by the centre; empty when the centre was not asked. */
  readonly namedBy: Artifact['namedBy'];
}

export type CheckState =
  | { readonly stage: 'waiting' }
  | { readonly stage: 'hashing'; readonly hashedBytes: number; readonly bytesPerSecond: number }
  | { readonly stage: 'asking'; readonly sha256: string }
  | { readonly stage: 'verifying' }
  | { readonly stage: 'judged'; readonly judgement: Judgement }
  /** No release of this centre names the digest. */
  | { readonly stage: 'unknown'; readonly sha256: string }
  | { readonly stage: 'failed'; readonly error: unknown }
  | { readonly stage: 'cancelled' };

export interface FileCheck {
  readonly id: number;
  /** Name of the file, or of the evidence when no file was given. */
  readonly name: string;
  /** Undefined when no file was given. */
  readonly sizeBytes: number | undefined;
  readonly state: CheckState;
}

export function isUnderWay({ stage }: CheckState): boolean {
  return stage === 'waiting' || stage === 'hashing' || stage === 'asking' || stage === 'verifying';
}
