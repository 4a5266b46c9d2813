/**
 * Works on a vault until it is killed: the child process of vault-crash.test.ts. It says on standard output, before
 * and after, what it did; a line is written before the next step begins.
 *
 * argv: folder, seed.
 */
import { hash } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { openVault, parseVaultKeys } from '../../vault/vault.ts';
import { openVaultStorage } from './vault-storage.ts';

const [, , dir = '', seedText = '0'] = argv;

/** The content that both processes know from its number. */
export function contentOf(seed: number): Buffer {
  // A few are large enough for a pack of their own.
  const sizeBytes = seed % 29 === 0 ? 8_500_000 + seed : 4 + ((seed * 7919) % 150_000);
  const bytes = Buffer.alloc(sizeBytes, seed & 0xff);
  bytes.writeUInt32LE(seed, 0);
  return bytes;
}

/** Seeds of uploads: no round reaches them, since what was disposed of is never stored again. */
const UPLOADS = 1_000_000_000;

const say = (word: string, ...seeds: number[]): void => void writeSync(1, `${word} ${seeds.join(' ')}\n`);

async function work(): Promise<void> {
  const vault = await openVault({
    ...openVaultStorage(dir),
    keys: parseVaultKeys(readFileSync(join(dir, 'keys'), 'utf8')),
    packObjects: 12,
    packBytes: 1_000_000,
  });
  say('open');
  for (let seed = Number(seedText); ; seed += 10) {
    const seeds = Array.from({ length: 10 }, (_, at) => seed + at);
    await Promise.all(seeds.map((each) => vault.put(contentOf(each))));
    await vault.flush();
    say('flushed', ...seeds);
    const upload = contentOf(seed + UPLOADS);
    const digest = hash('sha256', upload, 'hex');
    const { offsetBytes } = await vault.openUpload(digest, upload.length);
    await vault.append(digest, offsetBytes, upload.subarray(offsetBytes));
    say('flushed', seed + UPLOADS);
    for (const victim of [seed + 3, seed + UPLOADS]) {
      say('disposing', victim);
      await vault.dispose(hash('sha256', contentOf(victim), 'hex'));
      say('disposed', victim);
    }
  }
}

if (argv[1] === import.meta.filename) await work();
