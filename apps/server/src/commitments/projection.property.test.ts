/** The read models and whoever checks them take the same steps: whatever is told, the tables hold what the fold in memory holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommitmentsFold, consequencesOf, isCommitmentSaying, voidedEvidenceOf } from '@vitrine/commitments';
import type { Told } from '@vitrine/commitments';
import { emptyKeysState, RELEASE_TYPE, releaseStatement, withdrawalStatement } from '@vitrine/statements';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  amendment,
  DIGEST,
  event,
  eventOf,
  LOG,
  needs,
  promise,
  Teller,
  withdrawal,
} from '../../../../packages/commitments/test/told.ts';
import { centresProjection } from '../centres/projection.ts';
import { createFoldTables } from '../projection/schema.ts';
import { openReadModels } from '../storage/sqlite/read-models.ts';
import { commitmentsProjection } from './projection.ts';
import { everyCommitment } from './queries.ts';

const runs = (count: number): number =>
  process.env['VITRINE_SOAK'] === undefined ? Math.ceil(count / 50) : count;

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const cities = ['Zurich', 'Singapore', 'Washington'] as const;

const opened = needs(eventOf('opened'), { count: 2, distinctBy: '/city' });
const release = releaseStatement({
  artifacts: { count: 1, list: DIGEST },
  log: LOG,
  product: 'engine',
  source: { files: 1, manifest: DIGEST, root: DIGEST },
  version: '1.0',
});
const acceptances = [
  opened,
  needs(eventOf('published')),
  needs(eventOf('published'), { retroactive: true }),
  needs({ by: 'vendor', schema: {}, type: RELEASE_TYPE }),
  {
    all: [...opened.all, { count: 1, evidence: [eventOf('published'), eventOf('opened')], words: 'either' }],
  },
];
const VOIDED = {
  atMs: START_MS + 30 * HOUR_MS,
  entry: { origin: 'acme.example/keys', leafIndex: 9 },
};
const ids = ['a', 'b', 'c'] as const;

/** One thing that is said; promises are about all, or about the product. */
const sayings = fc.oneof(
  fc.record({
    say: fc.constant('promise'),
    id: fc.constantFrom(...ids),
    acceptance: fc.nat(4),
    about: fc.boolean(),
  }),
  fc.record({
    say: fc.constant('amend'),
    id: fc.constantFrom(...ids),
    acceptance: fc.nat(4),
    version: fc.integer({ min: 2, max: 3 }),
  }),
  fc.record({ say: fc.constant('withdraw'), id: fc.constantFrom(...ids) }),
  fc.record({ say: fc.constant('opened'), city: fc.constantFrom(...cities), about: fc.boolean() }),
  fc.record({ say: fc.constant('published'), about: fc.boolean() }),
  fc.constant({ say: 'release' } as const),
  fc.constant({ say: 'withdraw release' } as const),
);

test('the tables hold what the fold holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sayings, { maxLength: 30 }), fc.array(fc.nat(29)), async (list, stolen) => {
      const teller = new Teller();
      const made = new Map<string, ReturnType<typeof promise>>();
      const told = list.map((one, at): Told => {
        const time = new Date(START_MS + at * HOUR_MS).toISOString();
        const about = 'about' in one && one.about ? 'engine' : undefined;
        const acceptance = 'acceptance' in one ? acceptances[one.acceptance] : undefined;
        const asked = acceptance === undefined ? {} : { acceptance };
        const known = 'id' in one ? (made.get(one.id) ?? promise({ id: one.id })) : promise();
        switch (one.say) {
          case 'promise': {
            const said = promise({
              id: known.predicate.id,
              ...asked,
              ...(about === undefined ? {} : { product: about }),
            });
            made.set(known.predicate.id, made.get(known.predicate.id) ?? said);
            return teller.at(time, said);
          }
          case 'amend':
            return teller.at(time, amendment(known, 'version' in one ? one.version : 2, asked));
          case 'withdraw':
            return teller.at(time, withdrawal(known, known.predicate.product));
          case 'opened':
            return teller.at(
              time,
              event('opened', '2026-01-01', { city: 'city' in one ? one.city : '' }, about),
            );
          case 'published':
            return teller.at(time, event('published', '2026-01-01', {}, about));
          case 'release':
            return teller.at(time, release);
          default:
            return teller.at(
              time,
              withdrawalStatement({
                log: LOG,
                product: 'engine',
                version: '1.0',
                release: teller.at(time, release).payloadDigest,
                reason: { digest: DIGEST },
              }),
            );
        }
      });

      const fold = new CommitmentsFold();
      const refusals = told.map((one, at) => {
        if (stolen.includes(at)) {
          if (isCommitmentSaying(one.statement)) return undefined;
          for (const document of voidedEvidenceOf(one, VOIDED, new Map())) fold.take(document);
          return undefined;
        }
        if (isCommitmentSaying(one.statement)) return fold.say(one)?.code;
        const { documents, ends } = consequencesOf(one, new Map());
        for (const document of documents) fold.take(document);
        for (const end of ends) fold.end(end);
        return undefined;
      });

      const tables = await projected(told, stolen);
      expect(tables.refusals.map((refusal) => /\(([a-z-]+)\)$/.exec(refusal ?? '')?.[1])).toEqual(refusals);
      expect(tables.commitments).toEqual([...fold.commitments.values()]);
    }),
    { numRuns: runs(1000) },
  );
});

/** @param stolen which of them a key signed that was revoked as compromised later */
async function projected(told: readonly Told[], stolen: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-commitments-'));
  const store = openReadModels(folder);
  try {
    const copy = await store.create();
    const rootAt = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(32));
    const projections = [
      centresProjection(() => Promise.resolve('')),
      commitmentsProjection({ origin: LOG, rootAt }),
    ];
    const refusals = await copy.db.transaction().execute(async (tx) => {
      await createFoldTables(tx);
      for (const projection of projections) await projection.createTables(tx);
      const reasons: (string | undefined)[] = [];
      for (const [at, { entry, payloadDigest, registeredAtMs, signers, statement }] of told.entries()) {
        const facts = [];
        let reason: string | undefined;
        const one = {
          leafIndex: entry.leafIndex,
          registeredAt: registeredAtMs,
          digest: payloadDigest,
          signers,
          statement,
          keys: emptyKeysState('acme.example/keys'),
        };
        for (const projection of projections) {
          if (stolen.includes(at)) {
            const { atMs, entry: by } = VOIDED;
            facts.push(...((await projection.foldVoided?.(tx, one, { ...by, atMs })) ?? []));
            continue;
          }
          const folded = await projection.fold(tx, one);
          if ('refusal' in folded) reason ??= folded.refusal;
          else facts.push(...folded.facts);
        }
        reasons.push(reason);
        if (reason !== undefined) continue;
        for (const fact of facts) for (const projection of projections) await projection.record(tx, fact);
      }
      return reasons;
    });
    return { refusals, commitments: await everyCommitment(copy.db) };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}
