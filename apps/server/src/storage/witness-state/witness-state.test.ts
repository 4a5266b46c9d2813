/** The files of a cosigner's state: torn, damaged, grown, full. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultyFileSystem } from '../log-files/faulty-file-system.ts';
import { FileWitnessState } from './file-witness-state.ts';
import { formatHeader, formatRecord, HEADER_BYTES, scanStateFile } from './state-file.ts';

const salt = Buffer.alloc(16, 7);
const a1 = 'log.example/a\n1\n';
const a2 = 'log.example/a\n2\n';
const b1 = 'log.example/b\n1\n';

describe('a file', () => {
  const records = [[a1], [a2, b1]].map((notes) => formatRecord(salt, notes));
  const file = Buffer.concat([formatHeader(salt), ...records]);

  const [held, commit] = records;
  const begun = HEADER_BYTES + (held?.length ?? 0);

  test('torn at any byte of the last commit: what stands before it is read', () => {
    for (let length = begun; length < file.length; length++) {
      expect(scanStateFile('f', file.subarray(0, length))).toEqual([[a1]]);
    }
    expect(scanStateFile('f', file)).toEqual([[a1], [a2, b1]]);
  });

  test('with any bit before the last commit changed, or cut before it, is refused', () => {
    const next = Buffer.concat([file, formatRecord(salt, [b1])]);
    for (const [bytes, end] of [
      [file.subarray(0, begun), begun],
      [file, begun],
      [next, begun + (commit?.length ?? 0)],
    ] as const) {
      for (let at = 0; at < end; at++) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        expect(() => scanStateFile('f', damaged)).toThrow(expect.objectContaining({ code: 'corrupt' }));
      }
    }
    for (let length = 0; length < begun; length++) {
      expect(() => scanStateFile('f', file.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'corrupt' }),
      );
    }
  });

  test('with a note that looks like a record is torn where it is torn', () => {
    const forged = formatRecord(Buffer.alloc(16, 8), [b1]).toString('latin1');
    const torn = formatRecord(salt, [`log.example/a\n${forged}\n`]).subarray(0, -1);
    expect(scanStateFile('f', Buffer.concat([formatHeader(salt), ...records, torn]))).toEqual([
      [a1],
      [a2, b1],
    ]);
  });
});

describe('a folder', () => {
  let folder: string;
  let files: FaultyFileSystem;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'vitrine-state-')), 'state');
    files = new FaultyFileSystem();
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  function stateOf(compactAboveBytes = 1_000_000): FileWitnessState {
    return new FileWitnessState({ folder, fileSystem: files, compactAboveBytes });
  }
  function onlyFile(): string {
    const names = readdirSync(folder);
    expect(names).toHaveLength(1);
    return join(folder, names[0] ?? '');
  }

  test('keeps the last note of each log, and is made only once', async () => {
    const state = stateOf();
    await state.create();
    expect(await state.open()).toEqual([]);
    await state.commit([a1, b1]);
    await state.commit([a2]);
    await state.close();
    const again = stateOf();
    await again.create();
    expect((await again.open()).toSorted()).toEqual([a2, b1]);
    await again.close();
  });

  test('stays short', async () => {
    const state = stateOf(2_000);
    await state.create();
    await state.open();
    for (let i = 0; i < 500; i++) {
      await state.commit([`log.example/a\n${i}\n`, b1]);
      expect(readFileSync(onlyFile()).length).toBeLessThan(2_500);
    }
    await state.close();
    expect((await stateOf().open()).toSorted()).toEqual(['log.example/a\n499\n', b1]);
  });

  test('grows on where there is no space for a shorter file, and is shortened later', async () => {
    const state = stateOf(1_000);
    await state.create();
    await state.open();
    files.fault = (operation) => (operation === 'writeNew' ? 'ENOSPC' : null);
    for (let i = 0; i < 60; i++) await state.commit([`log.example/a\n${i}\n`]);
    expect(readFileSync(onlyFileBesides('new')).length).toBeGreaterThan(2_000);
    files.fault = () => null;
    for (let i = 60; i < 90; i++) await state.commit([`log.example/a\n${i}\n`]);
    expect(readFileSync(onlyFile()).length).toBeLessThan(2_000);
    await state.close();
    expect(await stateOf().open()).toEqual(['log.example/a\n89\n']);
  });
  function onlyFileBesides(other: string): string {
    return join(folder, readdirSync(folder).find((name) => name !== other) ?? '');
  }

  test('when full takes nothing, and leaves what is there as it was', async () => {
    const state = stateOf();
    await state.create();
    await state.open();
    await state.commit([a1]);
    files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : null);
    await expect(state.commit([a2])).rejects.toMatchObject({ code: 'disk-full' });
    files.fault = () => null;
    await state.commit([b1]);
    await state.close();
    files.fault = (operation) => (operation === 'writeNew' ? 'ENOSPC' : null);
    await expect(stateOf().open()).rejects.toMatchObject({ code: 'disk-full' });
    files.fault = () => null;
    const again = stateOf();
    expect((await again.open()).toSorted()).toEqual([a1, b1]);
    await again.close();
  });

  test('takes nothing more after a failed sync until it was opened again', async () => {
    const state = stateOf();
    await state.create();
    await state.open();
    files.fault = (operation) => (operation === 'datasync' ? 'EIO' : null);
    await expect(state.commit([a1])).rejects.toThrow('EIO');
    files.fault = () => null;
    await expect(state.commit([a1])).rejects.toThrow('not open');
    await state.open();
    await state.commit([a2]);
    files.kill();
    await state.close();
    // What the failed sync was for is durable by now, since it was read back and written anew.
    await files.losePower();
    expect(await new FileWitnessState({ folder }).open()).toEqual([a2]);
  });

  test('is refused when it was emptied, or a commit before the last is damaged', async () => {
    const state = stateOf();
    await state.create();
    await state.open();
    await state.commit([a1]);
    await state.commit([b1]);
    await state.close();
    const bytes = readFileSync(onlyFile());
    bytes[HEADER_BYTES + 60] = 0;
    writeFileSync(onlyFile(), bytes);
    await expect(stateOf().open()).rejects.toMatchObject({ code: 'corrupt' });
    rmSync(onlyFile());
    await expect(stateOf().open()).rejects.toMatchObject({ code: 'log-missing' });
  });
});
