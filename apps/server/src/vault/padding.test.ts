import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paddedSize } from './padding.ts';

test('padding never shrinks, is stable, costs at most 12% above a block, and leaves few sizes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (sizeBytes) => {
      const padded = paddedSize(sizeBytes);
      expect(padded).toBeGreaterThanOrEqual(sizeBytes);
      expect(paddedSize(padded)).toBe(padded);
      expect(padded).toBeLessThanOrEqual(Math.max(4096, Math.ceil(sizeBytes * 1.12)));
    }),
  );
  expect(paddedSize(0)).toBe(0);
  expect(paddedSize(1)).toBe(4096);
  expect(paddedSize(10_000)).toBe(10_240);
  expect(paddedSize(1_000_000_000)).toBe(1_006_632_960);
  // 2^30 gets 5 bits of mantissa: 32 sizes between 1 GiB and 2 GiB.
  expect(
    new Set(Array.from({ length: 4096 }, (_, step) => paddedSize(2 ** 30 + 1 + step * 2 ** 18))).size,
  ).toBe(32);
});
