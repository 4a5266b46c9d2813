/** Every page on a real centre, under the content security policy that it is served with: no complaint, no overflow, accessible in both colour schemes. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWeb } from '../../scripts/build.ts';
import { sha256 } from '../running-centre.ts';
import type { RunningCentre } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { installer, startExampleCentre } from './example-releases.ts';
import { accessibilityFaults, OPEN_ALL, SHOW_WHOLE_DIGESTS } from './page-checks.ts';

const PolicyOfPages =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const pages = [
  { path: '/', heading: 'Have a file? Check it.' },
  { path: '/search', heading: 'Releases' },
  { path: '/search?q=nothing+like+this', heading: 'Releases' },
  { path: '/products/larder', heading: 'larder' },
  { path: '/products/larder/2.1.0', heading: 'larder 2.1.0' },
  { path: '/products/larder/2.0.0', heading: 'larder 2.0.0' },
  {
    path: '/products/scullery-cli/0.9.0-rc.1+build.20261124',
    heading: 'scullery-cli 0.9.0-rc.1+build.20261124',
  },
  { path: '/verify', heading: 'Check a file' },
  { path: `/verify/${sha256(installer)}`, heading: 'A digest, checked' },
  { path: '/logs', heading: 'Logs' },
  { path: '/logs/statements', heading: 'statements' },
  { path: '/logs/keys', heading: 'keys' },
  { path: '/logs/statements/3', heading: 'Entry 3' },
  { path: '/logs/keys/1', heading: 'Entry 1' },
  { path: '/logs/notes/0', heading: 'Entry 0' },
  { path: '/how', heading: 'How to check, without trusting this page' },
  { path: '/watch', heading: 'Watch' },
  { path: '/watch?product=larder', heading: 'Watch' },
  { path: `/watch?keyid=${'0'.repeat(64)}`, heading: 'Watch' },
  { path: '/no/such/page', heading: 'This case is empty' },
] as const;

async function settle(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  if (page.url().includes('/verify/')) await page.getByText('What is not shown').waitFor();
}

describe.skipIf(!hasChromium)('pages', () => {
  let centre: RunningCentre;
  let browser: Browser;
  beforeAll(async () => {
    await buildWeb();
    [centre, browser] = await Promise.all([startExampleCentre(), launchBrowser()]);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await centre.dispose();
  });

  test('are served with the strict policy', async () => {
    for (const path of ['/', '/products/larder/2.1.0', '/verify']) {
      const response = await fetch(centre.url + path);
      expect(response.headers.get('content-security-policy')).toBe(PolicyOfPages);
    }
  });

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    test.each(pages)('$path', async ({ path, heading }) => {
      const { page, complaints } = await openPage(browser, centre.url, { colorScheme });
      await page.goto(path);
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
      await settle(page);
      await page.evaluate(OPEN_ALL);
      await page.waitForLoadState('networkidle');
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(await page.title()).not.toBe('Transparency centre');
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });

  test.each(pages)('$path fits a phone', async ({ path }) => {
    const { page } = await openPage(browser, centre.url, { viewport: { width: 390, height: 844 } });
    await page.goto(path);
    await page.locator('h1').waitFor();
    await settle(page);
    await page.evaluate(OPEN_ALL);
    await page.evaluate(SHOW_WHOLE_DIGESTS);
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.context().close();
  });

  test('a navigation moves the focus to the new heading and names the page', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/');
    await page.getByRole('link', { name: 'larder', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'larder' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await page.title()).toBe('larder');
    await page.context().close();
  });

  test('the chosen colours are remembered before the first paint', async () => {
    const { page } = await openPage(browser, centre.url, { colorScheme: 'light' });
    await page.goto('/how');
    await page.getByLabel('Colours').selectOption('dark');
    await page.reload({ waitUntil: 'commit' });
    await page.locator('body').waitFor();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.getByLabel('Colours').selectOption('of the system');
    await page.reload();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBeUndefined();
    await page.context().close();
  });

  test('times can be read in the reader’s zone', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/products/larder/2.1.0');
    const time = page.locator('main time').first();
    await time.waitFor();
    expect(await time.textContent()).toMatch(/ UTC$/);
    await page.getByLabel('Times').selectOption('your zone');
    expect(await time.textContent()).toMatch(/(CET|GMT\+1)$/);
    await page.context().close();
  });

  test('a table’s filter and order are in its address, and what is shown is what is saved', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/products/larder/2.1.0');
    await page.getByLabel('Filter artifacts of larder 2.1.0').fill('larder-');
    await page.getByRole('button', { name: 'Size' }).click();
    await page.waitForURL(/artifacts\.sort=sizeBytes/);
    await page.reload();
    const table = page.getByRole('table', { name: 'artifacts of larder 2.1.0' });
    await table.waitFor();
    const names = await table.getByRole('row').locator('td:first-child > span:last-child').allTextContents();
    expect(names).toEqual(['larder-2.1.0.tar.gz', 'larder-2.1.0-windows-x64.msi']);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV: save artifacts' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8').split('\r\n');
    expect(lines[0]).toBe('name,sizeBytes,sha256,entry,content');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^larder-2\.1\.0\.tar\.gz,48211,[0-9a-f]{64},\d+,\/api\/artifacts\//);
    await page.context().close();
  });

  test('a search is an address; a digest pasted into its words finds the artifact', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/');
    await page.getByLabel('Product, version, file name or digest').fill(sha256(installer).toUpperCase());
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/search?digest=${sha256(installer)}`);
    await page.getByRole('link', { name: 'larder_2.1.0_amd64.deb' }).waitFor();
    await page.getByLabel('SHA-256, or its beginning').fill('');
    await page.getByLabel('Version', { exact: true }).fill('2.0.0');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.waitForURL('**/search?version=2.0.0');
    await page.getByRole('link', { name: 'larder 2.0.0' }).waitFor();
    expect(await page.getByRole('link', { name: 'larder 2.1.0' }).count()).toBe(0);
    await page.context().close();
  });

  test('lists lead from page to page by addresses, both ways', async () => {
    const { page, complaints } = await openPage(browser, centre.url);
    await page.goto('/search?q=larder&before=100000&results.sort=-entry');
    const table = page.getByRole('table', { name: 'search results' });
    const entries = table.getByRole('row').locator('td:last-child a');
    await entries.first().waitFor();
    const indices = (await entries.allTextContents()).map(Number);
    const [newest, second] = indices;
    if (newest === undefined || second === undefined) throw new Error('too few results to page through');
    await page.goto(`/search?q=larder&before=${newest}`);
    await expect.poll(async () => (await entries.allTextContents()).map(Number)).toEqual(indices.slice(1));
    await page.getByRole('link', { name: 'Newer' }).click();
    await page.waitForURL(`**/search?q=larder&after=${second}#results`);
    await expect.poll(async () => (await entries.allTextContents()).map(Number)).toEqual([newest]);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(`**/search?q=larder&before=${newest}#results`);
    await page.getByRole('link', { name: 'Newest' }).click();
    await page.waitForURL('**/search?q=larder#results');
    await page.goto('/?after=larder');
    await page.getByText('1 of 2 products').waitFor();
    expect(await page.getByRole('link', { name: 'Next' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Previous' }).click();
    await page.waitForURL('**/?before=scullery-cli#products-section');
    await page.getByRole('table', { name: 'products' }).getByRole('link', { name: 'larder' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('what the centre does not have says so and leads on', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/products/larder/9.9');
    await page.getByRole('heading', { level: 1, name: 'Not in this centre' }).waitFor();
    await page.getByRole('link', { name: 'Search the releases' }).click();
    await page.getByRole('heading', { level: 1, name: 'Releases' }).waitFor();
    await page.context().close();
  });
});
