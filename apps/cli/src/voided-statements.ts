/** What a revocation as compromised costs: looked up in the root log and shown before it is sent. */
import { KEY_REVOKE_TYPE, type KeysState, parseStatementLeaf, StatementError } from '@vitrine/statements';
import { describeStatement } from '@vitrine/verifier/statement-in-words';
import { refused } from './failure.ts';
import type { RootKeysStatement } from './key-statement-file.ts';
import { readCheckpoint, readLeaves } from './log-tiles.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { waiting } from './waiting.ts';

/** How many entries are looked through, and how many statements shown. */
const MAX_ENTRIES = 200_000;
const SHOWN = 20;

/**
 * Shows which statements of the root log become void, and a successor that still stands. Nothing, for other statements.
 * @throws Failure when `validBelow` is beyond the log; ApiError
 */
export async function showVoided(
  server: string,
  { predicate, predicateType }: RootKeysStatement,
  state: KeysState,
  terminal: Terminal,
): Promise<void> {
  if (predicateType !== KEY_REVOKE_TYPE || predicate.reason !== 'compromised') return;
  const { key, validBelow } = predicate;
  const tiles = { server, log: 'statements', onWait: waiting(terminal) };
  const { treeSize } = (await readCheckpoint(tiles)).checkpoint;
  if (validBelow > treeSize)
    throw refused(
      `signatures are said to stand below entry ${validBelow}, but the root log has ${treeSize} entries: those that do not exist yet cannot be vouched for`,
    );
  if (treeSize - validBelow > MAX_ENTRIES)
    terminal.note(
      `The root log has ${treeSize - validBelow} entries since then: too many to list what becomes void.`,
    );
  else {
    const voided: string[] = [];
    for await (const { leafIndex, leaf } of readLeaves(tiles, treeSize, validBelow)) {
      const words = signedBy(leaf, key);
      if (words !== undefined) voided.push(`  ${leafIndex}  ${printable(words)}`);
    }
    terminal.note(
      voided.length === 0
        ? `The key signed nothing in the root log from entry ${validBelow} on.`
        : `${voided.length} of the root log’s statements become void:`,
    );
    for (const line of voided.slice(0, SHOWN)) terminal.note(line);
    if (voided.length > SHOWN) terminal.note(`  and ${voided.length - SHOWN} more`);
  }
  const successor = state.keys.get(key)?.successor;
  if (successor !== undefined && state.keys.get(successor)?.voidFrom === undefined)
    terminal.note(
      `warning: its successor ${successor} still stands. If a thief may have made the rotation, revoke it too, from the same entry on`,
    );
}

/** The statement in words, if the key signed it. What is no statement counts for nothing already. */
function signedBy(leaf: Uint8Array, keyid: string): string | undefined {
  try {
    const { envelope, statement } = parseStatementLeaf(leaf);
    return envelope.signatures.some((signature) => signature.keyid === keyid)
      ? describeStatement(statement)
      : undefined;
  } catch (thrown) {
    if (thrown instanceof StatementError) return undefined;
    throw thrown;
  }
}
