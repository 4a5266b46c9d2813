/** What an attacker with the disk can do: alter, cut, swap, exchange, take away. Never may other bytes come out. */
import { hash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Encrypter, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ciphertextSize, SEALED_PIECE_BYTES } from '../../vault/object-cipher.ts';
import { openGrant, openTable, sealTable } from '../../vault/pack-envelope.ts';
import { type ObjectRow, PackTable } from '../../vault/pack-table.ts';
import { generateVaultKeys, openVault, type Vault } from '../../vault/vault.ts';
import { deriveVaultSecrets } from '../../vault/vault-secrets.ts';
import { openVaultStorage } from './vault-storage.ts';

const soak = process.env['VITRINE_SOAK'] !== undefined;
const keys = await generateVaultKeys();
const secrets = await deriveVaultSecrets(keys);
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** Three small objects that share a pack, one of several pieces among them. */
const objects = [Buffer.from('rule one'), Buffer.alloc(200_000, 'source'), Buffer.from('rule two')];
const digests = objects.map(sha256);
const [one = '', long = '', two = ''] = digests;

let dir: string;
let vault: Vault;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'vault-corruption-'));
  vault = await openVault({ ...openVaultStorage(dir), keys });
  await vault.putMany(objects.map((bytes) => ({ bytes })));
  await vault.flush();
  await vault.close();
});

afterEach(async () => {
  await vault.close();
  rmSync(dir, { recursive: true, force: true });
});

async function reopen(): Promise<Vault> {
  vault = await openVault({ ...openVaultStorage(dir), keys });
  return vault;
}

function packIds(): string[] {
  return readdirSync(join(dir, 'packs'));
}

function onlyPack(): string {
  const [packId, ...more] = packIds();
  if (packId === undefined || more.length > 0) throw new Error('the fixture has one pack');
  return packId;
}

const inPack = (name: string, packId = onlyPack()): string => join(dir, 'packs', packId, name);
const grantFile = `grant-${secrets.recipientTag}.age`;

async function readTable(packId: string): Promise<ObjectRow[]> {
  const pack = await openGrant(readFileSync(inPack(grantFile, packId)), packId, keys.identity);
  return [...(await openTable(readFileSync(inPack('table.age', packId)), pack, secrets)).rows()];
}

async function rowOf(digest: string): Promise<ObjectRow> {
  const row = (await readTable(onlyPack())).find(
    (each) => Buffer.from(each.digest).toString('hex') === digest,
  );
  if (row === undefined) throw new Error('no such row');
  return row;
}

function alter(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

/** Either the true bytes come back, or an error; and `check` sees what is wrong exactly when something is. */
async function expectTrueOrRefused(): Promise<number> {
  let refused = 0;
  for (const [at, digest] of digests.entries()) {
    try {
      const bytes = await vault.getBytes(digest, { maxBytes: 1e6 });
      expect(bytes).toEqual(objects[at]);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt|missing)$/) as unknown });
      refused += 1;
    }
    try {
      const range = await vault.getBytes(digest, { maxBytes: 1e6, range: { start: 0, end: 8 } });
      expect(range).toEqual(objects[at]?.subarray(0, 8));
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt|missing)$/) as unknown });
    }
  }
  const report = await vault.check();
  expect(report.ok).toBe(refused === 0);
  return refused;
}

describe('altered bits', () => {
  test.each(['objects', 'table.age', grantFile])('in %s', async (name) => {
    const path = inPack(name);
    const original = readFileSync(path);
    const end = name === 'objects' ? Math.max(...(await readTable(onlyPack())).map(endOf)) : original.length;
    const property = fc.asyncProperty(fc.nat(end - 1), fc.nat(7), async (position, bit) => {
      alter(path, (bytes) => {
        bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
      });
      await reopen();
      expect(await expectTrueOrRefused()).toBe(name === 'objects' ? 1 : 3);
      await vault.close();
      writeFileSync(path, original);
    });
    await fc.assert(property, { numRuns: soak ? 500 : 10 });
  });

  test('in the padding harm nothing', async () => {
    const end = Math.max(...(await readTable(onlyPack())).map(endOf));
    alter(inPack('objects'), (bytes) => bytes.fill(0, end));
    await reopen();
    expect(await expectTrueOrRefused()).toBe(0);
  });

  test('a stream of an altered object errors before its end, and gives out no altered piece', async () => {
    const row = await rowOf(long);
    alter(inPack('objects'), (bytes) => {
      const at = row.offset + 2 * SEALED_PIECE_BYTES + 50;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    });
    await reopen();
    const { stream } = await vault.get(long);
    const read: Buffer[] = [];
    await expect(async () => {
      for await (const block of stream as AsyncIterable<Buffer>) read.push(block);
    }).rejects.toMatchObject({ code: 'corrupt' });
    expect(Buffer.concat(read).every((byte, at) => byte === objects[1]?.[at])).toBe(true);
    expect(vault.metrics().corruptReads).toBe(1);
    const start = await vault.getBytes(long, { maxBytes: 100, range: { start: 10, end: 20 } });
    expect(start).toEqual(objects[1]?.subarray(10, 20));
    expect((await vault.check()).problems).toEqual([
      {
        pack: onlyPack(),
        reason: expect.stringContaining('piece 2 of the object does not decrypt') as unknown,
      },
    ]);
  });
});

describe('cut short', () => {
  test.each(['objects', 'table.age', grantFile])('%s', async (name) => {
    const path = inPack(name);
    const original = readFileSync(path);
    for (const keep of [0, 1, 27, 4096, original.length - 1].filter((size) => size < original.length)) {
      truncateSync(path, keep);
      await reopen();
      const refused = await expectTrueOrRefused().catch((error: unknown) => error);
      // Only padding is missing: every object is there, and `check` says that bytes are gone.
      if (name === 'objects' && keep === original.length - 1) expect(refused).toBeInstanceOf(Error);
      else expect(refused).toBeGreaterThan(0);
      expect((await vault.check()).ok).toBe(false);
      await vault.close();
      writeFileSync(path, original);
    }
    rmSync(path);
    await reopen();
    expect(await expectTrueOrRefused()).toBe(3);
  });

  test('an object cut at a piece, with its row made to agree, does not pass for the whole', async () => {
    const packId = onlyPack();
    const pack = await openGrant(readFileSync(inPack(grantFile)), packId, keys.identity);
    const rows = await readTable(packId);
    const shortened = rows.map((row) =>
      Buffer.from(row.digest).toString('hex') === long ? { ...row, sizeBytes: 2 * 65_536 } : row,
    );
    const table = PackTable.empty.with(shortened, statSync(inPack('objects')).size);
    writeFileSync(inPack('table.age'), await sealTable(pack, table, secrets));
    await reopen();
    // The last piece kept was not sealed as the last.
    expect(await expectTrueOrRefused()).toBe(1);
  });
});

describe('exchanged', () => {
  test('two pieces of an object', async () => {
    const row = await rowOf(long);
    alter(inPack('objects'), (bytes) => {
      const first = Buffer.from(bytes.subarray(row.offset, row.offset + SEALED_PIECE_BYTES));
      bytes.copyWithin(row.offset, row.offset + SEALED_PIECE_BYTES, row.offset + 2 * SEALED_PIECE_BYTES);
      bytes.set(first, row.offset + SEALED_PIECE_BYTES);
    });
    await reopen();
    expect(await expectTrueOrRefused()).toBe(1);
  });

  test('the ciphertexts of two objects of the same size', async () => {
    const [a, b] = [await rowOf(one), await rowOf(two)];
    alter(inPack('objects'), (bytes) => {
      const first = Buffer.from(bytes.subarray(a.offset, endOf(a)));
      bytes.set(Buffer.from(bytes.subarray(b.offset, endOf(b))), a.offset);
      bytes.set(first, b.offset);
    });
    await reopen();
    expect(await expectTrueOrRefused()).toBe(2);
  });

  test('tables, grants and objects of two packs', async () => {
    await reopen();
    const large = Buffer.alloc(9_000_000, 'x');
    await vault.put(large);
    await vault.close();
    const [a = '', b = ''] = packIds();
    for (const name of ['objects', 'table.age', grantFile]) {
      const swap = (): void => {
        renameSync(inPack(name, a), join(dir, 'swap'));
        renameSync(inPack(name, b), inPack(name, a));
        renameSync(join(dir, 'swap'), inPack(name, b));
      };
      swap();
      await reopen();
      for (const digest of [...digests, sha256(large)]) {
        await expect(vault.getBytes(digest, { maxBytes: 1e7 })).rejects.toMatchObject({
          code: expect.stringMatching(/^(corrupt|missing)$/) as unknown,
        });
      }
      expect((await vault.check()).ok).toBe(false);
      await vault.close();
      swap();
    }
    // A whole pack under another's name.
    renameSync(join(dir, 'packs', a), join(dir, 'swap'));
    renameSync(join(dir, 'packs', b), join(dir, 'packs', a));
    renameSync(join(dir, 'swap'), join(dir, 'packs', b));
    await reopen();
    await expect(vault.getBytes(one, { maxBytes: 1e7 })).rejects.toMatchObject({ code: 'corrupt' });
    expect((await vault.check()).ok).toBe(false);
  });
});

describe('forged', () => {
  test('a table by someone who was granted the pack, but is not the vault', async () => {
    const packId = onlyPack();
    const pack = await openGrant(readFileSync(inPack(grantFile)), packId, keys.identity);
    const rows = await readTable(packId);
    const [first, second] = [await rowOf(one), await rowOf(two)];
    const forged = rows.map((row) =>
      row.digest.every((byte, at) => byte === first.digest[at]) ? { ...second, digest: first.digest } : row,
    );
    const overlapping = forged.filter((row) => !row.digest.every((byte, at) => byte === second.digest[at]));
    const table = PackTable.empty.with(overlapping, statSync(inPack('objects')).size);
    const stranger = await deriveVaultSecrets({ ...keys, vaultKey: Buffer.alloc(32, 1) });
    writeFileSync(inPack('table.age'), await sealTable(pack, table, stranger));
    await reopen();
    // Without the MAC a range of "rule one" would read as "rule two".
    await expect(vault.getBytes(one, { maxBytes: 8, range: { start: 5, end: 8 } })).rejects.toThrow(
      /not written by this vault/,
    );
    expect((await vault.check()).ok).toBe(false);
  });

  test('a grant that holds no identity', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(keys.identity));
    writeFileSync(inPack(grantFile), await encrypter.encrypt('not an identity\n'));
    await reopen();
    expect(await expectTrueOrRefused()).toBe(3);
  });

  test('a further grant is neither needed nor in the way', async () => {
    writeFileSync(inPack(`grant-${'0'.repeat(32)}.age`), 'for another centre');
    await reopen();
    expect(await expectTrueOrRefused()).toBe(0);
  });
});

describe('taken away or put back', () => {
  test('a pack that is gone is reported, and its objects can be put again', async () => {
    const packId = onlyPack();
    renameSync(join(dir, 'packs', packId), join(dir, 'taken'));
    await reopen();
    expect(await vault.missing(digests)).toEqual(digests);
    expect((await vault.check()).problems).toEqual([
      { pack: packId, reason: expect.stringContaining('gone, with 3 objects') as unknown },
    ]);
    await vault.putMany(objects.map((bytes) => ({ bytes })));
    await vault.flush();
    expect(await vault.getBytes(one, { maxBytes: 8 })).toEqual(objects[0]);
    await vault.close();

    // Restored from a backup: every object is now there twice, and a disposal ends both.
    renameSync(join(dir, 'taken'), join(dir, 'packs', packId));
    await reopen();
    expect(await vault.check()).toMatchObject({ ok: true, packs: 2, objects: 6 });
    await vault.dispose(one);
    expect(await vault.check()).toMatchObject({ ok: true, objects: 4 });
  });

  test('a pack restored from before a disposal loses its row again', async () => {
    const packId = onlyPack();
    cpSync(join(dir, 'packs', packId), join(dir, 'backup'), { recursive: true });
    await reopen();
    await vault.dispose(one);
    await vault.close();
    expect((await readTable(packId)).length).toBe(2);
    rmSync(join(dir, 'packs', packId), { recursive: true });
    renameSync(join(dir, 'backup'), join(dir, 'packs', packId));
    expect((await readTable(packId)).length).toBe(3);
    await reopen();
    expect((await readTable(packId)).length).toBe(2);
    expect(await vault.status(one)).toEqual({ state: 'disposed' });
  });

  test('an older table put back is noticed, and hides nothing for good', async () => {
    const older = readFileSync(inPack('table.age'));
    await reopen();
    await vault.store(Buffer.from('later'));
    await vault.close();
    const newer = readFileSync(inPack('table.age'));
    const ciphertext = readFileSync(inPack('objects'));
    expect(ciphertext.length).toBeGreaterThan(0);
    writeFileSync(inPack('table.age'), older);
    await reopen();
    const later = sha256(Buffer.from('later'));
    await expect(vault.getBytes(later, { maxBytes: 10 })).rejects.toMatchObject({ code: 'corrupt' });
    expect(await vault.getBytes(one, { maxBytes: 10 })).toEqual(objects[0]);
    const expectReported = async (): Promise<void> => {
      expect((await vault.check()).problems).toContainEqual({
        pack: readdirSync(join(dir, 'packs')).find((packId) => packId === first),
        reason: expect.stringContaining('is in the index, not in the table') as unknown,
      });
    };
    const first = onlyPack();
    await expectReported();
    // Neither another object nor a disposal writes over what the newer table names.
    await vault.store(Buffer.from('elsewhere'));
    await vault.dispose(two);
    await expectReported();
    await vault.close();
    await reopen();
    await expectReported();
    await vault.close();
    expect(readFileSync(inPack('objects', first)).equals(ciphertext)).toBe(true);

    writeFileSync(inPack('table.age', first), newer);
    await reopen();
    expect(await vault.getBytes(later, { maxBytes: 10 })).toEqual(Buffer.from('later'));
    expect(await vault.status(two)).toEqual({ state: 'disposed' });
    expect(await vault.check()).toMatchObject({ ok: true, objects: 4 });
  });

  test('a disposal that was interrupted after its mark is completed', async () => {
    const name = secrets.nameOf(Buffer.from(one, 'hex')).toString('hex');
    writeFileSync(join(dir, 'disposed', name), '');
    await reopen();
    expect(await vault.status(one)).toEqual({ state: 'disposed' });
    expect((await readTable(onlyPack())).length).toBe(2);
    expect(await vault.check()).toMatchObject({ ok: true, objects: 2 });
  });

  test('leftovers of a crash are cleared', async () => {
    const packId = onlyPack();
    writeFileSync(inPack('table.age.new'), 'half');
    alter(inPack('objects'), () => undefined);
    writeFileSync(inPack('objects'), Buffer.concat([readFileSync(inPack('objects')), Buffer.alloc(5000)]));
    cpSync(join(dir, 'packs', packId), join(dir, 'staging', `pack-${packId}`), { recursive: true });
    await reopen();
    expect(readdirSync(join(dir, 'staging'))).toEqual([]);
    expect(existsSync(inPack('table.age.new'))).toBe(false);
    expect(await expectTrueOrRefused()).toBe(0);
  });

  test('strange files are reported', async () => {
    writeFileSync(inPack('notes.txt'), '');
    writeFileSync(join(dir, 'packs', 'stray'), '');
    await reopen();
    expect((await vault.check()).problems.map(({ reason }) => reason).sort()).toEqual([
      'holds an unknown file, notes.txt',
      'not a pack: nothing of the vault has such a name',
    ]);
  });

  test('a folder that is not a vault, or of a newer version, is refused', async () => {
    await vault.close();
    writeFileSync(join(dir, 'format'), 'vitrine-vault/v2\n');
    await expect(reopen()).rejects.toMatchObject({ code: 'unsupported-format' });
    rmSync(join(dir, 'format'));
    await expect(reopen()).rejects.toMatchObject({ code: 'unsupported-format' });
  });
});

function endOf(row: ObjectRow): number {
  return row.offset + ciphertextSize(row.sizeBytes);
}
