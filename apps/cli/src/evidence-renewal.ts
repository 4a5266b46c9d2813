/** The newest evidence about the statement of an evidence file, if the log only grew in between. */
import type { ApiClient } from '@vitrine/api';
import { parseStatementLeaf, StatementError } from '@vitrine/statements';
import {
  decodeHex,
  equalBytes,
  parseCheckpoint,
  parseNote,
  TlogError,
  verifyConsistency,
} from '@vitrine/tlog';
import { EvidenceError, MAX_EVIDENCE_BYTES, parseEvidence } from '@vitrine/verifier';
import type { Evidence } from '@vitrine/verifier';
import { isForkEvidence } from '@vitrine/verifier/fork';
import { connect, patiently, statementsOrigin } from './centre-connection.ts';
import { fetchStatementEvidence } from './evidence-source.ts';
import { couldNotRun, reasonOf, refused } from './failure.ts';
import { readBounded, replaceFile } from './local-file.ts';

/** An evidence file, and what it says of its place in the log. */
export interface View {
  readonly bytes: Uint8Array;
  readonly evidence: Evidence;
  readonly leaf: Uint8Array;
  readonly leafIndex: number;
  readonly origin: string;
  readonly treeSize: number;
  readonly root: Uint8Array;
}

/** The bytes of an evidence file, or of the newest view of what it is about where a centre is to be asked. @throws Failure, ApiError */
export async function readEvidence(
  file: string,
  server: string | undefined,
  onWait: (reason: string) => void,
): Promise<Uint8Array> {
  const bytes = await readBounded(file, MAX_EVIDENCE_BYTES);
  if (server === undefined) return bytes;
  if (isForkEvidence(bytes))
    throw couldNotRun(`${file} is a proof of misbehaviour: it does not age, so leave out --server`);
  return (await renew(file, server, onWait)).fresh.bytes;
}

/**
 * Asks a centre for a newer view of what a file is about. The file is left as it is; an answer that contradicts it is kept
 * beside it, as `FILE.conflicting`.
 * @throws Failure when the file or the answer is no evidence, or the answer is older or of another log; ApiError
 */
export async function renew(
  file: string,
  server: string,
  onWait: (reason: string) => void,
): Promise<{ readonly old: View; readonly fresh: View }> {
  const old = view(await readBounded(file, MAX_EVIDENCE_BYTES), file);
  const client = connect(server);
  const origin = await statementsOrigin(client);
  if (origin !== old.origin)
    throw refused(`${file} is of the log ${old.origin}, the centre at ${server} writes ${origin}`);
  const { payloadDigest } = parseStatementLeaf(old.leaf);
  const fresh = view(await fetchStatementEvidence(client, payloadDigest, onWait), `the answer of ${server}`);
  const broken = await inconsistency(old, fresh, client, onWait);
  if (broken !== undefined) {
    const kept = `${file}.conflicting`;
    await replaceFile(kept, fresh.bytes);
    throw refused(
      `${broken}. The old file was left as it is and the centre's answer written to ${kept}: keep both, together they are evidence against the log`,
    );
  }
  if (fresh.treeSize < old.treeSize)
    throw refused(
      `the centre answered with an older view (root size ${fresh.treeSize}) than that of ${file} (${old.treeSize}); the file was left as it is`,
    );
  return { old, fresh };
}

function view(bytes: Uint8Array, what: string): View {
  try {
    const evidence = parseEvidence(bytes);
    const [about] = evidence.statements;
    if (about === undefined) throw refused(`${what} is about no statement`);
    parseStatementLeaf(about.leaf);
    const { origin, treeSize, root } = parseCheckpoint(parseNote(about.proof.checkpointNote).text);
    return { bytes, evidence, leaf: about.leaf, leafIndex: about.proof.index, origin, treeSize, root };
  } catch (thrown) {
    if (thrown instanceof EvidenceError || thrown instanceof TlogError || thrown instanceof StatementError)
      throw refused(`${what} is not evidence: ${reasonOf(thrown)}`, thrown);
    throw thrown;
  }
}

/** Why the two views cannot both be of one log that only grew. */
async function inconsistency(
  old: View,
  fresh: View,
  client: ApiClient,
  onWait: (reason: string) => void,
): Promise<string | undefined> {
  if (fresh.origin !== old.origin)
    return `the file is of the log ${old.origin}, the centre answered for ${fresh.origin}`;
  if (fresh.leafIndex !== old.leafIndex || !equalBytes(fresh.leaf, old.leaf))
    return 'the centre shows the statement as another entry of the log';
  const [shorter, longer] = [old.evidence.keys.leaves, fresh.evidence.keys.leaves].sort(
    (a, b) => a.length - b.length,
  );
  if (!(shorter ?? []).every((leaf, index) => equalBytes(leaf, longer?.[index] ?? new Uint8Array(0))))
    return 'the keys log of the file is not the beginning of the one that the centre shows';
  const [from, to] = old.treeSize <= fresh.treeSize ? [old, fresh] : [fresh, old];
  if (from.treeSize === to.treeSize)
    return equalBytes(from.root, to.root) ? undefined : 'two checkpoints of one size have different roots';
  const { hashes } = await patiently(
    () =>
      client.call('consistency', {
        params: { log: 'statements' },
        query: { from: from.treeSize, to: to.treeSize },
      }),
    onWait,
  );
  const consistent = verifyConsistency({
    oldSize: from.treeSize,
    oldRoot: from.root,
    newSize: to.treeSize,
    newRoot: to.root,
    proof: hashes.map((hash) => decodeHex(hash)),
  });
  return consistent
    ? undefined
    : 'the log that the centre shows is not a continuation of the one in the file';
}
