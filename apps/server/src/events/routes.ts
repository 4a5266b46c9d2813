/** HTTP: events of the world, newest first. Anyone may read of them. */
import type { EventList } from '@vitrine/api';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';

const PAGE_EVENTS = 50;

export function addEventRoutes(router: Router, read: ReadDb): void {
  router.on('events', ({ query: { before, limit = PAGE_EVENTS } }) => listEvents(read, before, limit));
}

async function listEvents(read: ReadDb, before: number | undefined, limit: number): Promise<EventList> {
  let query = read.selectFrom('events').selectAll();
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  const rows = await query
    .orderBy('leaf_index', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  return {
    events: shown.map((row) => ({
      index: row.leaf_index,
      registeredAt: row.registered_at,
      happened: row.happened,
      kind: row.kind,
      product: row.product,
      body: row.body_digest,
    })),
    next: rows.length > limit ? (shown.at(-1)?.leaf_index ?? null) : null,
  };
}
