/** What everyone who reads must know, on real centres that fail and lie: who is missing and how much waits, and the proof of a fork. */
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatCommitmentBody } from '@vitrine/commitments';
import { commitmentStatement, signStatement } from '@vitrine/statements';
import { ed25519Key } from '../../apps/server/src/log/ed25519-key.ts';
import { TestLog } from '../../apps/server/src/witnessing/test-log.ts';
import { buildWeb } from '../../scripts/build.ts';
import { sha256, startThreeCentres, text } from '../running-centre.ts';
import type { ThreeCentres } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { accessibilityFaults, OPEN_ALL } from './page-checks.ts';

const LONG_MS = 120_000;
/** Where pictures of what the tests see are left, for whoever wants to look at them. */
const pictures = process.env['VITRINE_PICTURES'];

async function promiseSomething({ washington }: ThreeCentres): Promise<void> {
  const body = formatCommitmentBody({
    by: 'Acme',
    sources: [],
    text: 'We say what we do.',
    title: 'Say what we do',
    to: 'everyone',
  });
  const statement = commitmentStatement({
    body: { digest: sha256(body) },
    due: { precision: 'none' },
    id: 'say',
    log: `${washington.name}/statements`,
  });
  await washington.api.call('registerStatements', {
    body: {
      log: 'statements',
      envelopes: [text(await signStatement(statement, [washington.signer]))],
      bodies: [Buffer.from(body).toString('base64')],
    },
  });
}

/** A page at three widths and in both schemes, when pictures are asked for. */
async function picture(browser: Browser, url: string, path: string, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  for (const [kind, options] of [
    ['light', { viewport: { width: 1280, height: 900 } }],
    ['dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 } }],
  ] as const) {
    const { page } = await openPage(browser, url, options);
    await page.goto(path);
    await page.locator('main h1').waitFor();
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: join(pictures, `${name}-${kind}.png`), fullPage: true });
    await page.context().close();
  }
}

describe.skipIf(!hasChromium)('three centres', () => {
  let centres: ThreeCentres;
  let browser: Browser;
  beforeAll(async () => {
    await buildWeb();
    [centres, browser] = await Promise.all([startThreeCentres(), launchBrowser()]);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await centres.dispose();
  }, 120_000);

  test('two of them away: the front page says who is missing and how much waits, until they are back', {
    timeout: 300_000,
  }, async () => {
    const { washington, zurich, singapore } = centres;
    const { page, complaints } = await openPage(browser, washington.url);
    await page.goto('/');
    await page.locator('main h1').waitFor();
    const notice = page.getByRole('region', { name: 'New entries wait for cosignatures' });
    expect(await notice.count()).toBe(0);

    await Promise.all([zurich.stop(), singapore.stop()]);
    await promiseSomething(centres);
    await expect
      .poll(async () => (await washington.api.call('status')).quorumMissing?.waiting ?? 0, {
        timeout: LONG_MS,
        interval: 500,
      })
      .toBeGreaterThan(0);
    const { quorumMissing } = await washington.api.call('status');
    expect(quorumMissing?.missing.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['zurich-witness', 'singapore-witness']),
    );
    const metrics = await (await fetch(`${washington.url}/metrics`)).text();
    expect(metrics).toMatch(/vitrine_quorum_missing 1/);
    expect(metrics).toMatch(/vitrine_waiting_entries [1-9]/);

    // Without a reload: the page asks again by itself.
    await notice.waitFor({ timeout: LONG_MS });
    const words = (await notice.textContent()) ?? '';
    expect(words).toMatch(
      /\d+ (entry is|entries are) accepted and safe, and not published yet: too few cosign/,
    );
    for (const name of ['zurich-witness', 'singapore-witness']) expect(words).toContain(name);
    expect(await accessibilityFaults(page)).toEqual([]);
    await picture(browser, washington.url, '/', 'quorum-missing');

    await Promise.all([zurich.restart(), singapore.restart()]);
    await notice.waitFor({ state: 'detached', timeout: LONG_MS });
    expect((await washington.api.call('status')).quorumMissing).toBeNull();
    expect(await (await fetch(`${washington.url}/metrics`)).text()).toMatch(/vitrine_quorum_missing 0/);
    await page.goto('/');
    await page.getByText('Say what we do').first().waitFor({ timeout: LONG_MS });
    expect(complaints).toEqual([]);
    await page.context().close();
    await picture(browser, washington.url, '/centres', 'centres');
  });

  test('a follower tells how far it has copied', async () => {
    const { replication } = await centres.zurich.api.call('status');
    expect(replication).toMatchObject({ objects: { failing: 0 } });
    expect(await (await fetch(`${centres.zurich.url}/metrics`)).text()).toMatch(
      /vitrine_replication_ok{part="objects"} 1/,
    );
  });

  test('a fork: the banner leads to both checkpoints, and this browser checks the proof', {
    timeout: 300_000,
  }, async () => {
    const { washington, zurich } = centres;
    const { page, complaints } = await openPage(browser, zurich.url);
    await page.goto('/forks');
    await page.getByText('This centre knows of none.').waitFor();

    const { size } = await zurich.api.call('log', { params: { log: 'statements' } });
    const pem = readFileSync(join(washington.dir, 'keys', 'log-statements.pem'), 'utf8');
    const lie = new TestLog(`${washington.name}/statements`, ed25519Key(createPrivateKey(pem)));
    lie.grow(size - 1, 'other');
    const told = await fetch(`${zurich.url}/gossip`, { method: 'POST', body: lie.note() });
    expect(told.status).toBe(409);

    await page.goto('/');
    const banner = page.getByRole('region', { name: 'Two different histories of this log are known' });
    await banner.getByRole('link', { name: 'Both checkpoints and the proof' }).click();
    await page.getByRole('heading', { level: 1, name: 'Proofs of misbehaviour' }).waitFor();
    await page.getByText('it is a proof of misbehaviour.').waitFor();
    expect(await page.getByText('What this centre held').count()).toBe(1);
    expect(await page.getByText('What contradicts it').count()).toBe(1);
    expect(await page.getByText(/The log is frozen here/).count()).toBeGreaterThan(0);
    for (const check of ['The log’s own key signed both checkpoints', 'The two cannot be of one history'])
      expect(
        await page
          .locator('main li')
          .filter({ hasText: `${check}: holds.` })
          .count(),
      ).toBe(1);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the evidence file' }).click();
    expect((await download).suggestedFilename()).toMatch(/^fork-[0-9a-f]{32}\.evidence$/);
    await page.evaluate(OPEN_ALL);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
    await picture(browser, zurich.url, '/forks', 'forks');
  });
});
