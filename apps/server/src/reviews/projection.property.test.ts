/** The read models and whoever checks them take the same steps: whatever is said, by whomever, the tables hold what the fold in memory holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capacityOf, engagementState, isReviewSaying, ReviewsFold } from '@vitrine/reviews';
import { emptyKeysState, holdsRole, LIAISON_ROLE, parsePublicKey } from '@vitrine/statements';
import type { KeyRecord, KeysState } from '@vitrine/statements';
import { member, memberEnd, organisation } from '@vitrine/statements/intake';
import { histories } from '../../../../packages/reviews/test/histories.ts';
import {
  by,
  CENTRE,
  DAY_MS,
  digestOf,
  FOUND,
  grant,
  joining,
  LAB,
  LEAD,
  ORIGIN,
  PERIOD,
  READER,
  request,
  Said,
  START_MS,
  STRANGER,
  VENDOR,
} from '../../../../packages/reviews/test/world.ts';
import type { Entered } from '../projection/projection.ts';
import { createFoldTables, type ReadDb } from '../projection/schema.ts';
import { openReadModels } from '../storage/sqlite/read-models.ts';
import { reviewsProjection } from './projection.ts';
import { findEngagement, listEngagements } from './queries.ts';
import { storedEngagement, storedFinding, storedNote, storedOpinion, storedOrganisation } from './stored.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 150 : 1_000;

/** The vendor's key is a liaison for `hello`, the product of the engagement, and for nothing else. */
function vendorKeys(products: readonly string[] = ['hello'], more: Partial<KeyRecord> = {}): KeysState {
  const record: KeyRecord = {
    ...parsePublicKey(VENDOR.text),
    roles: [{ role: LIAISON_ROLE, products: [...products] }],
    addedAtMs: 0,
    ...more,
  };
  return { ...emptyKeysState('acme.example/keys'), keys: new Map([[VENDOR.keyid, record]]) };
}

interface Say {
  readonly statement: Entered['statement'];
  readonly signer: { readonly keyid: string };
  readonly keys?: KeysState;
  readonly saidAt?: number;
}

/** Statements as the heads make them part of the view, a minute apart. */
function entering(history: readonly Say[]): readonly Entered[] {
  return history.map(({ keys = vendorKeys(), saidAt, signer, statement }, at) => {
    const registeredAt = START_MS + (at + 1) * 60_000;
    return {
      statement,
      digest: Said.digest(statement),
      signer: signer.keyid,
      origin: ORIGIN,
      entryIndex: at,
      saidAt: saidAt ?? registeredAt,
      intakeKey: CENTRE.keyid,
      head: { keys, leafIndex: at, registeredAt },
    };
  });
}

async function folded<T>(history: readonly Say[], look: (db: ReadDb) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-reviews-'));
  const store = openReadModels(folder);
  try {
    const copy = await store.create();
    await store.show(copy);
    await copy.db.transaction().execute(async (tx) => {
      await createFoldTables(tx);
      await reviewsProjection.createTables(tx);
      await tx
        .insertInto('progress')
        .values({
          id: 1,
          semantics: 1,
          origin: '',
          root_size: history.length,
          root_hash: '',
          keys_size: 0,
          judged_from: 0,
        })
        .execute();
      for (const entered of entering(history)) {
        const facts = (await reviewsProjection.foldEntered?.(tx, entered, [])) ?? [];
        for (const fact of facts) await reviewsProjection.record(tx, fact);
      }
    });
    return await look(copy.db);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

async function inMemory(history: readonly Say[]): Promise<ReviewsFold> {
  const fold = new ReviewsFold();
  for (const { digest, entryIndex, head, intakeKey, saidAt, signer, statement } of entering(history)) {
    if (!isReviewSaying(statement)) continue;
    const { keys, leafIndex, registeredAt: atMs } = head;
    const entry = { origin: ORIGIN, leafIndex: entryIndex };
    const told = { statement, entry, atMs, saidAtMs: saidAt, digest, signer };
    const capacity = await capacityOf(fold, told, {
      intakeKey,
      isLiaison: (keyid, product) =>
        holdsRole(keys, keyid, { role: LIAISON_ROLE, product }, { leafIndex, atMs }),
      isVendorKey: (keyid) => keys.keys.has(keyid),
    });
    await fold.say(told, capacity);
  }
  return fold;
}

const byId = <State extends { readonly id: string }>(states: Iterable<State>): readonly State[] =>
  [...states].toSorted((one, other) => (one.id < other.id ? -1 : 1));

async function statesOf(db: ReadDb) {
  const of = async (
    table:
      | 'review_engagements'
      | 'review_findings'
      | 'review_notes'
      | 'review_opinions'
      | 'review_organisations',
  ) => (await db.selectFrom(table).select('state').execute()).map(({ state }) => state);
  return {
    organisations: byId((await of('review_organisations')).map((text) => storedOrganisation.parse(text))),
    engagements: byId((await of('review_engagements')).map((text) => storedEngagement.parse(text))),
    findings: byId((await of('review_findings')).map((text) => storedFinding.parse(text))),
    opinions: byId((await of('review_opinions')).map((text) => storedOpinion.parse(text))),
    notes: byId((await of('review_notes')).map((text) => storedNote.parse(text))),
  };
}

test('the tables hold what the fold holds, and states are counted as they are', async () => {
  const seen = { opinions: 0, open: 0 };
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const fold = await inMemory(history);
      await folded(history, async (db) => {
        expect(await statesOf(db)).toEqual({
          organisations: byId(fold.organisations.values()),
          engagements: byId(fold.engagements.values()),
          findings: byId(fold.findings.values()),
          opinions: byId(fold.opinions.values()),
          notes: byId(fold.notes.values()),
        });
        for (const atMs of [START_MS + DAY_MS, PERIOD.from, PERIOD.until - 1, PERIOD.until]) {
          const { asOfMs, count, states } = await listEngagements(db, atMs, { limit: 10 });
          expect(asOfMs).toBe(atMs);
          expect(count).toBe(fold.engagements.size);
          for (const engagement of fold.engagements.values()) {
            const state = engagementState(engagement, atMs);
            expect(states[state]).toBeGreaterThan(0);
            if (state === 'open') seen.open++;
            expect(await findEngagement(db, atMs, engagement.id, { limit: 1 })).toMatchObject({
              engagement: { state },
            });
          }
        }
        seen.opinions += fold.opinions.size;
      });
    }),
    { numRuns: RUNS },
  );
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
});

async function refusalsOf(history: readonly Say[]): Promise<readonly (string | null)[]> {
  const rows = await folded(history, (db) =>
    db.selectFrom('review_statements').select('refusal').orderBy('entry_index').execute(),
  );
  return rows.map(({ refusal }) => refusal);
}

const NO_STANDING: unknown = expect.stringContaining('(no-standing)');

test('who has ended says nothing more, whatever the clock of a centre shows', async () => {
  const ended = { member: READER.keyid, organisation: LAB.keyid, reason: 'compromised' } as const;
  const refusals = await refusalsOf([
    { statement: FOUND, signer: LAB },
    { statement: joining(READER, ['administrator']), signer: LAB },
    { statement: memberEnd.of({ ...by(LAB), ...ended }), signer: LAB },
    // Said before by the clock of the centre that took it in, and anchored after.
    { statement: joining(VENDOR, ['lead'], READER), signer: READER, saidAt: START_MS },
  ]);
  expect(refusals).toEqual([null, null, null, NO_STANDING]);
});

test('the vendor is whom the keys log says, for the product and at that time', async () => {
  const asked = request(LAB, { people: [LEAD.keyid] });
  const granted = grant(Said.digest(asked), { people: [LEAD.keyid] });
  const before: Say[] = [
    { statement: FOUND, signer: LAB },
    { statement: joining(LEAD, ['lead']), signer: LAB },
    { statement: asked, signer: LAB },
  ];
  const decided = async (keys: KeysState) =>
    (await refusalsOf([...before, { statement: granted, signer: VENDOR, keys }])).at(-1);
  const atMs = START_MS + 4 * 60_000;
  expect(await decided(vendorKeys())).toBe(null);
  expect(await decided(vendorKeys(['*']))).toBe(null);
  expect(await decided(vendorKeys(['other']))).toEqual(NO_STANDING);
  expect(await decided(vendorKeys(['*'], { roles: [{ role: 'publisher', products: ['*'] }] }))).toEqual(
    NO_STANDING,
  );
  expect(await decided(vendorKeys(['*'], { addedAtMs: atMs }))).toBe(null);
  expect(await decided(vendorKeys(['*'], { addedAtMs: atMs + 1 }))).toEqual(NO_STANDING);
  expect(await decided(vendorKeys(['*'], { endedAtMs: atMs + 1 }))).toBe(null);
  expect(await decided(vendorKeys(['*'], { endedAtMs: atMs }))).toEqual(NO_STANDING);
  // Void from an entry of the root log on: what a later head anchors counts for nothing.
  expect(await decided(vendorKeys(['*'], { voidFrom: 4 }))).toBe(null);
  expect(await decided(vendorKeys(['*'], { voidFrom: 3 }))).toEqual(NO_STANDING);
});

test('a person speaks for the vendor whom an organisation with a liaison’s key named as its liaison', async () => {
  const asked = request(LAB, { people: [LEAD.keyid] });
  const granted = grant(Said.digest(asked), { people: [LEAD.keyid] }, STRANGER);
  const house = organisation.of({
    ...by(VENDOR),
    body: { digest: digestOf('vendor') },
    organisation: VENDOR.keyid,
    version: 1,
  });
  const naming = (roles: 'lead' | 'liaison', signer = VENDOR) =>
    member.of({ ...by(signer), member: STRANGER.text, organisation: signer.keyid, roles: [roles] });
  const decided = async (named: ReturnType<typeof naming>, signer = VENDOR, keys = vendorKeys()) =>
    (
      await refusalsOf([
        { statement: FOUND, signer: LAB },
        { statement: joining(LEAD, ['lead']), signer: LAB },
        { statement: asked, signer: LAB },
        { statement: house, signer: VENDOR },
        { statement: named, signer },
        { statement: granted, signer: STRANGER, keys },
      ])
    ).at(-1);
  expect(await decided(naming('liaison'))).toBe(null);
  expect(await decided(naming('lead'))).toEqual(NO_STANDING);
  expect(await decided(naming('liaison', LAB), LAB)).toEqual(NO_STANDING);
  expect(await decided(naming('liaison'), VENDOR, vendorKeys(['other']))).toEqual(NO_STANDING);
});
