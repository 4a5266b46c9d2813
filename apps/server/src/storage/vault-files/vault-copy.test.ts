/** Copies of a vault's packs at another centre: with and without a grant, and whatever the other side sends. */
import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGrant, openTable, sealTable } from '../../vault/pack-envelope.ts';
import { PackTable } from '../../vault/pack-table.ts';
import {
  CopyError,
  generateVaultKeys,
  openVault,
  type PackSource,
  type Vault,
  VaultCopy,
  VaultError,
} from '../../vault/vault.ts';
import type { VaultFiles } from '../../vault/ports.ts';
import { deriveVaultSecrets } from '../../vault/vault-secrets.ts';
import { openVaultStorage } from './vault-storage.ts';

const MIB = 1024 * 1024;
const writerKeys = await generateVaultKeys();
const centreKeys = await generateVaultKeys();
const recipient = await identityToRecipient(centreKeys.identity);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

let dir: string;
let vault: Vault;
let copy: VaultCopy;
let disposed: Set<string>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'vault-copy-'));
  disposed = new Set();
  vault = await openWriter();
  copy = await openCopy();
});

afterEach(async () => {
  await copy.close();
  await vault.close();
  rmSync(dir, { recursive: true, force: true });
});

const openWriter = (): Promise<Vault> =>
  openVault({ ...openVaultStorage(join(dir, 'writer')), keys: writerKeys });

function openCopy(files?: (files: VaultFiles) => VaultFiles): Promise<VaultCopy> {
  const storage = openVaultStorage(join(dir, 'copy'));
  return VaultCopy.open({
    files: files?.(storage.files) ?? storage.files,
    index: storage.index,
    keys: centreKeys,
    isDisposed: (digest) => disposed.has(digest),
    logger: silent,
    nowMs: Date.now,
  });
}

interface Counted extends PackSource {
  readonly starts: number[];
}

/** The writer itself; `change` alters ciphertext on its way. */
function sourceOf(
  change: (bytes: Uint8Array, position: number) => Uint8Array | undefined = (bytes) => bytes,
): Counted {
  const starts: number[] = [];
  return {
    starts,
    manifest: (packId) => vault.packs.manifest(packId),
    table: (packId) => vault.packs.table(packId),
    grant: (packId, tag) => vault.packs.grant(packId, tag),
    async *ciphertext(packId, start) {
      starts.push(start);
      let position = start;
      for await (const block of (await vault.packs.ciphertext(packId, start))
        .stream as AsyncIterable<Buffer>) {
        const sent = change(block, position);
        if (sent === undefined) return;
        yield sent;
        position += block.length;
      }
    },
  };
}

async function takeAll(source: PackSource = sourceOf()): Promise<void> {
  for (const { packId } of await vault.packs.list('', 1000))
    await copy.take(await source.manifest(packId), source);
}

async function read(digest: string): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for await (const block of copy.read(digest)) blocks.push(block);
  return Buffer.concat(blocks);
}

async function onlyPack(): Promise<string> {
  const [pack, ...others] = await vault.packs.list('', 10);
  if (pack === undefined || others.length > 0) throw new Error('one pack was expected');
  return pack.packId;
}

const fileOf = (side: 'writer' | 'copy', packId: string, name: string): string =>
  join(dir, side, 'packs', packId, name);
const codeOf = (error: unknown): string | undefined =>
  error instanceof CopyError || error instanceof VaultError ? error.code : undefined;

describe('a grant', () => {
  test('to several centres, in every pack there is and every one to come; ciphertext and table stay as they are', async () => {
    const other = await generateVaultKeys();
    await vault.store(randomBytes(1000));
    const packId = await onlyPack();
    const files = ['objects', 'table.age'].map((name) => fileOf('writer', packId, name));
    const before = files.map((file) => [sha256(readFileSync(file)), statSync(file).mtimeMs]);
    // An upload is a pack of its own from its beginning.
    const upload = randomBytes(200_000);
    await vault.openUpload(sha256(upload), upload.length);
    expect(await vault.grant(recipient, 'all')).toBe(1);
    expect(await vault.grant(await identityToRecipient(other.identity), [packId])).toBe(1);
    expect(await vault.grant(recipient, 'all')).toBe(0);
    expect(files.map((file) => [sha256(readFileSync(file)), statSync(file).mtimeMs])).toEqual(before);
    await vault.append(sha256(upload), 0, upload);
    await vault.put(randomBytes(9 * MIB));
    await vault.close();
    vault = await openWriter();
    await vault.put(randomBytes(9 * MIB));
    const { recipientTag } = await deriveVaultSecrets(centreKeys);
    const packs = await vault.packs.list('', 10);
    expect(packs).toHaveLength(4);
    for (const listed of packs) {
      const sealed = await vault.packs.grant(listed.packId, recipientTag);
      await expect(openGrant(sealed, listed.packId, centreKeys.identity)).resolves.toBeDefined();
    }
    expect((await vault.packs.manifest(packId)).grants).toHaveLength(3);
    expect(await vault.check()).toMatchObject({ ok: true, problems: [] });
    expect(await vault.endGrants(recipient)).toBe(4);
    await vault.put(randomBytes(9 * MIB));
    for (const listed of await vault.packs.list('', 10)) {
      await expect(vault.packs.grant(listed.packId, recipientTag)).rejects.toMatchObject({ code: 'missing' });
    }
  });

  test('goes to a post-quantum recipient of age, for a pack there is', async () => {
    await vault.store(randomBytes(10));
    for (const wrong of [
      '',
      'age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq',
      recipient.slice(0, -1),
    ]) {
      await expect(vault.grant(wrong, 'all')).rejects.toMatchObject({ code: 'wrong-recipient' });
    }
    for (const pack of ['0'.repeat(32), '../../keys']) {
      await expect(vault.grant(recipient, [pack])).rejects.toMatchObject({ code: 'missing' });
    }
  });
});

describe('a copy', () => {
  test('without a grant holds the very bytes, checks their digests, and reads nothing', async () => {
    const { sha256: digest } = await vault.store(randomBytes(100_000));
    await vault.put(randomBytes(9 * MIB));
    await takeAll();
    for (const { packId } of await vault.packs.list('', 10)) {
      for (const name of readdirSync(join(dir, 'writer', 'packs', packId))) {
        expect(
          readFileSync(fileOf('copy', packId, name)).equals(readFileSync(fileOf('writer', packId, name))),
        ).toBe(true);
      }
    }
    expect(copy.has(digest)).toBe(false);
    await expect(read(digest)).rejects.toMatchObject({ code: 'missing' });
    expect(await copy.check()).toMatchObject({ ok: true, packs: 2, readablePacks: 0, objects: 0 });
  });

  test('is readable once granted, without its ciphertext being fetched again; and no more once the grant is gone', async () => {
    const { sha256: digest } = await vault.store(randomBytes(100_000));
    await takeAll();
    await vault.grant(recipient, 'all');
    const source = sourceOf();
    await takeAll(source);
    expect(source.starts).toEqual([]);
    expect(sha256(await read(digest))).toBe(digest);
    expect(await copy.check()).toMatchObject({
      ok: true,
      packs: 1,
      readablePacks: 1,
      objects: 1,
      bytes: 100_000,
    });
    await copy.close();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(dir, 'copy', `index.sqlite${suffix}`), { force: true });
    copy = await openCopy();
    expect(sha256(await read(digest))).toBe(digest);
    await vault.endGrants(recipient);
    await takeAll();
    expect(copy.has(digest)).toBe(false);
  });

  test('grows with its pack, of which only the last chunk and what is new is fetched', async () => {
    await vault.grant(recipient, 'all');
    const first = randomBytes(6 * MIB);
    const second = randomBytes(5 * MIB);
    await vault.store(first);
    await takeAll();
    await vault.store(second);
    const source = sourceOf();
    await takeAll(source);
    expect(source.starts).toEqual([4 * MIB]);
    expect(sha256(await read(sha256(first)))).toBe(sha256(first));
    expect(sha256(await read(sha256(second)))).toBe(sha256(second));
    expect(await copy.check()).toMatchObject({ ok: true, objects: 2 });
  });

  test('of what was altered, cut short or lengthened on its way keeps only chunks that have their digest', async () => {
    await vault.grant(recipient, 'all');
    const { sha256: digest } = await vault.put(randomBytes(20 * MIB));
    const packId = await onlyPack();
    const flip = (bytes: Uint8Array): Uint8Array => {
      const altered = Buffer.from(bytes);
      altered[0] = (altered[0] ?? 0) ^ 1;
      return altered;
    };
    const faults: ((bytes: Uint8Array, position: number) => Uint8Array | undefined)[] = [
      (bytes, position) => (position === 9 * MIB ? flip(bytes) : bytes),
      (bytes, position) => (position >= 13 * MIB ? undefined : bytes),
      (bytes, position) => (position === 17 * MIB ? undefined : bytes),
    ];
    const starts: number[][] = [];
    for (const fault of faults) {
      const source = sourceOf(fault);
      await expect(takeAll(source)).rejects.toMatchObject({ code: 'altered' });
      starts.push(source.starts);
      expect(copy.packs.size).toBe(0);
      expect(readdirSync(join(dir, 'copy', 'packs'))).toEqual([]);
    }
    expect(starts).toEqual([[0], [8 * MIB], [12 * MIB]]);
    const tooLong = sourceOf((bytes) => Buffer.concat([bytes, Buffer.of(1)]));
    await expect(takeAll(tooLong)).rejects.toMatchObject({ code: 'altered' });
    await copy.close();
    copy = await openCopy();
    const last = sourceOf();
    await takeAll(last);
    expect(last.starts).toEqual([16 * MIB]);
    expect(await copy.unfinished()).toEqual([]);
    expect([...copy.packs.keys()]).toEqual([packId]);
    expect(sha256(await read(digest))).toBe(digest);
  });

  test.each(['table', 'grant'] as const)('refuses a %s that was altered', async (part) => {
    await vault.grant(recipient, 'all');
    await vault.store(randomBytes(1000));
    const source = sourceOf();
    const altered = { ...source, [part]: () => Promise.resolve(randomBytes(2000)) };
    await expect(takeAll(altered)).rejects.toMatchObject({ code: 'altered' });
    expect(copy.packs.size).toBe(0);
  });

  test('refuses a manifest that does not fit together', async () => {
    await vault.store(randomBytes(1000));
    const packId = await onlyPack();
    const manifest = await vault.packs.manifest(packId);
    for (const wrong of [
      { ...manifest, chunks: [] },
      { ...manifest, sizeBytes: manifest.sizeBytes + 8 * MIB },
      { ...manifest, grants: [...manifest.grants, ...manifest.grants] },
    ]) {
      await expect(copy.take(wrong, sourceOf())).rejects.toMatchObject({ code: 'altered' });
    }
  });

  test('says which copies are damaged, and makes them again', async () => {
    await vault.grant(recipient, 'all');
    const { sha256: digest } = await vault.put(randomBytes(9 * MIB));
    await takeAll();
    const packId = await onlyPack();
    const objects = readFileSync(fileOf('copy', packId, 'objects'));
    objects[5 * MIB] = (objects[5 * MIB] ?? 0) ^ 1;
    writeFileSync(fileOf('copy', packId, 'objects'), objects);
    const { ok, problems } = await copy.check();
    expect(ok).toBe(false);
    expect(problems.map(({ reason }) => reason).join('\n')).toMatch(/chunk 1 of objects[^]*does not decrypt/);
    await expect(read(digest)).rejects.toMatchObject({ code: 'corrupt' });
    rmSync(fileOf('copy', packId, 'manifest.json'));
    await copy.close();
    copy = await openCopy();
    const source = sourceOf();
    await takeAll(source);
    expect(source.starts).toEqual([4 * MIB]);
    expect(await copy.check()).toMatchObject({ ok: true });
  });
});

describe('a disposal', () => {
  test('reaches the copy: the newer table is taken over, and the row is in no file any more', async () => {
    await vault.grant(recipient, 'all');
    const [victim, other] = [randomBytes(3000), randomBytes(3000)];
    await vault.store(victim);
    await vault.store(other);
    await takeAll();
    disposed.add(sha256(victim));
    await expect(read(sha256(victim))).rejects.toMatchObject({ code: 'disposed' });
    const packId = await onlyPack();
    expect((await copy.check()).problems[0]?.reason).toMatch(/its key is still there/);
    await vault.dispose(sha256(victim));
    await takeAll();
    expect(readFileSync(fileOf('copy', packId, 'table.age')).equals(await vault.packs.table(packId))).toBe(
      true,
    );
    expect(await copy.check()).toMatchObject({ ok: true, objects: 1 });
    disposed.clear();
    await expect(read(sha256(victim))).rejects.toMatchObject({ code: 'missing' });
    expect(await read(sha256(other))).toEqual(other);
  });

  test.each([true, false])('is not undone by an older table, with a grant (%s)', async (isGranted) => {
    if (isGranted) await vault.grant(recipient, 'all');
    const victim = randomBytes(3000);
    await vault.store(victim);
    await vault.store(randomBytes(3000));
    const packId = await onlyPack();
    const old = await vault.packs.manifest(packId);
    const oldTable = await vault.packs.table(packId);
    await takeAll();
    disposed.add(sha256(victim));
    await vault.dispose(sha256(victim));
    await takeAll();
    const held = readFileSync(fileOf('copy', packId, 'table.age'));
    const replay = { ...sourceOf(), table: () => Promise.resolve(oldTable) };
    await expect(copy.take({ ...old, revision: '1'.repeat(32) }, replay)).rejects.toMatchObject({
      code: 'old-table',
    });
    // Nor after a restart.
    await copy.close();
    copy = await openCopy();
    await expect(copy.take({ ...old, revision: '1'.repeat(32) }, replay)).rejects.toMatchObject({
      code: 'old-table',
    });
    expect(readFileSync(fileOf('copy', packId, 'table.age')).equals(held)).toBe(true);
  });

  test('that the writer has not carried out keeps a pack from being copied with what it ends', async () => {
    await vault.grant(recipient, 'all');
    const { sha256: digest } = await vault.store(randomBytes(3000));
    disposed.add(digest);
    await expect(takeAll()).rejects.toMatchObject({ code: 'old-table' });
    expect(copy.packs.size).toBe(0);
  });

  test('of all objects of a pack ends its copy', async () => {
    await vault.grant(recipient, 'all');
    const { sha256: digest } = await vault.put(randomBytes(9 * MIB));
    const packId = await onlyPack();
    await takeAll();
    expect(await copy.isEnded(packId)).toBe(false);
    disposed.add(digest);
    expect(await copy.isEnded(packId)).toBe(true);
    await copy.drop(packId);
    expect(readdirSync(join(dir, 'copy', 'packs'))).toEqual([]);
    expect(await copy.check()).toMatchObject({ ok: true, packs: 0 });
  });
});

describe('a writer that is not what it was', () => {
  test('cannot take objects out of a readable copy without a disposal', async () => {
    await vault.grant(recipient, 'all');
    const kept = randomBytes(3000);
    await vault.store(kept);
    await vault.store(randomBytes(3000));
    await takeAll();
    // It forgets it by itself: nothing of that is in the log that this centre reads.
    await vault.dispose(sha256(kept));
    await expect(takeAll()).rejects.toMatchObject({ code: 'lost-objects' });
    expect(await read(sha256(kept))).toEqual(kept);
  });

  test('restored from a backup, then gone on, is told from the one copied before', async () => {
    await vault.grant(recipient, 'all');
    await vault.store(randomBytes(5 * MIB));
    const packId = await onlyPack();
    await vault.close();
    const backup = Object.fromEntries(
      readdirSync(join(dir, 'writer', 'packs', packId)).map((name) => [
        name,
        readFileSync(fileOf('writer', packId, name)),
      ]),
    );
    vault = await openWriter();
    const lost = randomBytes(2000);
    await vault.store(lost);
    await takeAll();
    await vault.close();
    for (const [name, bytes] of Object.entries(backup)) writeFileSync(fileOf('writer', packId, name), bytes);
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(dir, 'writer', `index.sqlite${suffix}`), { force: true });
    vault = await openWriter();
    await expect(takeAll()).rejects.toMatchObject({ code: 'old-table' });
    await vault.store(randomBytes(200_000));
    await expect(takeAll()).rejects.toMatchObject({ code: 'diverged' });
    expect(await read(sha256(lost))).toEqual(lost);
    expect(await copy.check()).toMatchObject({ ok: true });
  });

  test('or another centre with a grant cannot make other bytes come out', async () => {
    await vault.grant(recipient, 'all');
    const [asked, other] = [randomBytes(3000), randomBytes(3000)];
    await vault.store(asked);
    await vault.store(other);
    const packId = await onlyPack();
    const source = sourceOf();
    const manifest = await source.manifest(packId);
    const secrets = await deriveVaultSecrets(writerKeys);
    const pack = await openGrant(
      await source.grant(packId, secrets.recipientTag),
      packId,
      writerKeys.identity,
    );
    // Whoever has the pack's identity can seal a table of their own: the digest of one object with the place and key of the other.
    const sound = await openTable(await source.table(packId), pack, secrets);
    const row = sound.find(Buffer.from(sha256(other), 'hex'));
    if (row === undefined) throw new Error('the object was expected');
    const forged = await sealTable(
      pack,
      PackTable.empty.with([{ ...row, digest: Buffer.from(sha256(asked), 'hex') }], sound.endOffset),
      await deriveVaultSecrets(await generateVaultKeys()),
    );
    await copy.take(
      { ...manifest, table: sha256(forged) },
      { ...source, table: () => Promise.resolve(forged) },
    );
    await expect(read(sha256(asked))).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe.each(['disk-full', 'io'] as const)('an injected %s', (code) => {
  test('at any operation leaves the copy as it was, or complete; and it goes on', async () => {
    await vault.grant(recipient, 'all');
    const { sha256: digest } = await vault.store(randomBytes(5 * MIB));
    await copy.close();
    let failures = 0;
    for (let failAt = 1; failures === failAt - 1; failAt++) {
      rmSync(join(dir, 'copy'), { recursive: true, force: true });
      let count = 0;
      let isArmed = true;
      const guarded = async <T>(operation: () => Promise<T>): Promise<T> => {
        count += 1;
        if (!isArmed || count !== failAt) return await operation();
        failures += 1;
        throw new VaultError(code, 'injected');
      };
      const faulty = (files: VaultFiles): VaultFiles => ({
        ...files,
        makeFolder: (path) => guarded(() => files.makeFolder(path)),
        openForWriting: async (path) => {
          const file = await guarded(() => files.openForWriting(path));
          return {
            sizeBytes: () => file.sizeBytes(),
            write: (bytes, position) => guarded(() => file.write(bytes, position)),
            truncate: (size) => guarded(() => file.truncate(size)),
            sync: () => guarded(() => file.sync()),
            close: () => file.close(),
          };
        },
        replace: (path, bytes) => guarded(() => files.replace(path, bytes)),
        move: (from, to) => guarded(() => files.move(from, to)),
        remove: (path) => guarded(() => files.remove(path)),
      });
      try {
        copy = await openCopy(faulty);
        await takeAll();
      } catch (error) {
        expect(codeOf(error)).toBe(code);
        await copy.close().catch(() => undefined);
        copy = await openCopy();
      }
      isArmed = false;
      expect(await copy.check()).toMatchObject({ ok: true });
      await takeAll();
      expect(sha256(await read(digest))).toBe(digest);
      expect(await copy.check()).toMatchObject({ ok: true, packs: 1, readablePacks: 1 });
      await copy.close();
    }
    expect(failures).toBeGreaterThan(8);
    copy = await openCopy();
  });
});
