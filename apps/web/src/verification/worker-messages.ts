/** What the page and the worker say to each other. Both ends are this program. */
import type { Verdict } from '@vitrine/verifier';
import type { FileDigest } from './streamed-digest.ts';

export interface EvidenceSubject {
  /** Name and hex SHA-256 of the artifact; null when the evidence is about another kind of statement. */
  readonly name: string | null;
  readonly sha256: string | null;
}

export interface VerifyRequest {
  readonly evidence: Uint8Array;
  readonly policy: string;
  readonly policySource: 'centre' | 'own';
  /** Absent when no file was given. */
  readonly file?: FileDigest & { readonly name: string };
}

export type ToWorker =
  | { readonly kind: 'hash'; readonly id: number; readonly file: Blob }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'read-evidence'; readonly id: number; readonly evidence: Uint8Array }
  | { readonly kind: 'verify'; readonly id: number; readonly request: VerifyRequest };

export type FromWorker =
  | { readonly kind: 'progress'; readonly id: number; readonly hashedBytes: number }
  | { readonly kind: 'hashed'; readonly id: number; readonly digest: FileDigest }
  | { readonly kind: 'evidence-read'; readonly id: number; readonly subject: EvidenceSubject }
  | { readonly kind: 'verified'; readonly id: number; readonly verdict: Verdict }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
