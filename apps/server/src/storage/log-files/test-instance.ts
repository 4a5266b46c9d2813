/** For tests and benchmarks: logs with fresh keys in a temporary folder, and the invariant that each must hold. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireSoundLog } from '@vitrine/fsck';
import { formatVkey } from '@vitrine/tlog';
import { type Ed25519Key, ed25519Key } from '../../log/ed25519-key.ts';
import type { EntryKind, Logs, LogSpec } from '../../log/log.ts';
import { createLogs, type LogsOptions, openLogs } from '../../log/open-logs.ts';
import { type LogFolderOptions, openLogFolder } from './open-log-folder.ts';

export const OPEN: EntryKind = { kind: 'open' };
export const REGISTERED: EntryKind = {
  kind: 'registered',
  identityOf: (entry) => createHash('sha256').update(entry).digest(),
};

export function newKey(): Ed25519Key {
  return ed25519Key(generateKeyPairSync('ed25519').privateKey);
}

/** A data folder with the specs and keys of its logs. */
export class TestInstance {
  readonly dataDir: string;
  readonly specs: readonly LogSpec[];
  readonly cosigner = { name: 'test.example/cosigner', key: newKey() };

  private constructor(dataDir: string, specs: readonly LogSpec[]) {
    this.dataDir = dataDir;
    this.specs = specs;
  }

  /** Makes the logs, by name; in a folder of the system's for temporary files unless one is given. */
  static async create(
    logs: Readonly<Record<string, Partial<LogSpec> & Pick<LogSpec, 'entries'>>>,
    folder: Partial<LogFolderOptions> = {},
  ): Promise<TestInstance> {
    const dataDir = folder.dataDir ?? (await mkdtemp(join(tmpdir(), 'vitrine-log-')));
    const specs = Object.entries(logs).map(([name, spec]) => ({
      name,
      origin: `test.example/${name}`,
      key: newKey(),
      ...spec,
    }));
    const instance = new TestInstance(dataDir, specs);
    const storage = await openLogFolder({ ...folder, dataDir });
    await createLogs({ storage, logs: specs, cosigner: instance.cosigner });
    await storage.close();
    return instance;
  }

  async open(options: Partial<LogsOptions> = {}, folder: Partial<LogFolderOptions> = {}): Promise<Logs> {
    const storage = await openLogFolder({ ...folder, dataDir: this.dataDir });
    try {
      return await openLogs({ logs: this.specs, cosigner: this.cosigner, ...options, storage });
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  publicFolder(name: string): string {
    return join(this.dataDir, 'logs', name);
  }

  stateFolder(name: string): string {
    return join(this.dataDir, 'log-state', name);
  }

  vkey(name: string): string {
    const spec = this.specs.find((one) => one.name === name);
    if (spec === undefined) throw new RangeError(`no log ${name}`);
    return formatVkey({ name: spec.origin, type: 0x01, publicKey: spec.key.publicKey });
  }

  /** The invariant of every scenario. Returns the published sizes by name. */
  async requireSound(): Promise<Record<string, number>> {
    const sizes: Record<string, number> = {};
    for (const { name } of this.specs) {
      const report = await requireSoundLog({
        source: this.publicFolder(name),
        vkey: this.vkey(name),
        workers: 1,
      });
      sizes[name] = report.size ?? 0;
    }
    return sizes;
  }

  async remove(): Promise<void> {
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

export function entry(text: string | number): Uint8Array {
  return Buffer.from(`entry ${text}`);
}
