/** The log that e2e/log-crash.test.ts kills: its keys stand in files, so that every process opens the same one. */
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ed25519Key } from '../apps/server/src/log/ed25519-key.ts';
import type { Logs, LogSpec } from '../apps/server/src/log/log.ts';
import { createLogs, openLogs } from '../apps/server/src/log/open-logs.ts';
import { openLogFolder } from '../apps/server/src/storage/log-files/open-log-folder.ts';

export const LOG_NAMES = ['open', 'registered'] as const;
/** Small, so that segments are dropped and runs are built and merged while the process is being killed. */
const SMALL = { segmentBytes: 20_000, runEntries: 500 };
const cosignerName = 'crash.test/cosigner';

function keyFile(dataDir: string, name: string): string {
  return join(dataDir, `${name}.pem`);
}

function readKey(dataDir: string, name: string) {
  return ed25519Key(createPrivateKey(readFileSync(keyFile(dataDir, name))));
}

function specsOf(dataDir: string): LogSpec[] {
  const identityOf = (entry: Uint8Array) => createHash('sha256').update(entry).digest();
  return LOG_NAMES.map((name) => ({
    name,
    origin: `crash.test/${name}`,
    key: readKey(dataDir, name),
    entries: name === 'open' ? { kind: 'open' } : { kind: 'registered', identityOf },
  }));
}

export async function createCrashLogs(dataDir: string): Promise<void> {
  for (const name of [...LOG_NAMES, 'cosigner']) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(keyFile(dataDir, name), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  }
  const storage = await openLogFolder({ dataDir });
  const cosigner = { name: cosignerName, key: readKey(dataDir, 'cosigner') };
  await createLogs({ storage, logs: specsOf(dataDir), cosigner });
  await storage.close();
}

export async function openCrashLogs(dataDir: string): Promise<Logs> {
  return openLogs({
    storage: await openLogFolder({ dataDir, ...SMALL }),
    logs: specsOf(dataDir),
    cosigner: { name: cosignerName, key: readKey(dataDir, 'cosigner') },
    limits: { publishIntervalMs: 5 },
  });
}
