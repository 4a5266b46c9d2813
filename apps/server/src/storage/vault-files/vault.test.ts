import { hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  generateVaultKeys,
  openVault,
  type Vault,
  type VaultKeys,
  type VaultOptions,
} from '../../vault/vault.ts';
import { openVaultStorage } from './vault-storage.ts';

const soak = process.env['VITRINE_SOAK'] !== undefined;
const keys = await generateVaultKeys();
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

let dir: string;
let opened: Vault[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vault-'));
  opened = [];
});

afterEach(async () => {
  for (const vault of opened) await vault.close();
  rmSync(dir, { recursive: true, force: true });
});

async function open(options: Partial<VaultOptions> & { readonly keys?: VaultKeys } = {}): Promise<Vault> {
  const vault = await openVault({ ...openVaultStorage(dir), keys, ...options });
  opened.push(vault);
  return vault;
}

async function read(vault: Vault, digest: string): Promise<Buffer> {
  const { stream } = await vault.get(digest);
  const blocks: Buffer[] = [];
  for await (const block of stream as AsyncIterable<Buffer>) blocks.push(block);
  return Buffer.concat(blocks);
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    await Promise.resolve();
    yield bytes.subarray(from, from + pieceBytes);
  }
}

async function* gated(bytes: Uint8Array, gate: Promise<undefined>): AsyncGenerator<Uint8Array> {
  yield* inPieces(bytes.subarray(0, -1), 100_000);
  await gate;
  yield bytes.subarray(-1);
}

const allFiles = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const removeIndex = (): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir, `index.sqlite${suffix}`), { force: true });
};
const writeIndex = (bytes: Uint8Array): void => writeFileSync(join(dir, 'index.sqlite'), bytes);

function flipBit(path: string, position: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}

/** Deterministic, so that expected content need not be kept. */
const content = (seed: number, sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes, seed & 0xff);
  for (let at = 0; at + 8 <= sizeBytes; at += 509) bytes.writeUInt32LE((seed * 2654435761 + at) >>> 0, at);
  return bytes;
};

describe('storing and reading', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576, 1_048_577, 8_388_608, 8_388_609, 20_000_003])(
    'an object of %i bytes comes back, streamed, whole and after reopening',
    async (sizeBytes) => {
      const bytes = content(sizeBytes, sizeBytes);
      const digest = sha256(bytes);
      let vault = await open();
      expect(await vault.put(inPieces(bytes, 40_000))).toEqual({ sha256: digest, sizeBytes, isNew: true });
      await vault.flush();
      await vault.close();
      vault = await open();
      expect(await vault.status(digest)).toEqual({ state: 'stored', sizeBytes });
      expect(sha256(await read(vault, digest))).toBe(digest);
      expect(sha256(await vault.getBytes(digest, { maxBytes: sizeBytes }))).toBe(digest);
      expect(await vault.check()).toEqual({ ok: true, packs: 1, objects: 1, bytes: sizeBytes, problems: [] });
    },
  );

  test('only what was flushed is visible', async () => {
    const vault = await open();
    const bytes = Buffer.from('a note');
    await vault.put(bytes);
    expect(await vault.missing([sha256(bytes)])).toEqual([sha256(bytes)]);
    await expect(vault.getBytes(sha256(bytes), { maxBytes: 100 })).rejects.toMatchObject({ code: 'missing' });
    await vault.flush();
    expect(await vault.missing([sha256(bytes), 'a'.repeat(64), 'a'.repeat(64)])).toEqual(['a'.repeat(64)]);
    expect(await vault.getBytes(sha256(bytes), { maxBytes: 100 })).toEqual(bytes);
  });

  test('store makes one object durable and visible', async () => {
    const vault = await open();
    const { sha256: digest } = await vault.store(Readable.from([Buffer.from('an '), Buffer.from('SBOM')]));
    expect(await vault.has(digest)).toBe(true);
    expect((await vault.store(Buffer.from('an SBOM'))).isNew).toBe(false);
  });

  test('ranges', async () => {
    const vault = await open();
    const bytes = content(7, 300_000);
    const { sha256: digest } = await vault.store(bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(300_000), fc.nat(300_000), async (a, b) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        const range = await vault.getBytes(digest, { maxBytes: 300_000, range: { start, end } });
        expect(Buffer.compare(range, bytes.subarray(start, end))).toBe(0);
      }),
    );
    const tail = await vault.get(digest, { start: 299_999 });
    expect(tail.sizeBytes).toBe(300_000);
    expect(await tail.stream.toArray()).toEqual([bytes.subarray(299_999)]);
    for (const range of [
      { start: -1 },
      { start: 300_001 },
      { start: 2, end: 1 },
      { start: 0, end: 300_001 },
      { start: 0.5 },
    ]) {
      await expect(vault.get(digest, range)).rejects.toMatchObject({ code: 'range-not-satisfiable' });
    }
    await expect(vault.getBytes(digest, { maxBytes: 299_999 })).rejects.toMatchObject({ code: 'too-large' });
  });

  test('a false claim stores nothing, small or large', async () => {
    const vault = await open();
    for (const sizeBytes of [10, 9_000_000]) {
      const bytes = content(sizeBytes, sizeBytes);
      const claims = [
        [{ sha256: 'b'.repeat(64) }, 'digest-mismatch'],
        [{ sha256: 'b'.repeat(64), sizeBytes }, 'digest-mismatch'],
        [{ sha256: sha256(bytes), sizeBytes: sizeBytes - 1 }, 'size-mismatch'],
        [{ sha256: sha256(bytes), sizeBytes: sizeBytes + 1 }, 'size-mismatch'],
      ] as const;
      for (const [claim, code] of claims) {
        await expect(vault.put(inPieces(bytes, 100_000), claim)).rejects.toMatchObject({ code });
        await expect(vault.putMany([{ bytes, ...claim }])).rejects.toMatchObject({ code });
      }
      await vault.flush();
      expect(await vault.has(sha256(bytes))).toBe(false);
      expect(await vault.has('b'.repeat(64))).toBe(false);
    }
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
    expect(readdirSync(join(dir, 'packs'))).toEqual([]);
  });

  test('the claim about a large duplicate is held against the bytes', async () => {
    const vault = await open();
    const bytes = content(1, 9_000_000);
    const { sha256: digest } = await vault.put(bytes);
    expect(await vault.put(bytes, { sha256: digest })).toMatchObject({ isNew: false });
    await expect(vault.put(content(2, 9_000_000), { sha256: digest })).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
    await expect(vault.put(bytes, { sha256: digest, sizeBytes: 1 })).rejects.toMatchObject({
      code: 'size-mismatch',
    });
    expect(vault.metrics().packs).toBe(1);
  });

  test('a source that breaks stores nothing, and its error is passed on', async () => {
    const vault = await open();
    const broken = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      yield* inPieces(bytes, 65_536);
      throw new Error('connection reset');
    };
    for (const sizeBytes of [10, 12_000_000]) {
      await expect(vault.put(broken(content(3, sizeBytes)))).rejects.toThrow('connection reset');
    }
    await expect(vault.put(Readable.from(['text'], { encoding: 'utf8' }))).rejects.toThrow(TypeError);
    await vault.flush();
    expect(vault.metrics()).toMatchObject({ objects: 0, packs: 0 });
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  });

  test('a source may use its buffer again', async () => {
    const vault = await open();
    const buffer = Buffer.alloc(100);
    const { sha256: digest } = await vault.store(
      (function* () {
        for (let round = 0; round < 3; round++) yield buffer.fill(round);
      })(),
    );
    expect(digest).toBe(
      sha256(Buffer.concat([Buffer.alloc(100, 0), Buffer.alloc(100, 1), Buffer.alloc(100, 2)])),
    );
    expect(await read(vault, digest)).toHaveLength(300);
  });

  test('duplicates put concurrently are stored once', async () => {
    const vault = await open({ packObjects: 50 });
    const objects = Array.from({ length: 200 }, (_, seed) => ({ bytes: content(seed, 3000 + seed) }));
    const large = content(9, 10_000_000);
    const sums = await Promise.all([
      ...Array.from({ length: 4 }, () => vault.putMany(objects)),
      vault.putMany([...objects].reverse()),
      ...Array.from({ length: 4 }, async () => {
        await vault.flush();
        return { newObjects: 0 };
      }),
    ]);
    const larges = await Promise.all(Array.from({ length: 3 }, () => vault.put(inPieces(large, 1_000_000))));
    await vault.flush();
    expect(sums.reduce((sum, { newObjects }) => sum + newObjects, 0)).toBe(200);
    expect(larges.filter(({ isNew }) => isNew)).toHaveLength(1);
    const report = await vault.check();
    expect(report).toMatchObject({ ok: true, objects: 201 });
    expect(vault.metrics().objects).toBe(201);
  });

  test('frequent flushes, also by many at once, do not leave many packs', async () => {
    let vault = await open();
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 20 }, (_, at) => vault.store(content(round * 20 + at, 500))));
      if (round % 4 === 3) {
        await vault.close();
        vault = await open();
      }
    }
    expect(await vault.check()).toMatchObject({ ok: true, packs: 1, objects: 200 });
  });

  test('a digest is 64 lower-case hex digits', async () => {
    const vault = await open();
    for (const digest of ['', 'A'.repeat(64), '0'.repeat(63), `${'0'.repeat(64)}\n`, '../../etc/passwd']) {
      await expect(vault.get(digest)).rejects.toThrow(TypeError);
      await expect(vault.put(Buffer.of(1), { sha256: digest })).rejects.toThrow(TypeError);
      await expect(vault.dispose(digest)).rejects.toThrow(TypeError);
    }
  });

  test('after close everything is refused', async () => {
    const vault = await open();
    await vault.close();
    await expect(vault.put(Buffer.of(1))).rejects.toMatchObject({ code: 'closed' });
    await expect(vault.get('0'.repeat(64))).rejects.toMatchObject({ code: 'closed' });
    await vault.close();
  });
});

describe('what the disk tells', () => {
  test('no digest and no content, plain or hex, is in any file', async () => {
    const vault = await open();
    const marker = 'a sentence nobody else would write';
    const objects = Array.from({ length: 20 }, (_, at) => Buffer.from(`${marker} ${at}`));
    await vault.putMany(objects.map((bytes) => ({ bytes })));
    const large = Buffer.concat([Buffer.from(marker), content(1, 9_000_000)]);
    await vault.put(large);
    await vault.flush();
    const upload = content(2, 10_000_000);
    await vault.openUpload(sha256(upload), upload.length);
    await vault.append(sha256(upload), 0, [Buffer.from(upload.subarray(0, 5_000_000))]);
    await vault.dispose(sha256(Buffer.from(`${marker} 3`)));
    const digests = [...objects, large, upload].map((bytes) => hash('sha256', bytes, 'buffer'));
    for (const path of allFiles()) {
      const bytes = readFileSync(path);
      expect(bytes.includes(marker)).toBe(false);
      for (const digest of digests) {
        expect(path).not.toContain(digest.toString('hex'));
        expect(bytes.includes(digest)).toBe(false);
        expect(bytes.includes(digest.toString('hex'))).toBe(false);
      }
    }
  });

  test('sizes on disk are padded: neighbouring sizes cannot be told apart', async () => {
    const onDisk = async (sizeBytes: number): Promise<number[]> => {
      rmSync(dir, { recursive: true, force: true });
      const vault = await open();
      await vault.store(content(1, sizeBytes));
      await vault.close();
      return allFiles()
        .filter((path) => path.includes('/packs/'))
        .map((path) => statSync(path).size);
    };
    expect(await onDisk(1)).toEqual(await onDisk(4_000));
    expect(await onDisk(20_000_000)).toEqual(await onDisk(20_300_000));
  });

  test('only the owner may enter', async () => {
    await (await open()).store(Buffer.of(1));
    for (const path of allFiles().filter((file) => file.includes('/packs/'))) {
      expect(statSync(path).mode & 0o077).toBe(0);
    }
  });
});

describe('uploads', () => {
  const bytes = content(11, 3_000_000);
  const digest = sha256(bytes);

  test('goes on after an interruption, in the same process and in another', async () => {
    let vault = await open();
    expect(await vault.openUpload(digest, bytes.length)).toEqual({ offsetBytes: 0, isComplete: false });
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield* inPieces(bytes.subarray(0, 700_000), 1000);
      throw new Error('connection reset');
    };
    await expect(vault.append(digest, 0, broken())).rejects.toThrow('connection reset');
    const first = await vault.openUpload(digest, bytes.length);
    expect(first.offsetBytes).toBe(Math.floor(700_000 / 65_536) * 65_536);
    const second = await vault.append(
      digest,
      first.offsetBytes,
      bytes.subarray(first.offsetBytes, 1_500_000),
    );
    expect(second).toEqual({ offsetBytes: Math.floor(1_500_000 / 65_536) * 65_536, isComplete: false });
    await vault.close();

    vault = await open();
    await expect(vault.append(digest, second.offsetBytes, Buffer.of(1))).rejects.toMatchObject({
      code: 'no-upload',
    });
    const third = await vault.openUpload(digest, bytes.length);
    expect(third).toEqual(second);
    await expect(vault.append(digest, 0, bytes)).rejects.toMatchObject({
      code: 'offset-mismatch',
      offsetBytes: third.offsetBytes,
    });
    expect(
      await vault.append(digest, third.offsetBytes, inPieces(bytes.subarray(third.offsetBytes), 77_777)),
    ).toEqual({
      offsetBytes: bytes.length,
      isComplete: true,
    });
    expect(sha256(await read(vault, digest))).toBe(digest);
    expect(await vault.openUpload(digest, bytes.length)).toEqual({
      offsetBytes: bytes.length,
      isComplete: true,
    });
    await expect(vault.openUpload(digest, 5)).rejects.toMatchObject({ code: 'size-mismatch' });
    expect(await vault.check()).toMatchObject({ ok: true, objects: 1 });
    expect(vault.metrics().uploadsOpen).toBe(0);
  });

  test.each([0, 1, 65_536, 131_072])('an upload of %i bytes completes', async (sizeBytes) => {
    const vault = await open();
    const small = content(sizeBytes, sizeBytes);
    await vault.openUpload(sha256(small), sizeBytes);
    expect(await vault.append(sha256(small), 0, small)).toEqual({ offsetBytes: sizeBytes, isComplete: true });
    expect(await read(vault, sha256(small))).toEqual(small);
  });

  test('parts of whole pieces leave nothing to send twice', async () => {
    const vault = await open();
    await vault.openUpload(digest, bytes.length);
    const part = 16 * 65_536;
    for (let offset = 0; offset < bytes.length; offset += part) {
      const { offsetBytes } = await vault.append(digest, offset, bytes.subarray(offset, offset + part));
      expect(offsetBytes).toBe(Math.min(offset + part, bytes.length));
    }
    expect(await vault.has(digest)).toBe(true);
  });

  test('wrong bytes are refused at the end, and the upload starts again', async () => {
    const vault = await open();
    await vault.openUpload(digest, bytes.length);
    await expect(vault.append(digest, 0, content(12, bytes.length))).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
    expect(await vault.openUpload(digest, bytes.length)).toEqual({ offsetBytes: 0, isComplete: false });
    await expect(vault.append(digest, 0, [bytes, Buffer.of(0)])).rejects.toMatchObject({
      code: 'size-mismatch',
    });
    expect(await vault.has(digest)).toBe(false);
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  });

  test('whoever announced a wrong size first does not block the right one', async () => {
    let vault = await open();
    await vault.openUpload(digest, 17);
    await vault.openUpload(digest, bytes.length);
    await vault.append(digest, 0, bytes.subarray(0, 1_000_000));
    await vault.close();
    vault = await open();
    expect(await vault.openUpload(digest, 18)).toEqual({ offsetBytes: 0, isComplete: false });
    expect(await vault.openUpload(digest, bytes.length)).toEqual({ offsetBytes: 0, isComplete: false });
    expect((await vault.append(digest, 0, bytes)).isComplete).toBe(true);
  });

  test('one append at a time', async () => {
    const vault = await open();
    await vault.openUpload(digest, bytes.length);
    const appending = vault.append(digest, 0, inPieces(bytes, 1000));
    await expect(vault.append(digest, 0, bytes)).rejects.toMatchObject({ code: 'upload-busy' });
    await expect(vault.openUpload(digest, bytes.length)).rejects.toMatchObject({ code: 'upload-busy' });
    expect((await appending).isComplete).toBe(true);
  });

  test('staged bytes that were altered are not kept', async () => {
    let vault = await open();
    await vault.openUpload(digest, bytes.length);
    await vault.append(digest, 0, bytes.subarray(0, 20 * 65_536));
    await vault.close();
    const [staged] = allFiles().filter((path) => path.includes('/staging/') && path.endsWith('objects'));
    if (staged === undefined) throw new Error('no staged file');
    flipBit(staged, 5 * (65_536 + 28) + 100);
    vault = await open();
    const { offsetBytes } = await vault.openUpload(digest, bytes.length);
    expect(offsetBytes).toBe(5 * 65_536);
    expect((await vault.append(digest, offsetBytes, bytes.subarray(offsetBytes))).isComplete).toBe(true);
    expect(sha256(await read(vault, digest))).toBe(digest);
  });

  test('many uploads at once are taken up in turn; too many are refused; stale ones go', async () => {
    let now = Date.now();
    const vault = await open({ maxUploads: 12, now: () => now, uploadMaxAgeMs: 1000 });
    const uploads = Array.from({ length: 12 }, (_, at) => content(100 + at, 200_000 + at));
    for (const upload of uploads) await vault.openUpload(sha256(upload), upload.length);
    for (const upload of uploads) await vault.append(sha256(upload), 0, upload.subarray(0, 131_072));
    await expect(vault.openUpload(digest, bytes.length)).rejects.toMatchObject({ code: 'too-many-uploads' });
    for (const upload of uploads.slice(0, 6)) {
      expect((await vault.append(sha256(upload), 131_072, upload.subarray(131_072))).isComplete).toBe(true);
    }
    await vault.openUpload(digest, bytes.length);
    expect(vault.metrics().uploadsOpen).toBe(7);
    now += 2000;
    await vault.openUpload(sha256(Buffer.of(1)), 1);
    expect(vault.metrics().uploadsOpen).toBe(1);
    await vault.abortUpload(sha256(Buffer.of(1)));
    await vault.abortUpload(sha256(Buffer.of(1)));
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  });

  test('stale staging is removed when the vault opens', async () => {
    let vault = await open();
    await vault.openUpload(digest, bytes.length);
    await vault.append(digest, 0, bytes.subarray(0, 131_072));
    await vault.close();
    const staged = allFiles().filter((path) => path.includes('/staging/'));
    for (const path of staged) utimesSync(path, 1000, 1000);
    vault = await open();
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
    expect((await vault.openUpload(digest, bytes.length)).offsetBytes).toBe(0);
  });

  test('for one purpose know nothing of those for another, also after a restart; a disposal ends all', async () => {
    let vault = await open();
    const purposes = [{ purpose: 'secret a' }, { purpose: 'public a' }] as const;
    const offsets = async () =>
      Promise.all(
        purposes.map(async (options) => (await vault.openUpload(digest, bytes.length, options)).offsetBytes),
      );
    const [secret, published] = purposes;
    await offsets();
    await vault.append(digest, 0, bytes.subarray(0, 131_072), secret);
    await vault.append(digest, 0, bytes.subarray(0, 65_536), published);
    expect(await offsets()).toEqual([131_072, 65_536]);
    await vault.close();
    vault = await open();
    expect(await offsets()).toEqual([131_072, 65_536]);
    expect((await vault.append(digest, 131_072, bytes.subarray(131_072), secret)).isComplete).toBe(true);
    const mustArrive = { ...published, mustArrive: true };
    await vault.close();
    vault = await open();
    // That the object is stored by now is not told by an upload that begins anew.
    expect(await vault.openUpload(digest, bytes.length, mustArrive)).toEqual({
      offsetBytes: 65_536,
      isComplete: false,
    });
    await vault.openUpload(digest, bytes.length, { purpose: 'third', mustArrive: true });
    expect(vault.metrics().uploadsOpen).toBe(2);
    await vault.dispose(digest);
    expect(vault.metrics().uploadsOpen).toBe(0);
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  });

  test('an object that arrives otherwise meanwhile is kept once', async () => {
    const vault = await open();
    await vault.openUpload(digest, bytes.length);
    await vault.put(bytes);
    expect((await vault.append(digest, 0, bytes)).isComplete).toBe(true);
    expect(await vault.check()).toMatchObject({ ok: true, objects: 1 });
    expect(vault.metrics().objects).toBe(1);
  });
});

describe('disposal', () => {
  test('ends an object for good; its neighbours stay; again is harmless', async () => {
    let vault = await open();
    const objects = Array.from({ length: 10 }, (_, seed) => content(seed, 1000));
    await vault.putMany(objects.map((bytes) => ({ bytes })));
    await vault.flush();
    const [victim, ...others] = objects.map(sha256);
    if (victim === undefined) throw new Error('no victim');
    await vault.dispose(victim);
    await vault.dispose(victim);
    const expectDisposed = async (): Promise<void> => {
      expect(await vault.status(victim)).toEqual({ state: 'disposed' });
      expect(await vault.missing([victim, ...others])).toEqual([victim]);
      await expect(vault.get(victim)).rejects.toMatchObject({ code: 'disposed' });
      await expect(vault.store(content(0, 1000))).rejects.toMatchObject({ code: 'disposed' });
      await expect(vault.putMany([{ bytes: content(0, 1000) }])).rejects.toMatchObject({ code: 'disposed' });
      await expect(vault.openUpload(victim, 1000)).rejects.toMatchObject({ code: 'disposed' });
      expect(await vault.check()).toMatchObject({ ok: true, objects: 9 });
    };
    await expectDisposed();
    for (const other of others) expect(sha256(await read(vault, other))).toBe(other);
    await vault.close();
    vault = await open();
    await expectDisposed();
    await vault.close();
    removeIndex();
    vault = await open();
    await expectDisposed();
  });

  test('the last object of a pack takes the pack with it', async () => {
    const vault = await open();
    const { sha256: large } = await vault.put(content(1, 9_000_000));
    const { sha256: small } = await vault.store(content(2, 10));
    expect(vault.metrics().packs).toBe(2);
    await vault.dispose(large);
    await vault.dispose(small);
    expect(vault.metrics()).toMatchObject({ packs: 0, objects: 0, disposedObjects: 2 });
    expect(readdirSync(join(dir, 'packs'))).toEqual([]);
    const { sha256: next } = await vault.store(content(3, 10));
    expect(await read(vault, next)).toEqual(content(3, 10));
    expect(await vault.check()).toMatchObject({ ok: true, objects: 1 });
  });

  test('reaches what is pending, uploading, or not there yet', async () => {
    const vault = await open();
    const pending = content(1, 100);
    await vault.put(pending);
    await vault.dispose(sha256(pending));
    await vault.flush();
    expect(await vault.status(sha256(pending))).toEqual({ state: 'disposed' });

    const uploading = content(2, 1_000_000);
    await vault.openUpload(sha256(uploading), uploading.length);
    await vault.dispose(sha256(uploading));
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);

    const appending = content(3, 1_000_000);
    await vault.openUpload(sha256(appending), appending.length);
    const appendGate = Promise.withResolvers<undefined>();
    const append = vault.append(sha256(appending), 0, gated(appending, appendGate.promise));
    await vault.dispose(sha256(appending));
    appendGate.resolve(undefined);
    await expect(append).rejects.toMatchObject({ code: 'disposed' });
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);

    const large = content(4, 10_000_000);
    const putGate = Promise.withResolvers<undefined>();
    const put = vault.put(gated(large, putGate.promise));
    await vault.dispose(sha256(large));
    putGate.resolve(undefined);
    await expect(put).rejects.toMatchObject({ code: 'disposed' });
    expect(await vault.check()).toMatchObject({ ok: true, objects: 0 });
  });

  test('a pack that fills up during a disposal does not bring the row back', async () => {
    const { files, index } = openVaultStorage(dir);
    const gate = Promise.withResolvers<undefined>();
    const reading = Promise.withResolvers<undefined>();
    let isGated = false;
    const vault = await open({
      files: {
        ...files,
        read: async (path, maxBytes) => {
          if (isGated && path.endsWith('table.age')) {
            reading.resolve(undefined);
            await gate.promise;
          }
          return await files.read(path, maxBytes);
        },
      },
      index,
      packObjects: 3,
    });
    const { sha256: victim } = await vault.store(content(1, 100));
    await vault.put(content(2, 100));
    await vault.put(content(3, 100));
    isGated = true;
    const disposing = vault.dispose(victim);
    await reading.promise;
    isGated = false;
    await vault.put(content(4, 100));
    gate.resolve(undefined);
    await disposing;
    await vault.flush();
    expect(await vault.check()).toMatchObject({ ok: true, objects: 3, problems: [] });
  });

  test('puts, flushes, reads and disposals at once keep every other object', async () => {
    const vault = await open({ packObjects: 20, packBytes: 100_000 });
    const rounds = soak ? 400 : 40;
    const kept: string[] = [];
    const disposed: string[] = [];
    await Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        for (let round = 0; round < rounds; round++) {
          const bytes = content(worker * 100_000 + round, 500 + round * 7);
          const { sha256: digest } = await vault.store(bytes);
          if (round % 3 === 0) {
            await vault.dispose(digest);
            disposed.push(digest);
          } else {
            kept.push(digest);
            expect(await vault.getBytes(digest, { maxBytes: 1e6 })).toEqual(bytes);
          }
        }
      }),
    );
    expect(await vault.missing(kept)).toEqual([]);
    for (const digest of disposed) expect(await vault.status(digest)).toEqual({ state: 'disposed' });
    expect(await vault.check()).toMatchObject({ ok: true, objects: kept.length, problems: [] });
  });
});

describe('the index', () => {
  test('is rebuilt when it is gone, garbage, or older than the tables', async () => {
    let vault = await open({ packObjects: 10 });
    const objects = Array.from({ length: 35 }, (_, seed) => content(seed, 2000));
    const digests = objects.map(sha256);
    await vault.putMany(objects.slice(0, 25).map((bytes) => ({ bytes })));
    await vault.close();
    const older = readFileSync(join(dir, 'index.sqlite'));
    vault = await open({ packObjects: 10 });
    await vault.putMany(objects.slice(25).map((bytes) => ({ bytes })));
    await vault.dispose(digests[0] ?? '');
    await vault.close();
    for (const index of [undefined, Buffer.from('garbage'), randomBytes(8192), older]) {
      removeIndex();
      if (index !== undefined) writeIndex(index);
      vault = await open({ packObjects: 10 });
      expect(await vault.missing(digests)).toEqual(digests.slice(0, 1));
      expect(await vault.check()).toMatchObject({ ok: true, objects: 34 });
      await vault.close();
    }
  });
});

describe('any sequence of operations', () => {
  test('agrees with a map', async () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), seed: fc.nat(30) }),
      fc.record({ kind: fc.constant('upload' as const), seed: fc.nat(30) }),
      fc.record({ kind: fc.constant('dispose' as const), seed: fc.nat(30) }),
      fc.record({ kind: fc.constant('flush' as const) }),
      fc.record({ kind: fc.constant('reopen' as const) }),
      fc.record({ kind: fc.constant('lose index' as const) }),
    );
    const bytesOf = (seed: number): Buffer => content(seed, (seed * 7919) % 200_000);
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        rmSync(dir, { recursive: true, force: true });
        const limits = { packObjects: 4, packBytes: 300_000 };
        let vault = await open(limits);
        const pending = new Set<number>();
        const stored = new Set<number>();
        const disposed = new Set<number>();
        const settle = (): void => {
          for (const seed of pending) stored.add(seed);
          pending.clear();
        };
        for (const step of operations) {
          if (step.kind === 'put') {
            const put = vault.put(bytesOf(step.seed));
            if (disposed.has(step.seed)) await expect(put).rejects.toMatchObject({ code: 'disposed' });
            else {
              expect((await put).isNew).toBe(!stored.has(step.seed) && !pending.has(step.seed));
              if (!stored.has(step.seed)) pending.add(step.seed);
            }
          } else if (step.kind === 'upload') {
            const bytes = bytesOf(step.seed);
            const upload = vault.openUpload(sha256(bytes), bytes.length);
            if (disposed.has(step.seed)) await expect(upload).rejects.toMatchObject({ code: 'disposed' });
            else {
              if (!(await upload).isComplete) await vault.append(sha256(bytes), 0, bytes);
              if (pending.has(step.seed)) settle();
              stored.add(step.seed);
            }
          } else if (step.kind === 'dispose') {
            await vault.dispose(sha256(bytesOf(step.seed)));
            disposed.add(step.seed);
            pending.delete(step.seed);
            stored.delete(step.seed);
            await vault.flush();
            settle();
          } else if (step.kind === 'flush') {
            await vault.flush();
            settle();
          } else {
            await vault.close();
            settle();
            if (step.kind === 'lose index') removeIndex();
            vault = await open(limits);
          }
          for (let seed = 0; seed <= 30; seed++) {
            const { state } = await vault.status(sha256(bytesOf(seed)));
            // A full pack is committed without being asked to.
            if (pending.has(seed) && state === 'stored') continue;
            expect(state).toBe(disposed.has(seed) ? 'disposed' : stored.has(seed) ? 'stored' : 'missing');
          }
        }
        await vault.flush();
        settle();
        for (const seed of stored) expect(await read(vault, sha256(bytesOf(seed)))).toEqual(bytesOf(seed));
        expect(await vault.check()).toMatchObject({ ok: true, objects: stored.size, problems: [] });
        await vault.close();
      }),
      { numRuns: soak ? 500 : 10 },
    );
  });
});

describe('keys', () => {
  test('other keys are refused, and told apart', async () => {
    await (await open()).store(Buffer.of(1));
    await opened.pop()?.close();
    const others = await generateVaultKeys();
    await expect(open({ keys: { ...keys, identity: others.identity } })).rejects.toThrow(/vault identity/);
    await expect(open({ keys: { ...keys, vaultKey: others.vaultKey } })).rejects.toThrow(/vault key/);
    expect(await (await open()).has(sha256(Buffer.of(1)))).toBe(true);
  });
});

describe.runIf(soak)('a 3 GB object', () => {
  test('is stored and read in constant memory', async () => {
    const vault = await open();
    const piece = randomBytes(1 << 20);
    const pieces = function* (): Generator<Uint8Array> {
      for (let at = 0; at < 3072; at++) {
        piece.writeUInt32LE(at, 0);
        yield piece;
      }
    };
    let peakBytes = 0;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    }, 20);
    const beforeBytes = process.memoryUsage.rss();
    const { sha256: digest, sizeBytes } = await vault.put(pieces());
    expect(sizeBytes).toBe(3 * 1024 ** 3);
    let readBytes = 0;
    for await (const block of (await vault.get(digest)).stream as AsyncIterable<Buffer>)
      readBytes += block.length;
    clearInterval(watch);
    expect(readBytes).toBe(sizeBytes);
    expect(peakBytes - beforeBytes).toBeLessThan(200 * 1024 * 1024);
  });
});
