/** Three real centres that cosign: what their page says of each, and the promise that they keep together. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatCommitmentBody, CENTRE_COSIGNING_TYPE } from '@vitrine/commitments';
import { commitmentStatement, signStatement } from '@vitrine/statements';
import { buildWeb } from '../../scripts/build.ts';
import { sha256, startThreeCentres, text } from '../running-centre.ts';
import type { ServedCentre, ThreeCentres } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { accessibilityFaults, OPEN_ALL } from './page-checks.ts';

async function promiseThreeRegions({ washington }: ThreeCentres): Promise<void> {
  const body = formatCommitmentBody({
    by: 'Acme',
    sources: [],
    text: 'Three centres in three regions cosign this log.',
    title: 'Three regions',
    to: 'everyone',
  });
  const statement = commitmentStatement({
    acceptance: {
      all: [
        {
          count: 3,
          distinctBy: '/region',
          evidence: [{ by: 'anyone', schema: { required: ['region'] }, type: CENTRE_COSIGNING_TYPE }],
          // Cosignatures may have been logged before the promise was.
          retroactive: true,
          words: 'centres in three regions that are cosigning',
        },
      ],
    },
    body: { digest: sha256(body) },
    due: { precision: 'none' },
    id: 'three-regions',
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

/** Until the page of this centre says that the promise is kept. */
async function kept({ api }: ServedCentre): Promise<void> {
  await expect
    .poll(async () => (await api.call('commitments')).commitments[0]?.standing.state, {
      timeout: 120_000,
      interval: 500,
    })
    .toBe('kept');
}

describe.skipIf(!hasChromium)('three centres', () => {
  let centres: ThreeCentres;
  let browser: Browser;
  beforeAll(async () => {
    await buildWeb();
    [centres, browser] = await Promise.all([startThreeCentres(), launchBrowser()]);
    await promiseThreeRegions(centres);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await centres.dispose();
  }, 120_000);

  test('are shown at every one of them, each cosigning, with the one that answers marked', async () => {
    for (const centre of centres.all) {
      await kept(centre);
      const { page, complaints } = await openPage(browser, centre.url);
      await page.goto('/centres');
      await page.getByRole('heading', { level: 1, name: 'Centres' }).waitFor();
      await expect.poll(() => page.locator('main article').count()).toBe(3);
      expect(await page.getByText('Cosigning', { exact: true }).count()).toBe(3);
      expect(await page.getByText('the centre that you are reading').count()).toBe(1);
      // Of the two others it says how far it saw them verify; what is asked again is shown without a reload.
      await expect
        .poll(() => page.getByText(/As this centre last saw it, at/).count(), { timeout: 60_000 })
        .toBe(2);
      expect(
        await page.getByText(/entries(, \d+ (behind|more than are shown here))?, checkpoint of/).count(),
      ).toBe(3);
      await page.evaluate(OPEN_ALL);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.context().close();
    }
  });

  test('keep a promise together, with a region and an entry each', async () => {
    await kept(centres.zurich);
    const { page } = await openPage(browser, centres.zurich.url);
    await page.goto('/promises/three-regions');
    await page.getByText('So it reads “Kept”').waitFor();
    for (const region of ['North America', 'Europe', 'Asia'])
      expect(await page.locator('#evidence li li').filter({ hasText: region }).count()).toBeGreaterThan(0);
    await page
      .locator('#evidence')
      .getByRole('link', { name: /^entry \d+$/ })
      .first()
      .click();
    await page.getByText('Inclusion: holds.').waitFor();
    await page.context().close();
  });
});
