/** What the log says of the transparency centres: who they are, and that they have cosigned it. */
import { CENTRE_TYPE, COSIGNED_TYPE, whyNotAnnounced } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';
import { centresInForce } from './announcement.ts';
import { cosignaturesBy, readCosigned } from './cosignatures.ts';

/** @param rootAt the root (hex) of the root log at a size that is not above the entry's index */
export function centresProjection(rootAt: (size: number) => Promise<string>): Projection {
  return {
    name: 'centres',
    async createTables({ schema }) {
      await schema
        .createTable('centres')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('leaf_index', 'bigint', (column) => column.notNull())
        .addColumn('announced_at', 'bigint', (column) => column.notNull())
        .addColumn('since', 'bigint', (column) => column.notNull())
        .addColumn('version', 'bigint', (column) => column.notNull())
        .addColumn('operator', 'text', (column) => column.notNull())
        .addColumn('city', 'text', (column) => column.notNull())
        .addColumn('country', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('url', 'text', (column) => column.notNull())
        .addColumn('working', 'integer', (column) => column.notNull())
        .addColumn('witness', 'text', (column) => column.notNull())
        .addColumn('mirror', 'text', (column) => column.notNull())
        .addColumn('intake_origin', 'text', (column) => column.notNull())
        .addColumn('intake_vkey', 'text', (column) => column.notNull())
        .execute();
      await schema
        .createTable('centre_cosignatures')
        .addColumn('leaf_index', 'bigint', (column) => column.notNull())
        .addColumn('centre', 'text', (column) => column.notNull())
        .addColumn('key_kind', 'text', (column) => column.notNull())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('cosigned_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('centre_cosignatures_key', ['centre', 'key_kind', 'leaf_index'])
        .execute();
      await schema
        .createIndex('centre_cosignatures_time')
        .on('centre_cosignatures')
        .columns(['centre', 'cosigned_at'])
        .execute();
    },

    async fold(tx, { leafIndex, registeredAt, statement }) {
      if (statement.predicateType === CENTRE_TYPE) {
        const { centre, intake, mirror, version, witness, working } = statement.predicate;
        const refusal = whyNotAnnounced(statement.predicate, await centresInForce(tx));
        if (refusal !== undefined) return { refusal };
        return {
          facts: [
            {
              fact: 'centre-announced',
              row: {
                ...centre,
                leaf_index: leafIndex,
                announced_at: registeredAt,
                version,
                working: working ? 1 : 0,
                witness,
                mirror,
                intake_origin: intake.origin,
                intake_vkey: intake.vkey,
              },
            },
          ],
        };
      }
      if (statement.predicateType !== COSIGNED_TYPE) return NOTHING;
      const { checkpoint, log } = statement.predicate;
      const opened = readCosigned(checkpoint, log);
      if (opened === undefined) return { refusal: 'what it carries is no checkpoint of this log' };
      if (opened.size > leafIndex)
        return {
          refusal: `its checkpoint of ${opened.size} entries says something of entries that come after it`,
        };
      if (encodeHex(opened.root) !== statement.subject[0].digest.sha256)
        return { refusal: 'its subject is not the root of the checkpoint that it carries' };
      if (encodeHex(opened.root) !== (await rootAt(opened.size)))
        return { refusal: `its checkpoint has another root at ${opened.size} entries than this log` };
      const centres = await tx
        .selectFrom('centres')
        .select(['name', 'witness', 'mirror'])
        .where('working', '=', 1)
        .orderBy('name')
        .execute();
      return {
        facts: cosignaturesBy(opened.note, centres).map(({ centre, cosignedAtMs, kind }) => ({
          fact: 'centre-cosigned' as const,
          row: {
            leaf_index: leafIndex,
            centre,
            key_kind: kind,
            size: opened.size,
            // A centre whose clock is ahead has not cosigned later than the log knew it.
            cosigned_at: Math.min(cosignedAtMs, registeredAt),
          },
        })),
      };
    },

    async record(tx, fact) {
      if (fact.fact === 'centre-cosigned')
        await tx.insertInto('centre_cosignatures').values(fact.row).execute();
      if (fact.fact !== 'centre-announced') return;
      await tx
        .insertInto('centres')
        .values({ ...fact.row, since: fact.row.announced_at })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(fact.row))
        .execute();
    },
  };
}
