/** `vitrine evidence refresh FILE --server URL`: the newest evidence about the same statement, in the place of the old, if the log only grew. */
import { parseStatementLeaf } from '@vitrine/statements';
import {
  decodeHex,
  equalBytes,
  parseCheckpoint,
  parseNote,
  TlogError,
  verifyConsistency,
} from '@vitrine/tlog';
import { EvidenceError, MAX_EVIDENCE_BYTES, parseEvidence, verifyEvidence } from '@vitrine/verifier';
import type { Evidence, Verdict } from '@vitrine/verifier';
import type { ApiClient } from '@vitrine/api';
import { connect, patiently, statementsOrigin } from '../centre-connection.ts';
import { verifyWithOpenssl } from '../ed25519.ts';
import { fetchStatementEvidence } from '../evidence-source.ts';
import { reasonOf, refused } from '../failure.ts';
import { readBounded, replaceFile } from '../local-file.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { readPolicy } from './verify.ts';
import { waiting } from '../waiting.ts';

export interface EvidenceRefreshOptions {
  readonly server: string;
  readonly policy?: string;
  readonly json?: boolean;
}

interface View {
  readonly bytes: Uint8Array;
  readonly evidence: Evidence;
  readonly leaf: Uint8Array;
  readonly leafIndex: number;
  readonly origin: string;
  readonly treeSize: number;
  readonly root: Uint8Array;
}

/** @returns the exit code @throws Failure, ApiError */
export async function evidenceRefresh(
  file: string,
  options: EvidenceRefreshOptions,
  terminal: Terminal,
): Promise<0 | 1> {
  const onWait = waiting(terminal);
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const old = view(await readBounded(file, MAX_EVIDENCE_BYTES), file);
  const client = connect(options.server);
  const origin = await statementsOrigin(client);
  if (origin !== old.origin)
    throw refused(`${file} is of the log ${old.origin}, the centre at ${options.server} writes ${origin}`);
  const { payloadDigest } = parseStatementLeaf(old.leaf);
  const fresh = view(
    await fetchStatementEvidence(client, payloadDigest, onWait),
    `the answer of ${options.server}`,
  );
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
  const verdict =
    policy === undefined
      ? undefined
      : verifyEvidence({ evidence: fresh.bytes, policy, verify: verifyWithOpenssl });
  const unsound = verdict?.checks.find(({ name, ok }) => !ok && name !== 'not-withdrawn' && name !== 'age');
  if (unsound !== undefined)
    throw refused(
      `the centre's answer does not verify (${unsound.name}: ${unsound.reason}); the file was left as it is`,
    );
  await replaceFile(file, fresh.bytes);
  report(file, old, fresh, verdict, options.json === true, terminal);
  return verdict === undefined || verdict.ok ? 0 : 1;
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
    if (
      thrown instanceof EvidenceError ||
      thrown instanceof TlogError ||
      (thrown instanceof Error && thrown.name === 'StatementError')
    )
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

function report(
  file: string,
  old: View,
  fresh: View,
  verdict: Verdict | undefined,
  json: boolean,
  terminal: Terminal,
): void {
  if (json) {
    terminal.print(
      `${JSON.stringify({ file, from: old.treeSize, to: fresh.treeSize, verdict: verdict ?? null })}\n`,
    );
    return;
  }
  terminal.print(
    `${printable(file)}: renewed from root size ${old.treeSize} to ${fresh.treeSize}; the log only grew in between.\n`,
  );
  if (verdict !== undefined) terminal.print(`${printable(verdict.sentence)}\n`);
  else
    terminal.note(
      'No policy was given, so no signature was checked: vitrine evidence verify, vitrine verify.',
    );
}
