/** What is known of commitments: the steps of @vitrine/commitments, with the facts in tables. */
import {
  consequencesOf,
  cosignedTreeSize,
  documentOfSubmission,
  endEvidence,
  inForce,
  interestsMetBy,
  interestsOf,
  isCommitmentSaying,
  isConsequential,
  lookBack,
  parseAcceptance,
  sayOfCommitment,
  takeEvidence,
  typesOf,
  voidedEvidenceOf,
} from '@vitrine/commitments';
import type {
  Centres,
  CommitmentFacts,
  EarlierEvidence,
  EvidenceDocument,
  EvidenceEnd,
  Requirement,
  Told as CommitmentTold,
} from '@vitrine/commitments';
import {
  CENTRE_TYPE,
  COMMITMENT_TYPE,
  COSIGNED_TYPE,
  EVENT_TYPE,
  SUBMISSION_TYPE,
} from '@vitrine/statements';
import { NOTHING } from '../projection/projection.ts';
import type { Entered, Folded, Projection, Told } from '../projection/projection.ts';
import type { Fact, ReadTx } from '../projection/schema.ts';
import type { CommitmentFact } from './tables.ts';
import { formatDocument, formatFacts, parseDocument, parseFacts } from './stored.ts';

export interface CommitmentsProjectionOptions {
  /** Of the root log. */
  readonly origin: string;
  /** The root of the root log at a size that is not above the entry's index, 32 bytes. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
}

export function commitmentsProjection({ origin, rootAt }: CommitmentsProjectionOptions): Projection {
  async function foldSaying(tx: ReadTx, told: CommitmentTold): Promise<Folded> {
    const { statement } = told;
    if (!isCommitmentSaying(statement)) return NOTHING;
    const { predicate, predicateType } = statement;
    const known = await readFacts(tx, predicate.id);
    const said = sayOfCommitment(known, { ...told, statement });
    if (said.refusal !== undefined) return { refusal: `${said.refusal.reason} (${said.refusal.code})` };
    const earlier = await readEarlier(tx, said.lookBack, origin);
    const facts = lookBack(said.facts, said.lookBack, earlier);
    const bodies = [
      ...('body' in predicate ? [predicate.body.digest] : []),
      ...(predicateType === COMMITMENT_TYPE ? [] : [predicate.reason.digest]),
    ];
    return {
      facts: [
        { fact: 'commitment-said', row: rowOf(facts) },
        ...bodies.map((digest) => published(digest, told.entry.leafIndex)),
      ],
    };
  }

  /** What the consequences of a statement depend on besides it. */
  async function known(tx: ReadTx, { entry, statement }: CommitmentTold) {
    const asksForCentres =
      statement.predicateType === CENTRE_TYPE || statement.predicateType === COSIGNED_TYPE;
    const treeSize = statement.predicateType === COSIGNED_TYPE ? cosignedTreeSize(statement) : undefined;
    const cosignedRoot =
      treeSize === undefined || treeSize > entry.leafIndex ? undefined : await rootAt(treeSize);
    const centres: Centres = asksForCentres ? await readCentres(tx) : new Map();
    return { centres, cosignedRoot };
  }

  async function foldEvidence(tx: ReadTx, told: CommitmentTold): Promise<Folded> {
    const { entry, statement } = told;
    const { leafIndex } = entry;
    const { centres, cosignedRoot } = await known(tx, told);
    const { documents, ends } = consequencesOf(told, centres, cosignedRoot);

    const changed = await shownBy(tx, documents);
    for (const end of ends) {
      for (const id of await readResting(tx, end.name)) {
        const facts = changed.get(id) ?? (await readFacts(tx, id));
        if (facts !== undefined) changed.set(id, endEvidence(facts, end));
      }
    }
    return {
      facts: [
        ...documents.map((document, position) => evidenceTold(document, leafIndex, position)),
        ...ends.map(
          ({ atMs, name }): Fact => ({
            fact: 'evidence-ended',
            row: { name, at: atMs, leaf_index: leafIndex },
          }),
        ),
        ...[...changed.values()].map((facts): Fact => ({ fact: 'commitment-shown', row: rowOf(facts) })),
        ...(statement.predicateType === EVENT_TYPE
          ? [published(statement.predicate.body.digest, leafIndex)]
          : []),
      ],
    };
  }

  return {
    name: 'commitments',
    createTables,
    fold(tx, told) {
      if (isCommitmentSaying(told.statement)) return foldSaying(tx, toldOf(told, origin));
      return isConsequential(told.statement)
        ? foldEvidence(tx, toldOf(told, origin))
        : Promise.resolve(NOTHING);
    },
    async foldVoided(tx, told, { atMs, leafIndex: revokedBy, origin: keysOrigin }) {
      if (isCommitmentSaying(told.statement) || !isConsequential(told.statement)) return [];
      const statement = toldOf(told, origin);
      const voided = { atMs, entry: { origin: keysOrigin, leafIndex: revokedBy } };
      const { centres, cosignedRoot } = await known(tx, statement);
      const documents = voidedEvidenceOf(statement, voided, centres, cosignedRoot);
      const changed = await shownBy(tx, documents);
      return [
        ...documents.map((document, position) => evidenceTold(document, told.leafIndex, position)),
        ...[...changed.values()].map((facts): Fact => ({ fact: 'commitment-shown', row: rowOf(facts) })),
      ];
    },
    foldEntered,
    record,
  };
}

/** What entered at a centre is evidence from the head on that makes it part of the view. */
async function foldEntered(tx: ReadTx, entered: Entered): Promise<readonly Fact[]> {
  const { digest, entryIndex, head, origin, signer, statement } = entered;
  if (statement.predicateType !== SUBMISSION_TYPE) return [];
  const { body, kind, product } = statement.predicate;
  const document = documentOfSubmission({
    entry: { origin, leafIndex: entryIndex },
    payloadDigest: digest,
    signer,
    kind,
    product,
    access: body.access,
    vendor: (head.keys.keys.get(signer)?.addedAtMs ?? Infinity) <= head.registeredAt,
    anchoredAtMs: head.registeredAt,
  });
  const changed = await shownBy(tx, [document]);
  return [
    evidenceTold(document, head.leafIndex, entryIndex),
    ...[...changed.values()].map((facts): Fact => ({ fact: 'commitment-shown', row: rowOf(facts) })),
  ];
}

function evidenceTold(document: EvidenceDocument, leafIndex: number, position: number): Fact {
  const { type } = document;
  return {
    fact: 'evidence-told',
    row: { leaf_index: leafIndex, position, type, document: formatDocument(document) },
  };
}

async function createTables({ schema }: ReadTx): Promise<void> {
  await schema
    .createTable('commitments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('leaf_index', 'bigint', (column) => column.notNull().unique())
    .addColumn('facts', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('commitment_interests')
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('requirement', 'integer', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('member', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('commitment_interests_met')
    .on('commitment_interests')
    .columns(['type', 'member', 'value'])
    .execute();
  await schema.createIndex('commitment_interests_id').on('commitment_interests').column('id').execute();
  await schema
    .createTable('commitment_rests')
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('commitment_rests_key', ['name', 'id'])
    .execute();
  await schema
    .createTable('evidence_documents')
    .addColumn('leaf_index', 'bigint', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('evidence_documents_key', ['leaf_index', 'position'])
    .execute();
  await schema
    .createIndex('evidence_documents_type')
    .on('evidence_documents')
    .columns(['type', 'leaf_index'])
    .execute();
  await schema
    .createTable('evidence_ends')
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('leaf_index', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('evidence_ends_key', ['name', 'leaf_index'])
    .execute();
}

async function record(tx: ReadTx, fact: Fact): Promise<void> {
  switch (fact.fact) {
    case 'commitment-said':
    case 'commitment-shown':
      await recordCommitment(tx, fact);
      break;
    case 'evidence-told':
      await tx.insertInto('evidence_documents').values(fact.row).execute();
      break;
    case 'evidence-ended':
      await tx.insertInto('evidence_ends').values(fact.row).execute();
      break;
    default:
  }
}

/** The commitments that documents change, as they are after all of them. */
async function shownBy(
  tx: ReadTx,
  documents: readonly EvidenceDocument[],
): Promise<Map<string, CommitmentFacts>> {
  const changed = new Map<string, CommitmentFacts>();
  for (const document of documents) {
    for (const { id, requirement } of await readInterested(tx, document)) {
      const facts = changed.get(id) ?? (await readFacts(tx, id));
      const asked = facts === undefined ? undefined : requirementsOf(facts)[requirement];
      if (facts === undefined || asked === undefined) continue;
      const taken = takeEvidence(facts, asked, document);
      if (taken !== undefined) changed.set(id, taken);
    }
  }
  return changed;
}

async function recordCommitment(
  tx: ReadTx,
  fact: Extract<CommitmentFact, { readonly fact: 'commitment-said' | 'commitment-shown' }>,
): Promise<void> {
  await tx
    .insertInto('commitments')
    .values(fact.row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ facts: fact.row.facts }))
    .execute();
  const facts = parseFacts(fact.row.facts);
  if (fact.fact === 'commitment-said') await recordInterests(tx, facts);
  const names = new Set(
    inForce(facts).evidence.flatMap((pieces) => pieces.flatMap(({ restsOn }) => restsOn)),
  );
  if (names.size === 0) return;
  await tx
    .insertInto('commitment_rests')
    .values([...names].map((name) => ({ name, id: facts.id })))
    .onConflict((conflict) => conflict.columns(['name', 'id']).doNothing())
    .execute();
}

async function recordInterests(tx: ReadTx, facts: CommitmentFacts): Promise<void> {
  await tx.deleteFrom('commitment_interests').where('id', '=', facts.id).execute();
  const rows = requirementsOf(facts).flatMap((requirement) =>
    interestsOf(requirement).map((interest) => ({
      ...interest,
      id: facts.id,
      requirement: requirement.index,
    })),
  );
  if (rows.length > 0) await tx.insertInto('commitment_interests').values(rows).execute();
}

/** None of one that is withdrawn: nothing can keep it any more. */
function requirementsOf(facts: CommitmentFacts): readonly Requirement[] {
  const { acceptance } = inForce(facts);
  return acceptance === undefined || facts.withdrawal !== undefined ? [] : parseAcceptance(acceptance);
}

function toldOf(
  { digest, leafIndex, registeredAt, signers, statement }: Told,
  origin: string,
): CommitmentTold {
  return {
    payloadDigest: digest,
    registeredAtMs: registeredAt,
    signers,
    statement,
    entry: { origin, leafIndex },
  };
}

function rowOf(facts: CommitmentFacts): { id: string; leaf_index: number; facts: string } {
  const [first] = facts.versions;
  if (first === undefined) throw new TypeError('a commitment has a first version');
  return { id: facts.id, leaf_index: first.entry.leafIndex, facts: formatFacts(facts) };
}

function published(digest: string, leafIndex: number): Fact {
  return { fact: 'body-published', row: { digest, leaf_index: leafIndex } };
}

async function readFacts(tx: ReadTx, id: string): Promise<CommitmentFacts | undefined> {
  const row = await tx.selectFrom('commitments').select('facts').where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : parseFacts(row.facts);
}

/** In the order in which the commitments were made, so that every centre takes the same steps. */
async function readInterested(
  tx: ReadTx,
  document: EvidenceDocument,
): Promise<readonly { readonly id: string; readonly requirement: number }[]> {
  return tx
    .selectFrom('commitment_interests')
    .innerJoin('commitments', 'commitments.id', 'commitment_interests.id')
    .select(['commitment_interests.id', 'commitment_interests.requirement', 'commitments.leaf_index'])
    .distinct()
    .where((where) =>
      where.or(interestsMetBy(document).map(({ member, type, value }) => where.and({ type, member, value }))),
    )
    .orderBy('commitments.leaf_index')
    .orderBy('commitment_interests.requirement')
    .execute();
}

async function readResting(tx: ReadTx, name: string): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('commitment_rests')
    .select('id')
    .where('name', '=', name)
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

async function readCentres(tx: ReadTx): Promise<Centres> {
  const rows = await tx.selectFrom('centres').selectAll().orderBy('leaf_index').execute();
  return new Map(
    rows.map(
      ({
        city,
        country,
        intake_origin,
        intake_vkey,
        mirror,
        name,
        operator,
        region,
        version,
        witness,
        working,
      }) => [
        name,
        {
          centre: { city, country, name, operator, region },
          intake: { origin: intake_origin, vkey: intake_vkey },
          mirror,
          version,
          witness,
          working: working === 1,
        },
      ],
    ),
  );
}

async function readEarlier(
  tx: ReadTx,
  requirements: readonly Requirement[],
  origin: string,
): Promise<EarlierEvidence> {
  const types = [...typesOf(requirements)];
  if (types.length === 0) return { documents: () => [], ends: () => [] };
  const rows = await tx
    .selectFrom('evidence_documents')
    .select('document')
    .where('type', 'in', types)
    .orderBy('leaf_index')
    .orderBy('position')
    .execute();
  const ended = await tx.selectFrom('evidence_ends').selectAll().orderBy('leaf_index').execute();
  const ends = Map.groupBy(
    ended.map(
      ({ at, leaf_index: leafIndex, name }): EvidenceEnd => ({
        name,
        atMs: at,
        entry: { origin, leafIndex },
      }),
    ),
    ({ name }) => name,
  );
  return {
    documents: () => rows.map(({ document }) => parseDocument(document)),
    ends: (name) => ends.get(name) ?? [],
  };
}
