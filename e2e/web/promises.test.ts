/** The board of promises on a real centre: what a journalist sees at once, what an expert reaches in three clicks, feeds, paper, keyboard. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { buildWeb } from '../../scripts/build.ts';
import type { RunningCentre } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { startPromisingCentre } from './example-promises.ts';
import { accessibilityFaults, OPEN_ALL, SHOW_WHOLE_DIGESTS } from './page-checks.ts';

const pages = [
  { path: '/', heading: 'What larder.example promised, and what became of it' },
  { path: '/promises/larders', heading: 'A larder in every town' },
  { path: '/promises/rebuilds', heading: 'Rebuilds' },
  { path: '/promises/hot-line', heading: 'A hot line' },
  { path: '/promises/audit', heading: 'An audit <of> “the” shelves & drawers' },
  { path: '/timeline', heading: 'Promises in time' },
  { path: '/print', heading: 'Promises of larder.example' },
  { path: '/centres', heading: 'Centres' },
] as const;

const Feed = v.object({
  fault: v.nullable(v.string()),
  id: v.string(),
  updated: v.string(),
  alternate: v.string(),
  next: v.nullable(v.string()),
  entries: v.array(
    v.object({
      id: v.string(),
      title: v.string(),
      updated: v.string(),
      page: v.string(),
      content: v.string(),
    }),
  ),
});

/** Fetches and parses a feed with the browser’s XML parser, as a feed reader does. */
async function readFeed(page: Page, path: string) {
  const read: unknown = await page.evaluate(`(async () => {
    const response = await fetch(${JSON.stringify(path)});
    const feed = new DOMParser().parseFromString(await response.text(), 'application/xml');
    const ATOM = 'http://www.w3.org/2005/Atom';
    const text = (of, name) => [...of.children].find((one) => one.namespaceURI === ATOM && one.localName === name)?.textContent ?? '';
    const link = (of, rel) => [...of.children].find((one) => one.localName === 'link' && one.getAttribute('rel') === rel)?.getAttribute('href') ?? null;
    return {
      fault: feed.querySelector('parsererror')?.textContent ?? null,
      id: text(feed.documentElement, 'id'),
      updated: text(feed.documentElement, 'updated'),
      alternate: link(feed.documentElement, 'alternate') ?? '',
      next: link(feed.documentElement, 'next'),
      entries: [...feed.getElementsByTagNameNS(ATOM, 'entry')].map((entry) => ({
        id: text(entry, 'id'), title: text(entry, 'title'), updated: text(entry, 'updated'),
        page: link(entry, 'alternate') ?? '', content: text(entry, 'content'),
      })),
    };
  })()`);
  return v.parse(Feed, read);
}

/** Nothing is being fetched any more. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await expect.poll(() => page.locator('main .late').count()).toBe(0);
}

async function opened(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator('h1').waitFor();
  await settled(page);
}

describe.skipIf(!hasChromium)('promises', () => {
  let centre: RunningCentre;
  let browser: Browser;
  beforeAll(async () => {
    await buildWeb();
    [centre, browser] = await Promise.all([startPromisingCentre(), launchBrowser()]);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await centre.dispose();
  });

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    test.each(pages)('$path', async ({ heading, path }) => {
      const { page, complaints } = await openPage(browser, centre.url, { colorScheme });
      await page.goto(path);
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
      await page.waitForLoadState('networkidle');
      await page.evaluate(OPEN_ALL);
      await settled(page);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });

  test.each(pages)('$path fits a phone', async ({ path }) => {
    const { page } = await openPage(browser, centre.url, { viewport: { width: 390, height: 844 } });
    await opened(page, path);
    await page.evaluate(OPEN_ALL);
    await settled(page);
    await page.evaluate(SHOW_WHOLE_DIGESTS);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.context().close();
  });

  test('the board says how each promise stands, in words', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/');
    const states = await page
      .locator('main article')
      .evaluateAll((articles) =>
        articles.map((article) => [
          article.querySelector('h3')?.textContent,
          article.querySelector('p')?.textContent,
        ]),
      );
    expect(states).toEqual([
      ['A larder in every town', 'Kept'],
      ['An audit <of> “the” shelves & drawers', 'No evidence recorded here'],
      ['Rebuilds', 'Not yet due'],
      ['A hot line', 'Withdrawn'],
    ]);
    await page.getByText('4 promises: 1 kept, 1 due by now with no evidence recorded here').waitFor();
    await page.context().close();
  });

  test('from the board to the proof in two clicks', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/');
    const row = page.getByRole('article', { name: 'A larder in every town' });
    await row.getByText('Evidence: 1 entry').click();
    await row.getByText('It has a door & a <window>.').waitFor();
    await row.getByRole('link', { name: /^entry \d+$/ }).click();
    await page.getByRole('heading', { level: 1, name: /^Entry \d+$/ }).waitFor();
    await page.getByText('Inclusion: holds.').waitFor();
    await page.getByText('Checkpoint: holds.').waitFor();
    await page.context().close();
  });

  test('the old text stands beside the new, with the reason', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/');
    await page.getByText('Amended once: the old text beside the new').click();
    await page.getByText('The laboratory in Zurich has closed.').waitFor();
    expect(await page.locator('main del').allTextContents()).toEqual([
      'Every release is ',
      'Zurich ',
      'March.',
    ]);
    expect(await page.locator('main ins').allTextContents()).toEqual([
      'Most releases are ',
      'Geneva ',
      'June.',
    ]);
    await page.context().close();
  });

  test('by keyboard alone: from the board to an entry of the evidence', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent.trim()');
    const tabTo = async (words: RegExp): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press('Tab');
        if (words.test(String(await focused()))) return;
      }
      throw new Error(`the keyboard does not reach ${String(words)}`);
    };
    await tabTo(/^A larder in every town$/);
    await tabTo(/^Evidence: 1 entry$/);
    await page.keyboard.press('Enter');
    await page.getByText('It has a door & a <window>.').waitFor();
    await tabTo(/^entry \d+$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /^Entry \d+$/ }).waitFor();
    await page.context().close();
  });

  test('a promise’s page says how its state was computed', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/promises/audit');
    await page.getByText('So it reads “No evidence recorded here”').waitFor();
    await page.getByText('0 of 1 shown by evidence that stands: no evidence recorded here').waitFor();
    await page.getByText('Counts, exactly: a recorded event whose kind is “audit-published”.').waitFor();
    await page.getByText('The same as JSON, as it was logged').click();
    const json = await page.getByLabel('acceptance as JSON').textContent();
    expect(JSON.parse(json ?? '')).toMatchObject({ all: [{ count: 1, words: 'the audit is published' }] });
    await page.context().close();
  });

  test('a text that is not the one that was signed is not shown', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.route('**/api/bodies/*', (route) => route.fulfill({ body: '{"title":"Something else"}' }));
    await opened(page, '/');
    expect(
      await page.getByText('what the centre sent is not the text that the statement names').count(),
    ).toBe(4);
    expect(await page.getByText('Something else').count()).toBe(0);
    await page.context().close();
  });

  test('a centre that has not cosigned is told so', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/centres');
    const zurich = page.getByRole('article', { name: 'Zurich' });
    await zurich.getByText('Not cosigning').waitFor();
    await zurich.getByText('It has not cosigned as a witness').waitFor();
    await zurich.getByText('It has not cosigned as a mirror').waitFor();
    await page.getByText('No announced centre has cosigned within two days.').waitFor();
    await page.context().close();
  });

  test('a fork that is known stands above every page', async () => {
    const { page, complaints } = await openPage(browser, centre.url);
    const known = await centre.api.call('centres');
    const text = 'Two checkpoints of 9 entries have different roots.';
    await page.route('**/api/centres', (route) =>
      route.fulfill({
        json: { ...known, notices: [{ kind: 'fork', text, sinceMs: 0, evidence: '/api/forks/1' }] },
      }),
    );
    for (const path of ['/', '/promises/audit', '/logs', '/verify', '/centres']) {
      await opened(page, path);
      const banner = page.getByRole('region', { name: 'Two different histories of this log are known' });
      await banner.getByText(text).waitFor();
      expect(await banner.getByRole('link', { name: 'the evidence' }).getAttribute('href')).toBe(
        '/api/forks/1',
      );
    }
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('on paper there is everything and nothing to press', async () => {
    const { page } = await openPage(browser, centre.url);
    await opened(page, '/print');
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByRole('navigation').filter({ visible: true }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false);
    for (const words of [
      'In every town.',
      'A larder opened.',
      'No evidence recorded here.',
      'Nobody called.',
      'The laboratory in Zurich has closed.',
    ])
      await page.getByText(words).first().waitFor();
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.context().close();
  });

  describe('feeds', () => {
    test('of promises: an entry for each change, newest first, with permanent names', async () => {
      const { page } = await openPage(browser, centre.url);
      await opened(page, '/');
      const feed = await readFeed(page, '/feeds/promises.atom');
      expect(feed.fault).toBeNull();
      expect(feed.entries.map(({ title }) => title).toSorted()).toEqual([
        'Amended: Rebuilds',
        'Kept: A larder in every town',
        'No evidence recorded: An audit <of> “the” shelves & drawers',
        'Promised: A hot line',
        'Promised: A larder in every town',
        'Promised: An audit <of> “the” shelves & drawers',
        'Promised: Rebuilds',
        'Withdrawn: A hot line',
      ]);
      const updated = feed.entries.map((entry) => entry.updated);
      expect(updated).toEqual(updated.toSorted().reverse());
      expect(feed.updated).toBe(updated[0]);
      expect(new Set(feed.entries.map(({ id }) => id)).size).toBe(feed.entries.length);
      for (const { id } of feed.entries) expect(id).toMatch(/^tag:larder\.example,2026:statements\/\d+\//);
      await opened(page, feed.entries[0]?.page ?? '');
      await page.getByRole('heading', { level: 1, name: 'A hot line' }).waitFor();
      await page.context().close();
    });

    test('of a key: every statement that it signed, as the log has them', async () => {
      const { page } = await openPage(browser, centre.url);
      await opened(page, '/');
      const feed = await readFeed(page, `/feeds/keys/${centre.signer.keyid}.atom`);
      expect(feed.fault).toBeNull();
      expect(feed.entries).toHaveLength(8);
      const index = Number(feed.entries[0]?.page.split('/').at(-1));
      const entry = await centre.api.call('entry', { params: { log: 'statements', index } });
      expect(feed.entries[0]?.title).toBe(entry.summary);
      expect((await readFeed(page, `/feeds/keys/${'0'.repeat(64)}.atom`)).entries).toEqual([]);
      expect((await readFeed(page, '/feeds/products/larder.atom')).alternate).toBe('/products/larder');
      await page.context().close();
    });

    test('are offered by the pages that they belong to', async () => {
      const { page } = await openPage(browser, centre.url);
      await opened(page, '/products/larder');
      const links = await page
        .locator('head link[rel=alternate][type="application/atom+xml"]')
        .evaluateAll((found) => found.map((link) => link.getAttribute('href')));
      expect(links).toEqual(['/feeds/products/larder.atom', '/feeds/promises.atom']);
      await page.context().close();
    });

    test('are not sent again to who has them', async () => {
      const url = `${centre.url}/feeds/keys/${centre.signer.keyid}.atom`;
      const first = await fetch(url);
      expect(first.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
      const etag = first.headers.get('etag') ?? '';
      const again = await fetch(url, { headers: { 'if-none-match': `"x", W/${etag}` } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
      expect((await fetch(url, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
      expect((await fetch(`${centre.url}/feeds/keys/nothing.atom`)).status).toBe(400);
      expect((await fetch(`${centre.url}/feeds/unknown.atom`)).status).toBe(404);
    });
  });
});
