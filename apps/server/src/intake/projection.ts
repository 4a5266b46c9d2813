/**
 * What entered at the centres: at each true head of an announced centre's intake log, the entries of that log up to it become part
 * of the view. So a root size names one state of every intake log too.
 */
import { HEAD_TYPE, parseLeaf, StatementError, SUBMISSION_TYPE } from '@vitrine/statements';
import { admitIntake } from '@vitrine/statements/intake';
import { encodeHex } from '@vitrine/tlog';
import { verifySpeakerWithNode } from '../identity/verify.ts';
import type { LogView } from '../log/log.ts';
import { type Folded, NOTHING, type Projection, type Told } from '../projection/projection.ts';
import type { ReadTx } from '../projection/schema.ts';
import type { IntakeFact } from './tables.ts';

/** The intake log of a centre as the log announces it. */
export interface AnnouncedIntake {
  /** Of the centre. */
  readonly name: string;
  readonly url: string;
  readonly intake_origin: string;
  readonly intake_vkey: string;
}

export interface IntakeProjectionOptions {
  /**
   * The intake log of an announced centre, held here at least up to `size`. Waits a while until it is; rejects when it is
   * not, and the fold is tried again: nothing is shown that skips what cannot be read yet.
   */
  readonly held: (centre: AnnouncedIntake, size: number) => Promise<LogView>;
}

export function intakeProjection({ held }: IntakeProjectionOptions): Projection {
  return {
    name: 'intake',
    async createTables({ schema }) {
      await schema
        .createTable('intake_heads')
        .addColumn('origin', 'text', (column) => column.primaryKey())
        .addColumn('leaf_index', 'bigint', (column) => column.notNull())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('root', 'text', (column) => column.notNull())
        .addColumn('anchored_at', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('submissions')
        .addColumn('origin', 'text', (column) => column.notNull())
        .addColumn('entry_index', 'bigint', (column) => column.notNull())
        .addColumn('head_index', 'bigint', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('registered_at', 'bigint', (column) => column.notNull())
        .addColumn('signer', 'text', (column) => column.notNull())
        .addColumn('by_vendor', 'integer', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('product', 'text')
        .addColumn('access', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('submissions_key', ['origin', 'entry_index'])
        .execute();
      await schema.createIndex('submissions_digest').on('submissions').column('digest').execute();
      await schema
        .createIndex('submissions_newest')
        .on('submissions')
        .columns(['head_index', 'entry_index'])
        .execute();
    },

    async fold(tx, told) {
      if (told.statement.predicateType !== HEAD_TYPE) return NOTHING;
      const { head, log: addressee } = told.statement.predicate;
      const centre = await tx
        .selectFrom('centres')
        .select(['name', 'url', 'intake_origin', 'intake_vkey'])
        .where('intake_origin', '=', head.origin)
        .executeTakeFirst();
      if (centre === undefined) return NOTHING;
      return foldHead(tx, told, head, addressee, (size) => held(centre, size));
    },

    async record(tx, fact) {
      if (fact.fact === 'submission-entered') await tx.insertInto('submissions').values(fact.row).execute();
      if (fact.fact !== 'intake-anchored') return;
      await tx
        .insertInto('intake_heads')
        .values(fact.row)
        .onConflict((conflict) => conflict.column('origin').doUpdateSet(fact.row))
        .execute();
    },
  };
}

async function foldHead(
  tx: ReadTx,
  { keys, leafIndex, registeredAt }: Told,
  { origin, root, treeSize }: { readonly origin: string; readonly root: string; readonly treeSize: number },
  addressee: string,
  held: (size: number) => Promise<LogView>,
): Promise<Folded> {
  const known = await tx
    .selectFrom('intake_heads')
    .select(['leaf_index', 'size'])
    .where('origin', '=', origin)
    .executeTakeFirst();
  const from = known?.size ?? 0;
  if (treeSize < from)
    return {
      refusal: `it names ${treeSize} entries of ${origin}, and entry ${known?.leaf_index ?? 0} named ${from}: a log does not shrink`,
    };
  const log = await held(treeSize);
  if (encodeHex(await log.rootAt(treeSize)) !== root)
    return { refusal: `${origin} has another root at ${treeSize} entries than this head says` };
  const facts: IntakeFact[] = [];
  for await (const entry of log.readEntries(from, treeSize)) {
    const fact = submissionOf(entry.leaf, {
      origin,
      addressee,
      leafIndex,
      entryIndex: entry.leafIndex,
      isVendor: (keyid) => (keys.keys.get(keyid)?.addedAtMs ?? Infinity) <= registeredAt,
    });
    if (fact !== undefined) facts.push(fact);
  }
  const row = { origin, leaf_index: leafIndex, size: treeSize, root, anchored_at: registeredAt };
  return { facts: [...facts, { fact: 'intake-anchored', row }] };
}

/** Undefined for what counts for nothing, wherever it stands: nobody says here what an intake log lets in. */
function submissionOf(
  leaf: Uint8Array,
  at: {
    readonly origin: string;
    readonly addressee: string;
    readonly leafIndex: number;
    readonly entryIndex: number;
    readonly isVendor: (keyid: string) => boolean;
  },
): IntakeFact | undefined {
  const { origin, addressee } = at;
  let parsed: ReturnType<typeof parseLeaf>;
  try {
    parsed = parseLeaf(leaf);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
  const verdict = admitIntake({ origin, addressee, envelope: parsed.envelope }, verifySpeakerWithNode);
  if (!verdict.admitted || verdict.statement.predicateType !== SUBMISSION_TYPE) return undefined;
  const { body, kind, product } = verdict.statement.predicate;
  return {
    fact: 'submission-entered',
    row: {
      origin,
      entry_index: at.entryIndex,
      head_index: at.leafIndex,
      digest: verdict.payloadDigest,
      registered_at: parsed.registeredAtMs,
      signer: verdict.signer,
      by_vendor: at.isVendor(verdict.signer) ? 1 : 0,
      kind,
      product: product ?? null,
      access: body.access,
      body: body.access === 'public' ? body.digest : body.commitment,
    },
  };
}
