/** A full disk, a failing disk: nothing half-written, reads go on, and so does writing once the cause is gone. */
import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VaultFiles, WritableFile } from '../../vault/ports.ts';
import {
  generateVaultKeys,
  openVault,
  type Vault,
  VaultError,
  type VaultErrorCode,
} from '../../vault/vault.ts';
import { openVaultStorage } from './vault-storage.ts';

const soak = process.env['VITRINE_SOAK'] !== undefined;
const keys = await generateVaultKeys();
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vault-full-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The real files, of which the n-th operation that changes the disk fails, and does nothing or all of it. */
function failingAt(
  files: VaultFiles,
  failAt: () => number,
  code: VaultErrorCode,
  afterwards: boolean,
): VaultFiles {
  let count = 0;
  const guarded = async <T>(operation: () => Promise<T>): Promise<T> => {
    count += 1;
    if (count !== failAt()) return await operation();
    if (afterwards) await operation();
    throw new VaultError(code, 'injected');
  };
  const writable = (file: WritableFile): WritableFile => ({
    sizeBytes: () => file.sizeBytes(),
    write: (bytes, position) => guarded(() => file.write(bytes, position)),
    truncate: (sizeBytes) => guarded(() => file.truncate(sizeBytes)),
    sync: () => guarded(() => file.sync()),
    close: () => file.close(),
  });
  return {
    ...files,
    makeFolder: (path) => guarded(() => files.makeFolder(path)),
    openForWriting: async (path) => {
      // When it "fails afterwards" the file is there, but nobody holds it.
      await guarded(async () => await (await files.openForWriting(path)).close());
      return writable(await files.openForWriting(path));
    },
    replace: (path, bytes) => guarded(() => files.replace(path, bytes)),
    move: (from, to) => guarded(() => files.move(from, to)),
    remove: (path) => guarded(() => files.remove(path)),
  };
}

describe.each(['disk-full', 'io'] as const)('an injected %s', (code) => {
  test.each([false, true])('at any operation (done before it failed: %s)', async (afterwards) => {
    const small = Array.from({ length: 10 }, (_, at) => randomBytes(3000 + at));
    const large = randomBytes(9_000_000);
    const upload = randomBytes(2_500_000);
    const all = [...small, large, upload].map(sha256);
    let failures = 0;
    let failAt = 1;
    for (let isOver = false; !isOver; failAt += soak ? 1 : 12) {
      rmSync(dir, { recursive: true, force: true });
      let armedAt = 0;
      const storage = openVaultStorage(dir);
      const files = failingAt(storage.files, () => armedAt, code, afterwards);
      const limits = { packObjects: 4 };
      // Armed after opening: count from here.
      const vault = await openVault({ files, index: storage.index, keys, ...limits });
      armedAt = failAt + OPENING_OPERATIONS;
      const steps: (() => Promise<unknown>)[] = [
        () => vault.putMany(small.slice(0, 6).map((bytes) => ({ bytes }))),
        () => vault.flush(),
        () => vault.put(large),
        () => vault.openUpload(sha256(upload), upload.length),
        () => vault.append(sha256(upload), 0, upload),
        () => vault.putMany(small.map((bytes) => ({ bytes }))),
        () => vault.flush(),
        () => vault.dispose(sha256(small[0] ?? Buffer.of())),
      ];
      isOver = true;
      for (const step of steps) {
        try {
          await step();
        } catch (error) {
          // An upload whose opening failed has nothing to append to.
          expect(error).toMatchObject({ code: expect.stringMatching(`^(${code}|no-upload)$`) as unknown });
          failures += 1;
          isOver = false;
        }
      }
      armedAt = 0;
      // A failure that only concerned tidying up is nobody's loss, and is over.
      const settled = await vault.flush().then(
        () => true,
        () => false,
      );
      if (!settled) await vault.flush();
      await expectConsistent(vault, all);

      // The same work again succeeds, in the same process.
      await vault.putMany(small.slice(1).map((bytes) => ({ bytes })));
      await vault.put(large);
      const state = await vault.openUpload(sha256(upload), upload.length);
      if (!state.isComplete)
        await vault.append(sha256(upload), state.offsetBytes, upload.subarray(state.offsetBytes));
      await vault.flush();
      await vault.dispose(sha256(small[0] ?? Buffer.of()));
      expect(await vault.missing(all)).toEqual(all.slice(0, 1));
      await vault.close();
      expect(openFilesUnder(dir)).toEqual([]);

      const reopened = await openVault({ ...openVaultStorage(dir), keys, ...limits });
      expect(await reopened.missing(all)).toEqual(all.slice(0, 1));
      expect((await reopened.check()).problems).toEqual([]);
      expect(readdirSync(join(dir, 'staging'))).toEqual([]);
      await reopened.close();
    }
    expect(failures).toBeGreaterThan(0);
  });
});

/** Files that this process holds open; known on Linux only. */
function openFilesUnder(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return [];
    }
  });
}

/** What `openVault` changes in an empty folder: three folders and the format file. */
const OPENING_OPERATIONS = 4;

/** Whatever is said to be stored is there, and true. */
async function expectConsistent(vault: Vault, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    const { state } = await vault.status(digest);
    if (state === 'stored') expect(sha256(await vault.getBytes(digest, { maxBytes: 1e8 }))).toBe(digest);
    else await expect(vault.get(digest)).rejects.toMatchObject({ code: state });
  }
}

test('objects lost with another caller are told to everyone who flushed meanwhile', async () => {
  const storage = openVaultStorage(dir);
  let failAt = 0;
  const vault = await openVault({
    files: failingAt(storage.files, () => failAt, 'disk-full', false),
    index: storage.index,
    keys,
  });
  await vault.put(Buffer.from('one'));
  await vault.put(Buffer.from('two'));
  // From here: the write, then the sync.
  failAt = OPENING_OPERATIONS + 3 + 2;
  const flushes = await Promise.allSettled([vault.flush(), vault.flush()]);
  expect(flushes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await vault.flush();
  expect(await vault.missing(['one', 'two'].map((text) => sha256(Buffer.from(text))))).toHaveLength(2);
  expect(vault.metrics()).toMatchObject({ failedFlushes: 2 });
  await vault.close();
});

test('a full disk keeps no vault from opening in which a disposal is not complete, nor one without an index', async () => {
  const { files, index } = openVaultStorage(dir);
  let isFull = false;
  // An empty file, such as the marker of a disposal, finds a place yet.
  const filling: VaultFiles = {
    ...files,
    replace: (path, bytes) =>
      isFull && bytes.length > 0
        ? Promise.reject(new VaultError('disk-full', 'injected'))
        : files.replace(path, bytes),
  };
  const vault = await openVault({ files: filling, index, keys });
  const [ended, kept] = [Buffer.from('ended'), Buffer.from('kept')];
  await vault.putMany([{ bytes: ended }, { bytes: kept }]);
  await vault.flush();
  isFull = true;
  await expect(vault.dispose(sha256(ended))).rejects.toMatchObject({ code: 'disk-full' });
  await vault.close();

  for (const where of ['on-disk', 'in-memory'] as const) {
    const opened = await openVault({ ...openVaultStorage(dir, { index: where }), files: filling, keys });
    expect(await opened.status(sha256(ended))).toEqual({ state: 'disposed' });
    expect(Buffer.from(await opened.getBytes(sha256(kept), { maxBytes: 10 }))).toEqual(kept);
    await opened.close();
  }
  const completed = await openVault({ ...openVaultStorage(dir), keys });
  expect(await completed.check()).toMatchObject({ ok: true, objects: 1 });
  await completed.close();
});

describe.runIf(userInfo().uid === 0 && process.platform === 'linux')('a real full disk', () => {
  test('refuses writes, serves reads, recovers when there is space', async () => {
    mkdirSync(join(dir, 'disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', join(dir, 'disk')]);
    try {
      const storage = openVaultStorage(join(dir, 'disk', 'vault'));
      const vault = await openVault({ ...storage, keys });
      const kept = randomBytes(1_000_000);
      await vault.store(kept);
      const ballast = join(dir, 'disk', 'ballast');
      const { bavail, bsize } = statfsSync(join(dir, 'disk'));
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 12_000_000));

      const refused = [randomBytes(20_000_000), ...Array.from({ length: 20 }, () => randomBytes(1_000_000))];
      await expect(vault.put(refused[0] ?? kept)).rejects.toMatchObject({ code: 'disk-full' });
      await expect(vault.putMany(refused.slice(1).map((bytes) => ({ bytes })))).rejects.toMatchObject({
        code: 'disk-full',
      });
      const upload = randomBytes(30_000_000);
      await vault.openUpload(sha256(upload), upload.length);
      await expect(vault.append(sha256(upload), 0, upload)).rejects.toMatchObject({ code: 'disk-full' });
      // What is gone is told again by the next flush: others may have put it.
      await expect(vault.flush()).rejects.toMatchObject({ code: 'disk-full' });
      expect(await vault.missing(refused.map(sha256))).toHaveLength(refused.length);
      expect(sha256(await vault.getBytes(sha256(kept), { maxBytes: 1e7 }))).toBe(sha256(kept));
      expect((await vault.check()).problems).toEqual([]);

      rmSync(ballast);
      const { offsetBytes } = await vault.openUpload(sha256(upload), upload.length);
      expect(offsetBytes).toBeGreaterThan(0);
      await vault.append(sha256(upload), offsetBytes, upload.subarray(offsetBytes));
      await vault.store(Buffer.from('there is space again'));
      expect(await vault.check()).toMatchObject({ ok: true, objects: 3 });
      await vault.close();
    } finally {
      execFileSync('umount', ['--lazy', join(dir, 'disk')]);
    }
  });
});
