/** What is known of commitments, in the shape of the HTTP contract. */
import type { Commitment, CommitmentList } from '@vitrine/api';
import { stateAt } from '@vitrine/commitments';
import type { CommitmentFacts } from '@vitrine/commitments';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import { viewOf } from '../projection/view.ts';
import { parseFacts } from './stored.ts';

/**
 * A page in the order in which they were made.
 * @param publishedMs when the checkpoint of the view was published
 * @param part `after`: the entry beyond which it begins
 */
export function listCommitments(
  read: ReadDb,
  publishedMs: number,
  { after = -1, limit }: { readonly after?: number | undefined; readonly limit: number },
): Promise<CommitmentList> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const { count } = await at
      .selectFrom('commitments')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    const rows = await at
      .selectFrom('commitments')
      .select(['leaf_index', 'facts'])
      .where('leaf_index', '>', after)
      .orderBy('leaf_index')
      .limit(limit + 1)
      .execute();
    const shown = rows.slice(0, limit);
    return {
      rootSize,
      asOfMs,
      count,
      commitments: shown.map(({ facts }) => commitmentAt(parseFacts(facts), asOfMs)),
      next: rows.length > limit ? (shown.at(-1)?.leaf_index ?? null) : null,
    };
  });
}

/** @returns undefined when there is none of this id */
export function findCommitment(
  read: ReadDb,
  id: string,
  publishedMs: number,
): Promise<{ rootSize: number; asOfMs: number; commitment: Commitment } | undefined> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const row = await at.selectFrom('commitments').select('facts').where('id', '=', id).executeTakeFirst();
    return row === undefined
      ? undefined
      : { rootSize, asOfMs, commitment: commitmentAt(parseFacts(row.facts), asOfMs) };
  });
}

/** What is known of every commitment. */
export async function everyCommitment(read: ReadDb): Promise<readonly CommitmentFacts[]> {
  const rows = await read.selectFrom('commitments').select('facts').orderBy('leaf_index').execute();
  return rows.map(({ facts }) => parseFacts(facts));
}

/** What is known of every commitment, so many at a time. */
export async function* commitmentsInParts(
  read: ReadDb,
  partSize: number,
): AsyncGenerator<readonly CommitmentFacts[]> {
  for (let after = -1; ; ) {
    const rows = await read
      .selectFrom('commitments')
      .select(['leaf_index', 'facts'])
      .where('leaf_index', '>', after)
      .orderBy('leaf_index')
      .limit(partSize)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(({ facts }) => parseFacts(facts));
    after = last.leaf_index;
  }
}

function commitmentAt(facts: CommitmentFacts, asOfMs: number): Commitment {
  const standing = stateAt(facts, asOfMs);
  if (standing === undefined) throw new TypeError(`the commitment ${facts.id} stands nowhere`);
  return { ...facts, standing };
}
