/** Hashes files and verifies proofs away from the page, so that it never freezes. */
import { ARTIFACT_TYPE, parseStatementLeaf } from '@vitrine/statements';
import { parseEvidence, verifyEvidence } from '@vitrine/verifier';
import { digestFile } from './streamed-digest.ts';
import type { EvidenceSubject, FromWorker, ToWorker, VerifyRequest } from './worker-messages.ts';

const hashing = new Map<number, AbortController>();

function say(message: FromWorker): void {
  postMessage(message);
}

function readSubject(evidence: Uint8Array): EvidenceSubject {
  const [first] = parseEvidence(evidence).statements;
  if (first === undefined) return { name: null, sha256: null };
  const { statement } = parseStatementLeaf(first.leaf);
  if (statement.predicateType !== ARTIFACT_TYPE) return { name: null, sha256: null };
  const [artifact] = statement.subject;
  return { name: artifact.name, sha256: artifact.digest.sha256 };
}

async function hash(id: number, file: Blob): Promise<void> {
  const abort = new AbortController();
  hashing.set(id, abort);
  try {
    const digest = await digestFile(
      file,
      (hashedBytes) => {
        say({ kind: 'progress', id, hashedBytes });
      },
      abort.signal,
    );
    say({ kind: 'hashed', id, digest });
  } finally {
    hashing.delete(id);
  }
}

function verify({ evidence, policy, policySource, file }: VerifyRequest) {
  return verifyEvidence({
    evidence,
    policy,
    policySource: policySource === 'centre' ? 'vendor' : 'other',
    nowMs: Date.now(),
    ...(file === undefined ? {} : { file }),
  });
}

async function answer(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'cancel':
      hashing.get(message.id)?.abort();
      return;
    case 'hash':
      await hash(message.id, message.file);
      return;
    case 'read-evidence':
      say({ kind: 'evidence-read', id: message.id, subject: readSubject(message.evidence) });
      return;
    case 'verify':
      say({ kind: 'verified', id: message.id, verdict: verify(message.request) });
      return;
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  answer(data).catch((error: unknown) => {
    say({
      kind: 'failed',
      id: data.id,
      message: error instanceof Error ? error.message : 'unknown error',
    });
  });
});
