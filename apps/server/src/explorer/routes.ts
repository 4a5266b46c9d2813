/** HTTP: what the centre is, its logs and their entries. Anyone may read them. */
import type { Centre } from '@vitrine/api';
import { encodeHex } from '@vitrine/tlog';
import type { Closings } from '../closings/closings.ts';
import { CentreError } from '../error.ts';
import type { LogView, LogViews } from '../log/log.ts';
import type { Projector } from '../projection/projector.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import { entryDetail, entryRow } from './entries.ts';
import type { RefusalOf } from './entries.ts';
import { kindOf, summaryOf } from './log-summary.ts';

const DEFAULT_LIMIT = 50;

export interface ExplorerOptions {
  readonly name: string;
  readonly version: string;
  readonly operators: readonly string[];
  /** The vkey of the instance's cosigner. */
  readonly cosigner: string;
  /** Hex SHA-256 of entry 0 of the keys log. */
  readonly entry0: string;
  /** The verification policy's text. */
  readonly policy: string;
  readonly logs: LogViews;
  readonly closings: Pick<Closings, 'of'>;
  readonly read: ReadDb;
  readonly projector: Projector;
}

export function addExplorerRoutes(router: Router, options: ExplorerOptions): void {
  const { closings, logs, read, projector } = options;
  const closedOf = ({ origin }: LogView) => closings.of(origin);

  function logOf(name: string): LogView {
    if (!logs.names.includes(name))
      throw new CentreError('unknown-log', `There is no log “${name}”. GET /api/centre lists the logs.`);
    return logs.get(name);
  }

  /** Shown entries are folded ones, so that a page never says "admitted" before the projection has judged. */
  function refusals(log: LogView): RefusalOf | undefined {
    const kind = kindOf(log);
    if (kind === 'open' || kind === 'intake') return undefined;
    if (log.name === 'keys') return (leafIndex) => Promise.resolve(projector.keysRefusal(leafIndex));
    return async (leafIndex) => {
      await projector.whenFolded(leafIndex + 1);
      const row = await read
        .selectFrom('statements')
        .select('refusal')
        .where('leaf_index', '=', leafIndex)
        .executeTakeFirst();
      return row?.refusal ?? null;
    };
  }

  router.on('centre', async () => {
    const totals = await read.selectFrom('totals').selectAll().executeTakeFirstOrThrow();
    const centre: Centre = {
      name: options.name,
      version: options.version,
      entry0: options.entry0,
      cosigner: options.cosigner,
      operators: [...options.operators],
      products: totals.products,
      releases: totals.releases,
      artifacts: totals.artifacts,
      logs: logs.names.map((name) => summaryOf(logs.get(name), closedOf(logs.get(name)))),
    };
    return centre;
  });
  router.on('policy', () => Promise.resolve({ bytes: options.policy, fileName: 'policy.txt' }));
  router.on('log', ({ params }) => {
    const log = logOf(params.log);
    return Promise.resolve({
      ...summaryOf(log, closedOf(log)),
      checkpoint: log.published.note,
      root: encodeHex(log.published.root),
    });
  });
  router.on('entries', async ({ params, query }) => {
    const log = logOf(params.log);
    const { size } = log.published;
    const limit = query.limit ?? DEFAULT_LIMIT;
    const first = query.after === undefined ? 0 : Math.min(query.after + 1, size);
    const last = Math.max(first, Math.min(query.before ?? size, size));
    // From the end that is named; from the newest when both are or none is.
    const isUpwards = query.after !== undefined && query.before === undefined;
    const start = isUpwards ? first : Math.max(first, last - limit);
    const end = isUpwards ? Math.min(first + limit, last) : last;
    const refusalOf = refusals(log);
    const entries = [];
    for await (const entry of log.readEntries(start, end)) entries.push(await entryRow(entry, refusalOf));
    return { size, entries: entries.reverse() };
  });
  router.on('entry', ({ params, query }) => {
    const log = logOf(params.log);
    return entryDetail(log, params.index, query.size, refusals(log));
  });
  router.on('consistency', async ({ params, query }) => {
    const log = logOf(params.log);
    if (!(query.from > 0 && query.from <= query.to && query.to <= log.published.size)) {
      throw new CentreError(
        'invalid-request',
        `The sizes must satisfy 0 < from ≤ to ≤ ${log.published.size}.`,
        { pointer: '/query' },
      );
    }
    return {
      from: query.from,
      to: query.to,
      hashes: (await log.consistencyProof(query.from, query.to)).map(encodeHex),
    };
  });
}
