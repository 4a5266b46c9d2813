/** What a revocation as compromised would void: read from the root log, before it is signed. */
import { parseStatementLeaf, StatementError } from '@vitrine/statements';
import { describeStatement } from '@vitrine/verifier';
import { refused } from './failure.ts';
import { readCheckpoint, readLeaves } from './log-tiles.ts';
import type { LogTiles } from './log-tiles.ts';

/** How many entries are looked through. */
const MAX_ENTRIES = 200_000;

export interface Voided {
  readonly leafIndex: number;
  readonly words: string;
}

/**
 * The statements of the root log that the key signed at `validBelow` and above.
 * @param tiles of the root log
 * @returns undefined when there are too many entries to look through
 * @throws Failure when the log is smaller than `validBelow`; ApiError
 */
export async function voidedStatements(
  tiles: LogTiles,
  keyid: string,
  validBelow: number,
): Promise<readonly Voided[] | undefined> {
  const { treeSize } = (await readCheckpoint(tiles)).checkpoint;
  if (validBelow > treeSize)
    throw refused(
      `--valid-below ${validBelow}: the root log has ${treeSize} entries; signatures at entries that do not exist yet cannot be vouched for`,
    );
  if (treeSize - validBelow > MAX_ENTRIES) return undefined;
  const voided: Voided[] = [];
  for await (const { leafIndex, leaf } of readLeaves(tiles, treeSize, validBelow)) {
    try {
      const { envelope, statement } = parseStatementLeaf(leaf);
      if (envelope.signatures.some((signature) => signature.keyid === keyid))
        voided.push({ leafIndex, words: describeStatement(statement) });
    } catch (thrown) {
      // What is no statement counts for nothing already.
      if (!(thrown instanceof StatementError)) throw thrown;
    }
  }
  return voided;
}
