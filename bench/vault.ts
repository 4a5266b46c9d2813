/**
 * How fast the vault takes and gives objects, beside plain writes of the same bytes to the same disk.
 *
 *   node --conditions=@vitrine/source bench/vault.ts [small objects] [megabytes of the large object] [folder]
 */
import { createHash, randomBytes } from 'node:crypto';
import { fdatasyncSync, mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openVaultStorage } from '../apps/server/src/storage/vault-files/vault-storage.ts';
import { generateVaultKeys, openVault } from '../apps/server/src/vault/vault.ts';
import { type Figure, report } from './figure.ts';

const objects = Number(process.argv[2] ?? 100_000);
const largeMegabytes = Number(process.argv[3] ?? 2048);
const parent = process.argv[4] ?? tmpdir();
const OBJECT_BYTES = 10_240;
const PACK_BYTES = 64 * 1024 * 1024;
const command = `node --conditions=@vitrine/source bench/vault.ts ${objects} ${largeMegabytes} ${parent}`;

const folder = mkdtempSync(join(parent, 'vitrine-bench-vault-'));
const dir = join(folder, 'vault');
type Beside = Pick<Figure, 'peer' | 'peerValue' | 'ratio'>;

let peakBytes = 0;
const watch = setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}, 20);

try {
  const keys = await generateVaultKeys();
  let vault = await openVault({ ...openVaultStorage(dir), keys });

  const plain = await seconds(() => writePlainly(objects * OBJECT_BYTES));
  const digests: string[] = [];
  const put = await seconds(async () => {
    await vault.putMany(smallObjects(), ({ sha256 }) => digests.push(sha256));
    await vault.flush();
  });
  const load = `${objects} objects of ${OBJECT_BYTES} bytes`;
  say(`put and flush ${load}`, objects / put, 'objects/s', plainPeer(plain, put, objects));
  say(`memory at most, putting ${load}`, peakBytes / 1e6, 'MB');

  const duplicates = await seconds(() => vault.putMany(smallObjects()));
  say(`put ${load} again`, objects / duplicates, 'objects/s');
  const lookup = await seconds(() => vault.missing(digests));
  say(`look up ${objects} digests`, objects / lookup, 'digests/s');
  const shuffled = digests.toSorted();
  const get = await seconds(async () => {
    for (const digest of shuffled) await vault.getBytes(digest, { maxBytes: OBJECT_BYTES });
  });
  say(`read ${load}, one after another in random order`, objects / get, 'objects/s');

  const largeBytes = largeMegabytes * 1024 * 1024;
  const plainLarge = await seconds(() => writePlainly(largeBytes));
  let large = '';
  const putLarge = await seconds(async () => {
    ({ sha256: large } = await vault.put(pieces(largeBytes)));
  });
  say(
    `put one object of ${largeMegabytes} MiB, streamed`,
    largeBytes / 1e6 / putLarge,
    'MB/s',
    plainPeer(plainLarge, putLarge, largeBytes / 1e6),
  );
  const hashing = await seconds(() => {
    const hasher = createHash('sha256');
    for (const piece of pieces(largeBytes)) hasher.update(piece);
    hasher.digest();
  });
  const getLarge = await seconds(async () => {
    const { stream } = await vault.get(large);
    let readBytes = 0;
    for await (const block of stream as AsyncIterable<Buffer>) readBytes += block.length;
    if (readBytes !== largeBytes) throw new Error(`${readBytes} bytes came back`);
  });
  say(`read it, streamed`, largeBytes / 1e6 / getLarge, 'MB/s', {
    peer: 'SHA-256 of the same bytes in memory',
    peerValue: round(largeBytes / 1e6 / hashing),
    ratio: round(hashing / getLarge),
  });

  const alone = 100;
  const store = await seconds(async () => {
    for (let at = 0; at < alone; at++) await vault.store(randomBytes(2000));
  });
  say('store single objects of 2,000 bytes, each durable before the next', alone / store, 'objects/s');
  const together = await seconds(async () => {
    await Promise.all(Array.from({ length: 1000 }, () => vault.store(randomBytes(2000))));
  });
  say('store 1,000 objects of 2,000 bytes at once, each durable', 1000 / together, 'objects/s');

  const check = await seconds(async () => {
    const { ok } = await vault.check();
    if (!ok) throw new Error('the vault is not sound');
  });
  say('check everything', (objects * OBJECT_BYTES + largeBytes) / 1e6 / check, 'MB/s');
  await vault.close();

  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir, `index.sqlite${suffix}`), { force: true });
  const rebuild = await seconds(async () => {
    vault = await openVault({ ...openVaultStorage(dir), keys });
  });
  say('open after the index was lost', objects / rebuild, 'objects/s');
  await vault.close();
} finally {
  clearInterval(watch);
  rmSync(folder, { recursive: true, force: true });
}

function* smallObjects(): Generator<{ readonly bytes: Uint8Array }> {
  const base = Buffer.alloc(OBJECT_BYTES, 'source ');
  for (let at = 0; at < objects; at++) {
    const bytes = Buffer.from(base);
    bytes.writeUInt32LE(at, 0);
    yield { bytes };
  }
}

function* pieces(sizeBytes: number): Generator<Uint8Array> {
  const piece = randomBytes(1 << 20);
  for (let at = 0; at < sizeBytes; at += piece.length) {
    piece.writeDoubleLE(at, 0);
    yield piece;
  }
}

/** The least a store can do: the bytes into files of a pack's size, each synced. */
function writePlainly(sizeBytes: number): void {
  const block = randomBytes(1 << 20);
  for (let left = sizeBytes, number = 0; left > 0; number++) {
    const file = openSync(join(folder, `plain-${number}`), 'w');
    for (let written = 0; written < PACK_BYTES && left > 0; written += block.length) {
      left -= writeSync(file, block, 0, Math.min(block.length, left));
    }
    fdatasyncSync(file);
    closeSync(file);
    rmSync(join(folder, `plain-${number}`));
  }
}

function plainPeer(plainSeconds: number, ourSeconds: number, amount: number): Beside {
  return {
    peer: 'the same bytes into plain files of 64 MiB, each synced',
    peerValue: round(amount / plainSeconds),
    ratio: round(plainSeconds / ourSeconds),
  };
}

function say(name: string, value: number, unit: string, beside: Beside = {}): void {
  const ratio =
    beside.ratio === undefined ? '' : ` (${beside.ratio} of ${beside.peer ?? ''}: ${beside.peerValue ?? ''})`;
  process.stderr.write(`${name}: ${round(value)} ${unit}${ratio}\n`);
  report({ name, value: round(value), unit, command, ...beside });
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

async function seconds(job: () => unknown): Promise<number> {
  const started = performance.now();
  const cpuStarted = process.cpuUsage();
  await job();
  const elapsed = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuStarted);
  process.stderr.write(
    `  ${elapsed.toFixed(2)} s, of which ${((user + system) / 1e6).toFixed(2)} s of processor time\n`,
  );
  return elapsed;
}
