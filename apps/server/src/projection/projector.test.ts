/** The fold over real logs: what readers see while everything is judged anew, what a stop half-way leaves, and that only the log decides. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeHex } from '@vitrine/tlog';
import { headStatement, keyRevokeStatement, releaseStatement, signStatement } from '@vitrine/statements';
import type { Signer, Statement } from '@vitrine/statements';
import {
  ANCHOR,
  BASE,
  keyAdd,
  KEYS_ORIGIN,
  PUBLISHER,
  ROOT,
  ROOT_ORIGIN,
} from '../../../../packages/statements/test/keys-log-builder.ts';
import { testSigner } from '../../../../packages/statements/test/test-signer.ts';
import { disposalsProjection } from '../disposals/projection.ts';
import type { Logs } from '../log/log.ts';
import { catalogueProjection } from '../releases/catalogue.ts';
import { releasesProjection } from '../releases/projection.ts';
import { REGISTERED, TestInstance } from '../storage/log-files/test-instance.ts';
import { openReadModels } from '../storage/sqlite/read-models.ts';
import { sqliteWordIndex } from '../storage/sqlite/word-index.ts';
import { bodiesProjection } from './bodies.ts';
import { startProjector } from './projector.ts';
import type { ReadModelStore } from './read-model-store.ts';
import { snapshot } from './schema.ts';
import type { ReadDb } from './schema.ts';

const THIEF = testSigner('thief');
const RELEASES_OF_EACH = 600;
/** From this entry on, what the thief's key signed is void. */
const STOLEN_AT = 401;

let instance: TestInstance;
let logs: Logs;
let folder: string;

beforeAll(async () => {
  instance = await TestInstance.create({
    statements: { entries: REGISTERED, origin: ROOT_ORIGIN },
    keys: { entries: REGISTERED, origin: KEYS_ORIGIN },
  });
  logs = await instance.open({ limits: { publishIntervalMs: 20 } });
  await sayOfKeys([...BASE, [keyAdd(THIEF), [ROOT]]]);
  const releases: Uint8Array[] = [];
  for (let at = 0; at < RELEASES_OF_EACH; at += 1) {
    releases.push(await signStatement(release('kept', at), [PUBLISHER]));
    releases.push(await signStatement(release('stolen', at), [THIEF]));
  }
  await say(releases);
});
afterAll(async () => {
  await logs.close();
  await instance.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-projector-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

function release(product: string, at: number): Statement {
  return releaseStatement({
    log: ROOT_ORIGIN,
    product,
    version: `1.${at}`,
    source: { files: 1, manifest: hex(`manifest ${product} ${at}`), root: hex(`root ${product} ${at}`) },
    artifacts: { count: 0, list: hex(`list ${product} ${at}`) },
  });
}

/** Appends to the root log and waits until it is published. */
async function say(envelopes: readonly Uint8Array[]): Promise<void> {
  const root = logs.get('statements');
  const appended = await root.append(envelopes);
  await root.whenPublished(appended.at(-1)?.leafIndex ?? 0);
}

/** Appends to the keys log, and its head to the root log. */
async function sayOfKeys(
  entries: readonly (readonly [Statement, readonly Signer[], number?])[],
): Promise<void> {
  const keys = logs.get('keys');
  for (const [statement, signers] of entries) await keys.append([await signStatement(statement, signers)]);
  const { size, root } = await keys.whenPublished(keys.size - 1);
  const head = { origin: KEYS_ORIGIN, root: encodeHex(root), treeSize: size };
  logs.get('statements').registerFrom(keys.newestRegisteredAt ?? 0);
  await say([await signStatement(headStatement({ log: ROOT_ORIGIN, head }), [ANCHOR])]);
}

function starting(store: ReadModelStore) {
  return startProjector({
    store,
    root: logs.get('statements'),
    keys: logs.get('keys'),
    projections: [
      releasesProjection,
      disposalsProjection,
      bodiesProjection,
      catalogueProjection(sqliteWordIndex),
    ],
    hasEnded: () => Promise.resolve(false),
    logger: pino({ level: 'silent' }),
  });
}

async function projecting(at = folder) {
  const store = openReadModels(at);
  const projector = await starting(store);
  return {
    store,
    projector,
    end: async () => {
      await projector.close();
      await store.close();
    },
  };
}

interface Seen {
  readonly size: number;
  readonly kept: number;
  readonly stolen: number;
}

/** What one snapshot shows, from tables that are written by different projections. */
function look(db: ReadDb): Promise<Seen> {
  return snapshot(db, async (at) => {
    const { root_size: size } = await at.selectFrom('progress').selectAll().executeTakeFirstOrThrow();
    const products = new Map(
      (await at.selectFrom('products').selectAll().execute()).map((row) => [row.product, row.releases]),
    );
    const { count } = await at
      .selectFrom('releases')
      .select((build) => build.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    const { releases } = await at.selectFrom('totals').selectAll().executeTakeFirstOrThrow();
    const seen = { size, kept: products.get('kept') ?? 0, stolen: products.get('stolen') ?? 0 };
    expect([count, releases]).toEqual([seen.kept + seen.stolen, seen.kept + seen.stolen]);
    return seen;
  });
}

/** Everything that the read models hold. */
async function contents(db: ReadDb): Promise<unknown> {
  const rows = async (table: 'statements' | 'releases' | 'products' | 'public_bodies' | 'secret_bodies') =>
    db.selectFrom(table).selectAll().execute();
  return {
    progress: await db.selectFrom('progress').selectAll().execute(),
    viewDigests: await db.selectFrom('view_digests').selectAll().orderBy('root_size').execute(),
    statements: await rows('statements'),
    releases: await rows('releases'),
    products: await rows('products'),
    bodies: [await rows('public_bodies'), await rows('secret_bodies')],
    words: await sqliteWordIndex.find(
      db,
      { words: ['stolen'] },
      { above: -1, below: 10_000, order: 'asc', limit: 10_000 },
    ),
  };
}

const copies = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.sqlite'));

test('readers see a prefix of the log at every moment of a catch-up', async () => {
  const store = openReadModels(folder);
  const projector = starting(store);
  while (copies().length === 0) await setImmediate();
  const sizes = new Set<number>();
  for (let size = 0; size < logs.get('statements').published.size; ) {
    await setImmediate();
    let seen: Seen;
    try {
      seen = await look(store.shown);
    } catch (error) {
      // Before the first batch there may be nothing to read from.
      if (error instanceof TypeError) continue;
      throw error;
    }
    ({ size } = seen);
    sizes.add(size);
    // Entry 0 is the head; then the products take turns.
    expect(seen.kept + seen.stolen).toBe(Math.max(0, size - 1));
    expect(seen.kept - seen.stolen).toBe(size > 0 ? (size - 1) % 2 : 0);
  }
  expect(sizes.size).toBeGreaterThan(1);
  expect((await projector).size).toBe(1 + 2 * RELEASES_OF_EACH);
  expect(copies()).toEqual(['1.sqlite']);
  await (await projector).close();
  await store.close();
});

describe('a key revoked as compromised', () => {
  let before: Seen;
  let live: unknown;
  const after = {
    size: 2 + 2 * RELEASES_OF_EACH,
    kept: RELEASES_OF_EACH,
    // Every second entry after the head, up to the one from which they are void.
    stolen: Math.floor((STOLEN_AT - 1) / 2),
  };
  let interrupted: string;

  beforeAll(async () => {
    interrupted = mkdtempSync(join(tmpdir(), 'vitrine-projector-stopped-'));
    const stopped = await projecting(interrupted);
    const running = await projecting(join(interrupted, 'running'));
    const all = logs.get('statements').published.size;
    await Promise.all([stopped, running].map(({ projector }) => projector.whenFolded(all)));
    before = await look(running.store.shown);
    expect(before).toEqual({ size: all, kept: RELEASES_OF_EACH, stolen: RELEASES_OF_EACH });

    const revocation = keyRevokeStatement({
      log: KEYS_ORIGIN,
      key: THIEF.keyid,
      reason: 'compromised',
      validBelow: STOLEN_AT,
    });
    await sayOfKeys([[revocation, [ROOT]]]);
    // Stopped as soon as the second copy is begun.
    const stopping = (async () => {
      while (!readdirSync(interrupted).includes('2.sqlite')) await setImmediate();
      await stopped.end();
    })();
    const seen: Seen[] = [];
    const folded = running.projector.whenFolded(all + 1);
    for (let shown = before; shown.size <= all; ) {
      shown = await look(running.store.shown);
      seen.push(shown);
      await setImmediate();
    }
    await Promise.all([folded, stopping]);
    const states = [...new Set(seen.map((one) => JSON.stringify(one)))];
    expect(states).toEqual([JSON.stringify(before), JSON.stringify(after)]);
    live = await contents(running.store.shown);
    await running.end();
  });
  afterAll(() => rmSync(interrupted, { recursive: true }));

  test('voids what it signed since, in every table at once, for whoever starts now as well', async () => {
    const { store, projector, end } = await projecting();
    await projector.whenFolded(after.size);
    expect(await look(store.shown)).toEqual(after);
    expect(await contents(store.shown)).toEqual(live);
    const refusals = await store.shown
      .selectFrom('statements')
      .select('leaf_index')
      .where('refusal', 'is not', null)
      .orderBy('leaf_index')
      .execute();
    expect(refusals).toHaveLength(RELEASES_OF_EACH - after.stolen);
    expect(refusals[0]?.leaf_index).toBe(STOLEN_AT + 1);
    await end();
    expect(copies()).toHaveLength(1);
  });

  test('after a stop half-way the judging goes on, and ends the same', async () => {
    const left = readdirSync(interrupted).filter((name) => name.endsWith('.sqlite'));
    expect(left).toEqual(['1.sqlite', '2.sqlite']);
    const { store, projector, end } = await projecting(interrupted);
    await projector.whenFolded(after.size);
    expect(await contents(store.shown)).toEqual(live);
    await end();
    expect(readdirSync(interrupted).filter((name) => name.endsWith('.sqlite'))).toEqual(['2.sqlite']);
  });
});
