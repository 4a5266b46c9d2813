/** Rounds over the packs of a real vault: what is copied, what is given up and when, and disposals that come in between. */
import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityToRecipient } from 'age-encryption';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError } from '@vitrine/api';
import { formatDisposalList } from '@vitrine/statements';
import { createDisposer } from '../disposals/commands.ts';
import { disposalsProjection } from '../disposals/projection.ts';
import { createFoldTables } from '../projection/schema.ts';
import type { ReadModels } from '../projection/schema.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { openVaultStorage } from '../storage/vault-files/vault-storage.ts';
import { CopyError, generateVaultKeys, openVault, VaultCopy, VaultError } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { Packs } from './packs.ts';
import { Room } from './room.ts';
import type { WriterClient } from './writer-client.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const logger = pino({ level: 'silent' });
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');
const writerKeys = await generateVaultKeys();
const centreKeys = await generateVaultKeys();

let dir: string;
let writer: Vault;
let own: Vault;
let copy: VaultCopy;
let read: Kysely<ReadModels>;
let now: number;
const signal = new AbortController().signal;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'packs-'));
  now = 100 * HOUR_MS;
  writer = await openVault({ ...openVaultStorage(join(dir, 'writer')), keys: writerKeys });
  own = await openVault({ ...openVaultStorage(join(dir, 'own')), keys: centreKeys });
  copy = await VaultCopy.open({
    ...openVaultStorage(join(dir, 'copy')),
    keys: centreKeys,
    isDisposed: (digest) => own.isDisposed(digest),
    logger,
    nowMs: () => now,
  });
  read = openSqlite<ReadModels>(join(dir, 'read.sqlite'));
  await read.transaction().execute(async (tx) => {
    await createFoldTables(tx);
    await disposalsProjection.createTables(tx);
  });
});

afterEach(async () => {
  await copy.close();
  await own.close();
  await writer.close();
  await read.destroy();
  rmSync(dir, { recursive: true, force: true });
});

/** What the writer's HTTP routes do, without HTTP. */
function client(changed: Partial<WriterClient> = {}): WriterClient {
  const orGone = <T>(call: Promise<T>): Promise<T> =>
    call.catch((error: unknown) => {
      if (!(error instanceof VaultError) || error.code !== 'missing') throw error;
      throw new CopyError('gone', 'not there any more');
    });
  return {
    hasKey: true,
    packs: async function* () {
      yield* await writer.packs.list('', 1000);
    },
    manifest: (packId) => orGone(writer.packs.manifest(packId)),
    table: (packId) => orGone(writer.packs.table(packId)),
    grant: (packId, tag) => orGone(writer.packs.grant(packId, tag)),
    async *ciphertext(packId, start) {
      yield* (await orGone(writer.packs.ciphertext(packId, start))).stream as AsyncIterable<Buffer>;
    },
    disposalList: (digest) => writer.getBytes(digest, { maxBytes: MIB }),
    object: () => Promise.reject(new Error('no public objects here')),
    submissionBody: () => Promise.reject(new Error('no submissions here')),
    ...changed,
  };
}

function packs(source: WriterClient = client(), free = 1e12): Packs {
  return new Packs({
    writer: source,
    read,
    vault: own,
    copy,
    dispose: createDisposer({ read, vault: own, logger }),
    room: new Room(() => Promise.resolve(free), 1e9),
    atOnce: 4,
    intervalMs: 10_000,
    logger,
    nowMs: () => now,
  });
}

/** Logs a disposal, as the follower sees it; the writer may carry it out later. */
async function logDisposal(...digests: string[]): Promise<void> {
  const list = formatDisposalList({ digests: digests.sort(), salt: randomBytes(32).toString('hex') });
  await writer.store(list);
  const row = { leaf_index: now, list_digest: sha256(list), reason_digest: '0'.repeat(64) };
  await read.insertInto('disposals').values(row).execute();
  await read
    .insertInto('statements')
    .values({
      leaf_index: now,
      digest: '0'.repeat(64),
      registered_at: now,
      predicate_type: 'https://vitrine.dev/disposal/v1',
      product: 'hello',
      refusal: null,
    })
    .execute();
}

const copied = (): string[] => readdirSync(join(dir, 'copy', 'packs'));

test('a pack that the writer has lost is kept, until a disposal may be why', async () => {
  const { sha256: lost } = await writer.put(randomBytes(9 * MIB));
  const rounds = packs();
  await rounds.round(signal);
  expect(copied()).toHaveLength(1);
  await writer.dispose(lost);
  for (let hour = 0; hour < 48; hour += 12) {
    now += 12 * HOUR_MS;
    await rounds.round(signal);
  }
  expect(rounds.state).toMatchObject({ listed: 0, copied: 1, goneAtWriter: 1 });
  await logDisposal(lost);
  await rounds.round(signal);
  // The list of the disposal is a small object, in a pack of its own by now.
  expect(rounds.state).toMatchObject({ copied: 1, goneAtWriter: 0 });
  expect(own.isDisposed(lost)).toBe(true);
});

test('a disposal from long before does not let packs go', async () => {
  await logDisposal(sha256(Buffer.from('another')));
  now += 48 * HOUR_MS;
  const { sha256: lost } = await writer.put(randomBytes(9 * MIB));
  const rounds = packs();
  await rounds.round(signal);
  await writer.dispose(lost);
  now += HOUR_MS;
  await rounds.round(signal);
  expect(rounds.state.goneAtWriter).toBe(1);
});

test('a pack that is disposed of while it is copied is not waited for', async () => {
  const contents = [randomBytes(30 * MIB), randomBytes(9 * MIB)];
  for (const content of contents) await writer.put(content);
  const [victim] = contents.map(sha256);
  if (victim === undefined) throw new Error('no victim');
  const source = client();
  let isCut = false;
  const cut = client({
    async *ciphertext(packId, start) {
      for await (const block of source.ciphertext(packId, start)) {
        yield block;
        if (isCut) continue;
        isCut = true;
        await logDisposal(victim);
        await writer.dispose(victim);
      }
    },
  });
  const rounds = packs(cut);
  await rounds.round(signal);
  await rounds.round(signal);
  now += HOUR_MS;
  await rounds.round(signal);
  expect(await copy.unfinished()).toEqual([]);
  expect(copied().sort()).toEqual((await writer.packs.list('', 10)).map(({ packId }) => packId));
  expect(await copy.check()).toMatchObject({ ok: true });
});

test('a disposal that the writer carries out later is waited for, and then taken over', async () => {
  await writer.grant(await identityToRecipient(centreKeys.identity), 'all');
  const { sha256: victim } = await writer.store(randomBytes(1000));
  const { sha256: other } = await writer.store(randomBytes(1000));
  await logDisposal(victim);
  const rounds = packs();
  await rounds.round(signal);
  expect([...rounds.state.failing.values()].join()).toMatch(/a newer one is waited for/);
  expect([copy.has(victim), copy.has(other)]).toEqual([false, false]);
  await writer.dispose(victim);
  now += HOUR_MS;
  await rounds.round(signal);
  expect([copy.has(victim), copy.has(other), rounds.state.failing.size]).toEqual([false, true, 0]);
});

test('one pack that is altered keeps no other from coming', async () => {
  for (const sizeBytes of [9, 10, 11]) await writer.put(randomBytes(sizeBytes * MIB));
  const [bad] = await writer.packs.list('', 1);
  const source = client();
  const altering = client({
    async *ciphertext(packId, start) {
      for await (const block of source.ciphertext(packId, start))
        yield packId === bad?.packId ? randomBytes(block.length) : block;
    },
  });
  const rounds = packs(altering);
  await rounds.round(signal);
  expect(rounds.state).toMatchObject({ listed: 3, copied: 2 });
  expect([...rounds.state.failing.keys()]).toEqual([bad?.packId]);
});

test('without room nothing is begun; a centre that is not admitted waits', async () => {
  await writer.put(randomBytes(9 * MIB));
  await expect(packs(client(), 1e9 + MIB).round(signal)).rejects.toMatchObject({ code: 'disk-full' });
  expect(readdirSync(join(dir, 'copy', 'staging'))).toEqual([]);
  const problem = { type: '', title: '', status: 403, code: 'forbidden', detail: '' } as const;
  const refused = packs(
    client({
      packs: () => {
        throw new ApiError('problem', 'forbidden', { problem });
      },
    }),
  );
  expect(await refused.round(signal)).toBe(10_000);
  expect(refused.state).toMatchObject({ isAdmitted: false, listed: null, copied: 0 });
});
