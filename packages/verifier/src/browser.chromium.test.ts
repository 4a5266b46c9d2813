import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { bundleVerifier } from '../test/browser-bundle.ts';
import { evidenceCases } from '../test/evidence-cases.ts';
import { type Verdict, verifyEvidence } from './index.ts';

/** What a customer who embeds the verifier in a page pays, in bytes. */
const MAX_GZIP_BYTES = 40_000;

const code = await bundleVerifier();

test('everything that the package exports stays below 40,000 bytes of gzip', () => {
  expect(code).not.toMatch(/\bnew Function\b|\beval\(/);
  expect(gzipSync(code, { level: 9 }).length).toBeLessThan(MAX_GZIP_BYTES);
});

// What the page itself does, as its own script: code that a test injects is exempt from the page's policy.
const PAGE_SCRIPT = `
  const run = () => cases.map(({ evidence, ...request }) =>
    vitrineVerifier.verifyEvidence({ ...request, evidence: new TextEncoder().encode(evidence) }));
  const evalWorks = () => { try { return Function('return true')(); } catch { return false; } };
  globalThis.outcome = { evalWorks: evalWorks(), verdicts: run() };
`;

declare const outcome: { readonly evalWorks: boolean; readonly verdicts: readonly Verdict[] };

test('every case in Chromium under a policy that allows no eval', { timeout: 180_000 }, async () => {
  const cases = await evidenceCases();
  const requests = cases.map(
    ({ description: _description, expected: _expected, name: _name, ...rest }) => rest,
  );
  const scripts = new Map([
    ['/verifier.js', code],
    ['/page.js', `const cases = ${JSON.stringify(requests)};${PAGE_SCRIPT}`],
  ]);
  const html =
    '<!doctype html><title>v</title><script src="/verifier.js"></script><script src="/page.js"></script>';
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '');
    response.setHeader(
      'Content-Type',
      script === undefined ? 'text/html; charset=utf-8' : 'text/javascript; charset=utf-8',
    );
    response.setHeader('Content-Security-Policy', "default-src 'none'; script-src 'self'");
    response.end(script ?? html);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${address.port}/`, { waitUntil: 'load', timeout: 150_000 });
    const { evalWorks, verdicts } = await page.evaluate(() => outcome);
    expect(evalWorks).toBe(false);
    const inNode = requests.map(({ evidence, ...rest }) =>
      verifyEvidence({ ...rest, evidence: new TextEncoder().encode(evidence) }),
    );
    expect(verdicts).toEqual(inNode);
    expect(verdicts.map(({ ok }) => ok)).toEqual(cases.map(({ expected }) => expected.ok));
  } finally {
    await browser.close();
    server.close();
  }
});
