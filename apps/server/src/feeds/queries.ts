/** The entries of feeds, from the read models and the log. */
import { type Change, type CommitmentFacts, changesUntil } from '@vitrine/commitments';
import { describeLeaf } from '@vitrine/verifier/statement-in-words';
import type { LogView } from '../log/log.ts';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { AtomEntry } from './atom.ts';
import { tagUri } from './atom.ts';
import type { FeedTables } from './tables.ts';

/** Entries in one part of a feed. */
export const PART_ENTRIES = 50;

export interface Part {
  /** Newest first. */
  readonly entries: readonly AtomEntry[];
  /** The `before` of the part with older ones; undefined when there is none. */
  readonly older: number | undefined;
}

/** The statements that mention a key or a product, newest first, those below `before`. */
export async function mentionsPart(
  read: ReadDb,
  root: LogView,
  { mentioned, name }: Pick<FeedTables['mentions'], 'mentioned' | 'name'>,
  before: number | undefined,
): Promise<Part> {
  let query = read
    .selectFrom('mentions')
    .select('leaf_index')
    .where('mentioned', '=', mentioned)
    .where('name', '=', name);
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  const rows = await query
    .orderBy('leaf_index', 'desc')
    .limit(PART_ENTRIES + 1)
    .execute();
  const shown = rows.slice(0, PART_ENTRIES).map((row) => row.leaf_index);
  const entries: AtomEntry[] = [];
  for (const leafIndex of shown) entries.push(await statementEntry(root, leafIndex));
  return { entries, older: rows.length > PART_ENTRIES ? shown.at(-1) : undefined };
}

/**
 * Where a feed of a key or a product goes on: indices of the statements that mention it, from an index on, in the order of the log.
 *
 * @returns `until`: below it none is left out
 */
export async function mentionsFrom(
  read: ReadDb,
  { mentioned, name }: Pick<FeedTables['mentions'], 'mentioned' | 'name'>,
  from: number,
  limit: number,
): Promise<{ readonly leafIndices: readonly number[]; readonly until: number }> {
  return snapshot(read, async (at) => {
    const rows = await at
      .selectFrom('mentions')
      .select('leaf_index')
      .where('mentioned', '=', mentioned)
      .where('name', '=', name)
      .where('leaf_index', '>=', from)
      .orderBy('leaf_index')
      .limit(limit)
      .execute();
    const leafIndices = rows.map((row) => row.leaf_index);
    const last = leafIndices.at(-1);
    if (last !== undefined && leafIndices.length === limit) return { leafIndices, until: last + 1 };
    const { root_size: rootSize } = await at
      .selectFrom('progress')
      .select('root_size')
      .executeTakeFirstOrThrow();
    return { leafIndices, until: Math.max(from, rootSize) };
  });
}

async function statementEntry(root: LogView, leafIndex: number): Promise<AtomEntry> {
  const { leaf } = await root.readEntry(leafIndex);
  const described = describeLeaf(leaf);
  if (!described.ok) throw new TypeError(`entry ${leafIndex} counts and cannot be read: ${described.reason}`);
  const { envelope, payloadDigest, registeredAtMs, statement } = described.leaf;
  return {
    id: tagUri(root.origin, String(leafIndex)),
    title: described.words,
    updatedMs: registeredAtMs,
    content: [
      described.words,
      `Entry ${leafIndex} of ${root.origin}, statement ${payloadDigest}, signed by ${envelope.signatures.map(({ keyid }) => keyid).join(' and ')}.`,
    ].join('\n'),
    page: `/logs/${root.name}/${leafIndex}`,
    category: statement.predicateType,
  };
}

export interface PromiseChange extends Change {
  readonly facts: CommitmentFacts;
}

const FIRST_WORDS = {
  made: 'Promised',
  amended: 'Amended',
  withdrawn: 'Withdrawn',
  recorded: 'Evidence recorded',
  kept: 'Kept',
  lapsed: 'Lapsed',
} as const;

/** What happened to promises up to `asOfMs`, newest first. Evidence that changed no state is left out. */
export function promiseChanges(
  commitments: readonly CommitmentFacts[],
  asOfMs: number,
  limit: number,
): readonly PromiseChange[] {
  return (
    commitments
      .flatMap((facts) => changesUntil(facts, asOfMs).map((change) => ({ ...change, facts })))
      .filter(({ kind }) => kind !== 'recorded')
      // Of what came at one time the later stands first too.
      .toReversed()
      .toSorted((left, right) => right.atMs - left.atMs || right.entry.leafIndex - left.entry.leafIndex)
      .slice(0, limit)
  );
}

/** @param title of the promise, from its body; its id where the body cannot be had */
export function promiseEntry(
  { atMs, entry, facts, kind, standing }: PromiseChange,
  title: string,
): AtomEntry {
  const words =
    kind !== 'overdue'
      ? FIRST_WORDS[kind]
      : standing.state === 'no-evidence'
        ? 'No evidence recorded'
        : 'Late';
  return {
    id: tagUri(entry.origin, `${entry.leafIndex}/${facts.id}/${kind}`),
    title: `${words}: ${title}`,
    updatedMs: atMs,
    content: `${title}\n${standing.sentence}\nEntry ${entry.leafIndex} of ${entry.origin}.`,
    page: `/promises/${facts.id}`,
    category: kind,
  };
}
