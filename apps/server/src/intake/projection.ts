/**
 * What entered at the centres: at each true head of an announced centre's intake log, the entries of that log up to it become part
 * of the view. So a root size names one state of every intake log too.
 */
import {
  HEAD_TYPE,
  type Leaf,
  parseLeaf,
  publicKeyFromRaw,
  StatementError,
  SUBMISSION_TYPE,
} from '@vitrine/statements';
import { admitIntake, namedBodies } from '@vitrine/statements/intake';
import { encodeHex, parseVkey } from '@vitrine/tlog';
import { verifySpeakerWithNode } from '../identity/verify.ts';
import type { LogView } from '../log/log.ts';
import { type Entered, type Folded, NOTHING, type Projection, type Told } from '../projection/projection.ts';
import type { Fact, ReadTx } from '../projection/schema.ts';

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
      await schema
        .createTable('entered_bodies')
        .addColumn('origin', 'text', (column) => column.notNull())
        .addColumn('entry_index', 'bigint', (column) => column.notNull())
        .addColumn('statement', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addColumn('access', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('entered_bodies_key', ['origin', 'entry_index', 'body'])
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
      const { head } = told.statement.predicate;
      const centre = await tx
        .selectFrom('centres')
        .select(['name', 'url', 'intake_origin', 'intake_vkey'])
        .where('intake_origin', '=', head.origin)
        .executeTakeFirst();
      if (centre === undefined) return NOTHING;
      return foldHead(tx, told, centre, (size) => held(centre, size));
    },

    foldEntered: (_tx, entered) => Promise.resolve(factsOfEntered(entered)),

    async record(tx, fact) {
      if (fact.fact === 'submission-entered') await tx.insertInto('submissions').values(fact.row).execute();
      if (fact.fact === 'body-entered') await tx.insertInto('entered_bodies').values(fact.row).execute();
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
  told: Told,
  { intake_vkey: intakeVkey }: AnnouncedIntake,
  held: (size: number) => Promise<LogView>,
): Promise<Folded> {
  if (told.statement.predicateType !== HEAD_TYPE) return NOTHING;
  const { leafIndex, registeredAt } = told;
  const {
    head: { origin, root, treeSize },
    log: addressee,
  } = told.statement.predicate;
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
  const row = { origin, leaf_index: leafIndex, size: treeSize, root, anchored_at: registeredAt };
  return {
    facts: [{ fact: 'intake-anchored', row }],
    entered: enteredIn(log, { from, treeSize }, { addressee, head: told, intakeVkey }),
  };
}

/** What counts of the entries that a head adds: nobody says here what an intake log lets in, so the rest is passed over. */
async function* enteredIn(
  log: LogView,
  { from, treeSize }: { readonly from: number; readonly treeSize: number },
  {
    addressee,
    head,
    intakeVkey,
  }: { readonly addressee: string; readonly head: Told; readonly intakeVkey: string },
): AsyncGenerator<Entered> {
  const { origin } = log;
  const intakeKey = publicKeyFromRaw(parseVkey(intakeVkey).publicKey).keyid;
  for await (const { leaf, leafIndex: entryIndex } of log.readEntries(from, treeSize)) {
    const parsed = parsedLeaf(leaf);
    if (parsed === undefined) continue;
    const verdict = admitIntake({ origin, addressee, envelope: parsed.envelope }, verifySpeakerWithNode);
    if (!verdict.admitted) continue;
    const { payloadDigest: digest, signer, statement } = verdict;
    yield { statement, digest, signer, origin, entryIndex, saidAt: parsed.registeredAtMs, intakeKey, head };
  }
}

function parsedLeaf(leaf: Uint8Array): Leaf | undefined {
  try {
    return parseLeaf(leaf);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

function factsOfEntered(entered: Entered): readonly Fact[] {
  const { digest, entryIndex, head, origin, saidAt, signer, statement } = entered;
  const facts: Fact[] = [];
  if (statement.predicateType === SUBMISSION_TYPE) {
    const { body, kind, product } = statement.predicate;
    const isVendor = (head.keys.keys.get(signer)?.addedAtMs ?? Infinity) <= head.registeredAt;
    facts.push({
      fact: 'submission-entered',
      row: {
        origin,
        entry_index: entryIndex,
        head_index: head.leafIndex,
        digest,
        registered_at: saidAt,
        signer,
        by_vendor: isVendor ? 1 : 0,
        kind,
        product: product ?? null,
        access: body.access,
        body: body.access === 'public' ? body.digest : body.commitment,
      },
    });
  }
  for (const { access, digest: body } of namedBodies(statement))
    facts.push({
      fact: 'body-entered',
      row: { origin, entry_index: entryIndex, statement: digest, body, access },
    });
  return facts;
}
