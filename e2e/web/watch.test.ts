/** The page Watch in a real Chromium: a webhook is asked for by keyboard, agreed to by a real receiver, told, and ended. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWeb } from '../../scripts/build.ts';
import { type Receiver, startReceiver } from '../receiver.ts';
import { publish, startCentre } from '../running-centre.ts';
import type { RunningCentre } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { accessibilityFaults } from './page-checks.ts';

describe.skipIf(!hasChromium)('watch', () => {
  let centre: RunningCentre;
  let browser: Browser;
  let receiver: Receiver;
  beforeAll(async () => {
    await buildWeb();
    [centre, browser, receiver] = await Promise.all([startCentre(), launchBrowser(), startReceiver()]);
    await centre.stop();
    const file = join(centre.dir, 'vitrine.json');
    const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, JSON.stringify({ ...config, watches: { allowPrivateAddresses: true } }));
    await centre.restart();
    await publish(centre, { product: 'larder', version: '1', source: { a: 'a' }, artifacts: {} });
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await receiver.close();
    await centre.dispose();
  });

  test.each(['light', 'dark'] as const)('a webhook, by keyboard alone, %s', async (colorScheme) => {
    receiver.answersChallenges = false;
    const { page, complaints } = await openPage(browser, centre.url, {
      colorScheme,
      viewport: { width: 390, height: 844 },
    });
    await page.goto('/products/larder');
    await page.getByRole('link', { name: 'Watch it' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Watch', exact: true }).waitFor();
    expect(await page.getByLabel('Product').inputValue()).toBe('larder');
    await page.getByRole('link', { name: '/feeds/products/larder.atom' }).waitFor();
    await page.getByLabel('Address to post to').focus();
    await page.keyboard.type('https://user:secret@example.org/');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('A user name or password in it').waitFor();
    await page.getByLabel('Address to post to').fill(receiver.url);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Keep the secret' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('H3');
    await page.getByText('the answer is not the challenge').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    receiver.answersChallenges = true;
    await page.getByRole('button', { name: 'Challenge the address again' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Active: the address is told').waitFor();
    const told = receiver.received.length;
    await publish(centre, { product: 'larder', version: colorScheme, source: { a: 'a' }, artifacts: {} });
    await expect.poll(() => receiver.received.length).toBe(told + 1);
    await page.getByRole('button', { name: 'End this watch' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Address to post to').waitFor();
    // The address that was refused is the one complaint: the browser reports every answer of 400 and above.
    expect(complaints.filter((complaint) => !complaint.includes('status of 422'))).toEqual([]);
    await page.context().close();
  });
});
