/** The replay of 2017 on the normal server: what its pages said on five days, by slider, keyboard and address. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANNOUNCED, events, promises } from '../../examples/2017/record.ts';
import { EXAMPLE_NAME, replay } from '../../examples/2017/replay.ts';
import { buildWeb } from '../../scripts/build.ts';
import { serveFolder } from '../running-centre.ts';
import type { ServedCentre } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { accessibilityFaults } from './page-checks.ts';

const NONE = 'No evidence recorded here';

/** Of the five promises in the order of the announcement. */
const said = [
  {
    day: '2017-10-24',
    states: ['Not yet due', 'No date given', 'Not yet due', 'No date given', 'Not yet due'],
  },
  { day: '2018-04-01', states: [NONE, 'No date given', 'Not yet due', 'Kept', NONE] },
  { day: '2019-01-01', states: [NONE, 'No date given', 'Not yet due', 'Kept', NONE] },
  { day: '2021-01-01', states: [NONE, 'No date given', 'Late', 'Kept', NONE] },
  { day: '2023-12-31', states: [NONE, 'No date given', 'Late', 'Kept', NONE] },
] as const;

async function statesOn(page: Page): Promise<readonly (string | null)[]> {
  return page.locator('#board article > div:first-child p:first-child').allTextContents();
}

describe('the replay of 2017', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-2017-'));
  const data = join(folder, 'data');
  let centre: ServedCentre;
  beforeAll(async () => {
    await replay(data);
    centre = await serveFolder({ dir: data, listen: '127.0.0.1:0', name: EXAMPLE_NAME });
  }, 180_000);
  afterAll(async () => {
    await centre.stop();
    rmSync(folder, { recursive: true });
  });

  test('has every fact at its date, and a sound log', async () => {
    const { api } = centre;
    const { commitments } = await api.call('commitments');
    expect(commitments.map(({ id }) => id)).toEqual(promises.map(({ id }) => id));
    for (const { versions } of commitments)
      expect(new Date(versions[0]?.atMs ?? 0).toISOString().slice(0, 10)).toBe(ANNOUNCED);
    const recorded = (await api.call('events')).events.toReversed();
    expect(
      recorded.map(({ happened, kind, registeredAt }) => [
        kind,
        happened,
        new Date(registeredAt).toISOString().slice(0, 10),
      ]),
    ).toEqual(events.map(({ happened, kind, loggedOn }) => [kind, happened, loggedOn]));
    await centre.checkLogs();
  });

  test('each fact names its source', () => {
    for (const { body } of [...promises, ...events]) expect(body.sources.length).toBeGreaterThan(0);
  });

  describe.skipIf(!hasChromium)('in a browser', () => {
    let browser: Browser;
    beforeAll(async () => {
      await buildWeb();
      browser = await launchBrowser();
    }, 180_000);
    afterAll(() => browser.close());

    test.each(said)('at the end of $day', async ({ day, states }) => {
      const { page, complaints } = await openPage(browser, centre.url);
      await page.goto(`/timeline?asOf=${day}`);
      await page.locator('#board article').first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await statesOn(page)).toEqual(states);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    test('the slider moves by keyboard, and the address follows', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.goto('/timeline');
      const slider = page.getByLabel('The day that is shown');
      await slider.focus();
      await page.keyboard.press('Home');
      await page.waitForURL('**/timeline?asOf=2017-10-23');
      await page.keyboard.press('ArrowRight');
      await page.waitForURL('**/timeline?asOf=2017-10-24');
      expect(await statesOn(page)).toEqual(said[0].states);
      await page.getByRole('button', { name: 'Next change' }).press('Enter');
      await page.waitForURL('**/timeline?asOf=2018-03-01');
      await page.getByRole('button', { name: 'Next change' }).press('Enter');
      await page.waitForURL('**/timeline?asOf=2018-04-01');
      expect(await statesOn(page)).toEqual(said[1].states);
      await page.getByRole('button', { name: 'Previous change' }).press('Enter');
      await page.waitForURL('**/timeline?asOf=2018-03-01');
      await page.context().close();
    });

    test('what was not recorded by a day is not told of it', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.goto('/timeline?asOf=2019-01-01');
      const row = page.getByRole('article', { name: 'Three transparency centers' });
      await row.getByText('Evidence: 1 of 3 shown').click();
      await row.getByText('A European center opened in Zurich.').waitFor();
      expect(await row.getByText('Kuala Lumpur').count()).toBe(0);
      expect(await page.getByText('SOC 2').count()).toBe(0);
      await row.getByText('No evidence recorded here of: a center in the US; a center in Asia.').waitFor();
      await page.context().close();
    });

    test('what is known to the year only says so, and no day is made up for it', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.goto('/timeline?asOf=2021-01-01');
      const row = page.getByRole('article', { name: 'Three transparency centers' });
      await row.getByText('Evidence: 2 of 3 shown').click();
      await row.getByText('Happened in 2020 (the day is not recorded)').waitFor();
      await page
        .locator('li')
        .filter({ hasText: 'First SOC 2 Type 1 report, happened in 2019 (the day is not recorded)' })
        .first()
        .waitFor();
      await page.context().close();
    });

    test('a day that is none shows the newest', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.goto('/timeline?asOf=2018-02-30');
      await page.locator('#board article').first().waitFor();
      await page.getByText('57 companies and officials had visited').waitFor();
      await page.context().close();
    });
  });
});
