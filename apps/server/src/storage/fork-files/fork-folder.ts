/** Evidence of forks as files: `forks/fork-ID.evidence`, the very bytes that `vitrine evidence verify` takes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EVIDENCE_EXTENSION } from '@vitrine/verifier';
import type { ForkFiles, KeptEvidence } from '../../monitor/fork-files.ts';
import { DurableFiles } from '../log-files/durable-files.ts';
import { type FileSystem, nodeFileSystem } from '../log-files/file-system.ts';

const NAME = /^fork-([0-9a-f]{32})[.]evidence$/;

export class ForkFolder implements ForkFiles {
  readonly #folder: string;
  readonly #files: FileSystem;
  readonly #durable: DurableFiles;

  constructor(folder: string, files: FileSystem = nodeFileSystem) {
    this.#folder = folder;
    this.#files = files;
    this.#durable = new DurableFiles(files, [folder], join(folder, 'unfinished'));
  }

  async all(): Promise<readonly KeptEvidence[]> {
    const kept: KeptEvidence[] = [];
    for (const name of (await this.#files.list(this.#folder)).sort()) {
      const id = NAME.exec(name)?.[1];
      if (id === undefined) continue;
      const path = join(this.#folder, name);
      const bytes = await this.#files.read(path);
      if (bytes === null) continue;
      kept.push({ id, bytes, savedAtMs: Math.floor((await stat(path)).mtimeMs) });
    }
    return kept;
  }

  async save(id: string, bytes: Uint8Array): Promise<void> {
    await this.#durable.emptyTemporary();
    await this.#durable.replaceDurably(join(this.#folder, `fork-${id}${EVIDENCE_EXTENSION}`), bytes);
  }
}
