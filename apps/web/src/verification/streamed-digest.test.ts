import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { digestFile } from './streamed-digest.ts';

const never = new AbortController().signal;
const MIB = 1024 * 1024;

function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31) % 251);
}

test.each([0, 1, 63, 64, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB])(
  '%d bytes have the digest that OpenSSL gives',
  async (size) => {
    const bytes = bytesOf(size);
    const progress: number[] = [];
    const digest = await digestFile(new Blob([bytes]), (hashed) => progress.push(hashed), never);
    expect(digest).toEqual({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      sizeBytes: size,
    });
    expect(progress.at(-1) ?? 0).toBe(size);
    expect(progress).toEqual(progress.toSorted((left, right) => left - right));
  },
);

test('an abort ends it between two chunks', async () => {
  const abort = new AbortController();
  const hashed: number[] = [];
  const digest = digestFile(
    new Blob([bytesOf(9 * MIB)]),
    (bytes) => {
      hashed.push(bytes);
      abort.abort();
    },
    abort.signal,
  );
  await expect(digest).rejects.toThrow(/abort/i);
  expect(hashed).toEqual([4 * MIB]);
});
