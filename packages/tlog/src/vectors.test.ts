import { describe, expect, test } from 'vitest';
import { vectorCases } from '../test/vector-cases.ts';
import { readVectorFiles } from '../test/vector-files.ts';

describe('vectors in Node', () => {
  const cases = vectorCases(readVectorFiles());

  test.each(cases.map((each) => [each.name, each.run] as const))('%s', async (_name, run) => {
    await run();
  });

  test('none of the files lost its cases', () => {
    expect(cases.length).toBe(5032);
  });
});
