import { chromium } from 'playwright-core';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { vectorCases } from '../test/vector-cases.ts';
import { readVectorFiles } from '../test/vector-files.ts';

async function bundleVectorCases(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@vitrine/source'] },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: `${import.meta.dirname}/../test/vector-cases.ts`,
        formats: ['iife'],
        name: 'vectorRun',
      },
    },
  });
  const output = Array.isArray(result) ? result[0] : result;
  const chunk = output !== undefined && 'output' in output ? output.output[0] : undefined;
  if (chunk === undefined) throw new Error('vite made no bundle');
  return chunk.code;
}

declare const vectorRun: typeof import('../test/vector-cases.ts');

test('every vector in Chromium', { timeout: 180_000 }, async () => {
  const files = readVectorFiles();
  const code = await bundleVectorCases();
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage();
    // Top-level `var` of a classic script is global: later evaluations see it.
    await page.addScriptTag({ content: code });
    const { cases, failures } = await page.evaluate((all) => vectorRun.runVectors(all), files);
    expect(failures).toEqual([]);
    expect(cases).toBe(vectorCases(files).length);
  } finally {
    await browser.close();
  }
});
