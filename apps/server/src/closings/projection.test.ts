/** Closings in real logs, whatever a writer lets in: what stands past an end counts for nothing, and no stolen key brings an end about. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeHex } from '@vitrine/tlog';
import {
  closedStatement,
  headStatement,
  keyRevokeStatement,
  releaseStatement,
  signStatement,
} from '@vitrine/statements';
import type { Signer, Statement } from '@vitrine/statements';
import {
  ANCHOR,
  BASE,
  KEYS_ORIGIN,
  PUBLISHER,
  ROOT,
  ROOT_ORIGIN,
} from '../../../../packages/statements/test/keys-log-builder.ts';
import type { Logs } from '../log/log.ts';
import { bodiesProjection } from '../projection/bodies.ts';
import { startProjector } from '../projection/projector.ts';
import { REGISTERED, TestInstance } from '../storage/log-files/test-instance.ts';
import { openReadModels } from '../storage/sqlite/read-models.ts';
import { closedLogs, closingsProjection, readClosings } from './projection.ts';

const BUILDS = 'acme.example/builds';
const DIGEST = 'a'.repeat(64);

let instance: TestInstance;
let logs: Logs;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-closings-'));
  instance = await TestInstance.create({
    statements: { entries: REGISTERED, origin: ROOT_ORIGIN },
    keys: { entries: REGISTERED, origin: KEYS_ORIGIN },
  });
  logs = await instance.open({ limits: { publishIntervalMs: 20 } });
  await sayOfKeys(BASE);
});
afterEach(async () => {
  await logs.close();
  await instance.remove();
  rmSync(folder, { recursive: true });
});

async function say(statement: Statement, signers: readonly Signer[]): Promise<void> {
  const root = logs.get('statements');
  const [appended] = await root.append([await signStatement(statement, signers)]);
  await root.whenPublished(appended?.leafIndex ?? 0);
}

async function sayOfKeys(
  entries: readonly (readonly [Statement, readonly Signer[], number?])[],
): Promise<void> {
  const keys = logs.get('keys');
  for (const [statement, signers] of entries) await keys.append([await signStatement(statement, signers)]);
  const { size, root } = await keys.whenPublished(keys.size - 1);
  logs.get('statements').registerFrom(keys.newestRegisteredAt ?? 0);
  await say(head(KEYS_ORIGIN, size, encodeHex(root)), [ANCHOR]);
}

function head(origin: string, treeSize: number, root = DIGEST): Statement {
  return headStatement({ log: ROOT_ORIGIN, head: { origin, root, treeSize } });
}

function closing(origin: string, treeSize: number, root = DIGEST): Statement {
  return closedStatement({
    closed: { origin, root, treeSize },
    log: ROOT_ORIGIN,
    reason: { digest: DIGEST },
  });
}

async function rootNow(): Promise<string> {
  const root = logs.get('statements');
  return encodeHex(await root.rootAt(root.size));
}

/** By index, why each entry of the root log counts for nothing; and what has ended. */
async function judged() {
  const [root, keys] = [logs.get('statements'), logs.get('keys')];
  const store = openReadModels(folder);
  const projector = await startProjector({
    store,
    root,
    keys,
    projections: [
      closingsProjection({
        origin: ROOT_ORIGIN,
        keysOrigin: KEYS_ORIGIN,
        rootAt: async (size) => encodeHex(await root.rootAt(size)),
      }),
      bodiesProjection,
    ],
    hasEnded: async (tx) => (await closedLogs(tx)).has(ROOT_ORIGIN),
    logger: pino({ level: 'silent' }),
  });
  await projector.whenFolded(root.size);
  const rows = await store.shown.selectFrom('statements').select('refusal').orderBy('leaf_index').execute();
  const closings = await readClosings(store.shown);
  const { keys_size: keysSize } = await store.shown
    .selectFrom('progress')
    .selectAll()
    .executeTakeFirstOrThrow();
  await projector.close();
  await store.close();
  return { refusals: rows.map(({ refusal }) => refusal), closings, keysSize };
}

test('heads past the end of a log count for nothing, and neither does another closing', async () => {
  await say(closing(BUILDS, 4), [ROOT]);
  await say(head(BUILDS, 4), [ANCHOR]);
  await say(head(BUILDS, 5), [ANCHOR]);
  await say(closing(BUILDS, 5), [ROOT]);
  const { refusals, closings } = await judged();
  expect(refusals).toEqual([
    null,
    null,
    null,
    expect.stringContaining('at 4 entries, and it names 5'),
    expect.stringContaining('closed acme.example/builds already'),
  ]);
  expect(closings).toMatchObject([{ origin: BUILDS, size: 4, index: 1, successor: null }]);
});

test('an anchor or a publisher ends nothing, wherever the writer lets it stand', async () => {
  await say(closing(BUILDS, 4), [ANCHOR]);
  await say(closing(ROOT_ORIGIN, 2, await rootNow()), [PUBLISHER]);
  await say(closing(ROOT_ORIGIN, 3), [ROOT]);
  await say(closing(ROOT_ORIGIN, 3, await rootNow()), [ROOT]);
  await say(head(BUILDS, 5), [ANCHOR]);
  const { refusals, closings } = await judged();
  expect(refusals).toEqual([
    null,
    expect.stringContaining('was no root key'),
    expect.stringContaining('was no root key'),
    'the root log has another root at 3 entries than it says',
    expect.stringContaining('it names 3 entries, and stands at 4'),
    null,
  ]);
  expect(closings).toEqual([]);
});

test('after the end of the root log nothing counts: neither statements nor what the keys log says since', async () => {
  const release = releaseStatement({
    log: ROOT_ORIGIN,
    product: 'hello',
    version: '1',
    source: { files: 1, manifest: DIGEST, root: DIGEST },
    artifacts: { count: 0, list: DIGEST },
  });
  const { size } = logs.get('statements');
  const keysSize = logs.get('keys').size;
  await say(closing(ROOT_ORIGIN, size, await rootNow()), [ROOT]);
  await say(release, [PUBLISHER]);
  await sayOfKeys([
    [
      keyRevokeStatement({ key: PUBLISHER.keyid, log: KEYS_ORIGIN, reason: 'compromised', validBelow: 0 }),
      [ROOT],
    ],
  ]);
  const view = await judged();
  expect(view.refusals).toEqual([
    null,
    null,
    ...[2, 3].map(() => 'entry 1 closed the root log: nothing after it counts'),
  ]);
  expect(view.closings).toMatchObject([{ origin: ROOT_ORIGIN, size: 1, index: 1 }]);
  expect(view.keysSize).toBe(keysSize);
});
