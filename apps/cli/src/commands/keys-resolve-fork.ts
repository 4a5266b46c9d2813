/** `vitrine keys resolve-fork`: that a log which signed two histories goes on with the one that a centre shows. */
import { createHash } from 'node:crypto';
import type { ApiClient } from '@vitrine/api';
import { forkResolutionStatement } from '@vitrine/statements';
import {
  type Checkpoint,
  decodeHex,
  EMPTY_ROOT,
  encodeHex,
  equalBytes,
  parseNote,
  verifyConsistency,
} from '@vitrine/tlog';
import { EvidenceError, MAX_EVIDENCE_BYTES } from '@vitrine/verifier';
import { type OpenedFork, parseForkEvidence } from '@vitrine/verifier/fork';
import { connect } from '../centre-connection.ts';
import { couldNotRun, reasonOf, refused } from '../failure.ts';
import { sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import { readBounded } from '../local-file.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysResolveForkOptions extends SayingOptions {
  /** Proofs of misbehaviour, all of one log. */
  readonly evidence: readonly string[];
  /** The centre that shows the branch which is kept; `server` unless given. */
  readonly branchOf?: string;
}

interface Branch {
  readonly origin: string;
  readonly treeSize: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysResolveFork(options: KeysResolveForkOptions, terminal: Terminal): Promise<0> {
  const shownBy = options.branchOf ?? options.server;
  if (shownBy === undefined)
    throw couldNotRun('say which branch goes on: --branch-of URL, a centre that shows it');
  const forks = await Promise.all(options.evidence.map(readFork));
  const [origin, ...others] = new Set(forks.flatMap(({ claimed }) => claimed.map((each) => each.origin)));
  if (origin === undefined || others.length > 0)
    throw couldNotRun(
      `the files are of several logs (${[origin, ...others].join(', ')}): resolve one at a time`,
    );
  const client = connect(shownBy);
  const kept = await branchShown(client, origin);
  const ended = new Set<string>();
  for (const { checkpoints, claimed } of forks) {
    const off = await Promise.all(claimed.map(async (each) => !(await isOnBranch(client, each, kept))));
    if (!off.includes(true))
      throw refused('a file proves nothing against the branch that this centre shows: verify it first');
    for (const [at, note] of checkpoints.entries()) if (off[at] === true) ended.add(digestOfText(note));
  }
  return sayInKeysLog(options, terminal, ({ log }) =>
    forkResolutionStatement({
      log,
      ended: [...ended],
      kept: { origin, treeSize: kept.treeSize, root: encodeHex(kept.root) },
    }),
  );
}

async function readFork(file: string): Promise<OpenedFork> {
  try {
    return parseForkEvidence(await readBounded(file, MAX_EVIDENCE_BYTES));
  } catch (thrown) {
    if (thrown instanceof EvidenceError)
      throw refused(`${file} is no proof of misbehaviour: ${reasonOf(thrown)}`, thrown);
    throw thrown;
  }
}

async function branchShown(client: ApiClient, origin: string): Promise<Branch> {
  const { root, ...log } = await client.call('log', { params: { log: nameOf(origin) } });
  if (log.origin !== origin) throw refused(`the centre shows ${log.origin}, not ${origin}`);
  return { origin, treeSize: log.size, root: decodeHex(root) };
}

/** Whether the branch begins with this checkpoint's tree; of a larger tree nothing is known, so it is not. */
async function isOnBranch(client: ApiClient, { root, treeSize }: Checkpoint, kept: Branch): Promise<boolean> {
  if (treeSize > kept.treeSize) return false;
  if (treeSize === 0) return equalBytes(root, EMPTY_ROOT);
  const { hashes } = await client.call('consistency', {
    params: { log: nameOf(kept.origin) },
    query: { from: treeSize, to: kept.treeSize },
  });
  return verifyConsistency({
    oldSize: treeSize,
    newSize: kept.treeSize,
    oldRoot: root,
    newRoot: kept.root,
    proof: hashes.map((hash) => decodeHex(hash)),
  });
}

function nameOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}

function digestOfText(note: string): string {
  return createHash('sha256').update(parseNote(note).text).digest('hex');
}
