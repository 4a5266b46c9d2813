/** What is known of the centres, in the shape of the HTTP contract. */
import type { AnnouncedCentre, SeenCentre } from '@vitrine/api';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import { cosignaturesBy, readCosigned } from './cosignatures.ts';
import { cosignedDays, DAY_MS } from './cosigned-days.ts';
import type { CentreKeyKind } from './tables.ts';

const DAYS_SHOWN = 30;

/** The newest checkpoint of the root log that everybody may see. */
export interface ShownCheckpoint {
  readonly origin: string;
  readonly note: string;
  /** Milliseconds since 1970: when it was published. */
  readonly asOfMs: number;
}

interface Cosigned {
  readonly centre: string;
  readonly kind: CentreKeyKind;
  readonly size: number;
  readonly atMs: number;
}

/** The announced centres by name. `selfName`: the one that answers; `seen`: what it has seen of the others. */
export function listCentres(
  read: ReadDb,
  selfName: string,
  shown: ShownCheckpoint,
  seen: readonly SeenCentre[],
): Promise<readonly AnnouncedCentre[]> {
  const firstDayMs = (Math.floor(shown.asOfMs / DAY_MS) - DAYS_SHOWN + 1) * DAY_MS;
  return snapshot(read, async (at) => {
    const centres = await at.selectFrom('centres').selectAll().orderBy('name').execute();
    const newest = await at
      .selectFrom('centre_cosignatures')
      .select(({ fn }) => ['centre', 'key_kind as kind', fn.max('cosigned_at').as('atMs')])
      // A size never shrinks, so the newest one is the largest.
      .select(({ fn }) => fn.max('size').as('size'))
      .groupBy(['centre', 'key_kind'])
      .execute();
    const recent = await at
      .selectFrom('centre_cosignatures')
      .select(['centre', 'cosigned_at'])
      .where('cosigned_at', '>=', firstDayMs - DAY_MS)
      .execute();
    const onCheckpoint = cosignedNow(shown, centres);
    return centres.map((row): AnnouncedCentre => {
      const last = (kind: CentreKeyKind): { size: number; atMs: number } | null => {
        const known = [...newest, ...onCheckpoint]
          .filter((one) => one.centre === row.name && one.kind === kind)
          .toSorted((left, right) => right.atMs - left.atMs)[0];
        return known === undefined ? null : { size: known.size, atMs: known.atMs };
      };
      const timesMs = [
        ...recent.filter(({ centre }) => centre === row.name).map((one) => one.cosigned_at),
        ...onCheckpoint.filter(({ centre }) => centre === row.name).map((one) => one.atMs),
      ];
      return {
        name: row.name,
        operator: row.operator,
        city: row.city,
        country: row.country,
        region: row.region,
        url: row.url,
        working: row.working === 1,
        witnessVkey: row.witness,
        mirrorVkey: row.mirror,
        intakeOrigin: row.intake_origin,
        announcedAt: row.announced_at,
        leafIndex: row.leaf_index,
        lastCosigned: { witness: last('witness'), mirror: last('mirror') },
        days: [...cosignedDays(timesMs, Math.max(firstDayMs, row.since), shown.asOfMs)],
        self: row.name === selfName,
        seen: seenOf(row.url, seen),
      };
    });
  });
}

/** Centres are looked at where they are announced to be. */
function seenOf(at: string, all: readonly SeenCentre[]): AnnouncedCentre['seen'] {
  const found = all.find(({ url }) => url === at);
  if (found === undefined) return null;
  const { answeredAtMs, otherView, unreachableSinceMs, verified } = found;
  return { answeredAtMs, otherView, unreachableSinceMs, verified };
}

/** What the published checkpoint itself carries: newer than what the log holds of it. */
function cosignedNow(
  { asOfMs, note, origin }: ShownCheckpoint,
  centres: readonly { readonly name: string; readonly witness: string; readonly mirror: string }[],
): readonly Cosigned[] {
  const opened = readCosigned(note, origin);
  if (opened === undefined) return [];
  return cosignaturesBy(opened.note, centres).map(({ centre, cosignedAtMs, kind }) => ({
    centre,
    kind,
    size: opened.size,
    atMs: Math.min(cosignedAtMs, asOfMs),
  }));
}
