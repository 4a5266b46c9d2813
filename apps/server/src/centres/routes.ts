/** HTTP: the transparency centres. Anyone may read of them. */
import type { Notice, SeenCentre } from '@vitrine/api';
import type { LogView } from '../log/log.ts';
import type { Projector } from '../projection/projector.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import { listCentres } from './queries.ts';

export interface CentreRoutesOptions {
  /** The name of the centre that answers. */
  readonly name: string;
  readonly root: LogView;
  readonly projector: Projector;
  readonly read: ReadDb;
  /** The other centres, as this one last saw them. */
  readonly seen: () => readonly SeenCentre[];
  /** What everyone who reads here must know now. */
  readonly notices: () => readonly Notice[];
}

export function addCentreRoutes(
  router: Router,
  { name, root, projector, read, seen, notices }: CentreRoutesOptions,
): void {
  router.on('centres', async () => {
    const asOfMs = root.published.cosignedAt * 1000;
    const shown = { origin: root.origin, note: root.published.note, asOfMs };
    return {
      rootOrigin: root.origin,
      rootSize: projector.size,
      asOfMs,
      centres: [...(await listCentres(read, name, shown, seen()))],
      notices: [...notices()],
    };
  });
}
