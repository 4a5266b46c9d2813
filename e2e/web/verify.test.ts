/** Checking files in a real browser: by keyboard, offline, with altered files and with a centre that lies. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyEvidence } from '@vitrine/verifier';
import { buildWeb } from '../../scripts/build.ts';
import { sha256 } from '../running-centre.ts';
import type { RunningCentre } from '../running-centre.ts';
import { hasChromium, launchBrowser, openPage } from './browser.ts';
import { installer, reason, startExampleCentre, withdrawnInstaller } from './example-releases.ts';

const NAME = 'larder_2.1.0_amd64.deb';

function upload(name: string, buffer: Buffer) {
  return { name, mimeType: 'application/octet-stream', buffer };
}

/** The field behind a button that opens the file chooser. */
function fileField(page: Page, label: string) {
  return page.locator(`input[type=file][aria-label="${label}"]`);
}

async function give(page: Page, ...files: readonly ReturnType<typeof upload>[]): Promise<void> {
  await fileField(page, 'Choose files').setInputFiles([...files]);
}

describe.skipIf(!hasChromium)('verify', () => {
  let centre: RunningCentre;
  let browser: Browser;
  let evidence: Buffer;
  let dir: string;
  beforeAll(async () => {
    await buildWeb();
    [centre, browser] = await Promise.all([startExampleCentre(), launchBrowser()]);
    const response = await centre.api.call('artifactEvidence', { params: { sha256: sha256(installer) } });
    evidence = Buffer.from(await response.arrayBuffer());
    dir = mkdtempSync(join(tmpdir(), 'vitrine-verify-'));
  }, 180_000);
  afterAll(async () => {
    rmSync(dir, { recursive: true });
    await browser.close();
    await centre.dispose();
  });

  test('by keyboard alone: choose a file, read the verdict, save evidence that verifies elsewhere', async () => {
    const { page, complaints } = await openPage(browser, centre.url);
    // Asked for before the page is there: choosers are caught only once the browser was told to.
    const chooserOpened = page.waitForEvent('filechooser');
    await page.goto('/verify');
    await page.locator('h1').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Choose files');
    await page.keyboard.press('Enter');
    const chooser = await chooserOpened;
    await chooser.setFiles([upload(NAME, installer)]);
    await page.getByText(/is larder 2\.1\.0 as published by larder\.example/).waitFor();
    await page.getByText(/All \d+ checks hold/).waitFor();
    const save = page.getByRole('button', { name: 'Save the evidence' });
    for (let presses = 0; presses < 40; presses += 1) {
      if (await save.evaluate((button) => button === button.ownerDocument.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(download.suggestedFilename()).toBe(`${NAME}.evidence`);
    const verdict = verifyEvidence({
      evidence: readFileSync(await download.path()),
      policy: centre.policy,
      file: { name: NAME, sha256: sha256(installer), sizeBytes: installer.length },
    });
    expect(verdict.ok).toBe(true);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('only the digest of a file is sent; several files queue', async () => {
    const { page, asked } = await openPage(browser, centre.url);
    await page.goto('/verify');
    await give(
      page,
      upload(NAME, installer),
      upload('larder_2.0.0_amd64.deb', withdrawnInstaller),
      upload('holiday.jpg', Buffer.from('of another origin')),
    );
    await page.getByText('No release of this centre names this file.').waitFor();
    const files = page.getByRole('list', { name: 'Files' }).locator('> li');
    await expect.poll(() => files.count()).toBe(3);
    const withdrawn = files.filter({ hasText: 'larder_2.0.0_amd64.deb' });
    await withdrawn.getByText('Refused', { exact: true }).waitFor();
    await withdrawn
      .getByText(/accepts an expired certificate/)
      .first()
      .waitFor();
    await files.filter({ hasText: NAME }).getByText('Verified', { exact: true }).waitFor();
    expect(asked.filter((path) => path.startsWith('/api/artifacts/'))).toEqual([
      `/api/artifacts/${sha256(installer)}`,
      `/api/artifacts/${sha256(withdrawnInstaller)}`,
      `/api/artifacts/${sha256(Buffer.from('of another origin'))}`,
    ]);
    await page.context().close();
  });

  test('with its evidence and a policy, nothing about the file is sent, even with the network gone', async () => {
    const { page, asked } = await openPage(browser, centre.url);
    await page.goto('/verify');
    await fileField(page, 'Use a policy of my own').setInputFiles([
      upload('mine.txt', Buffer.from(centre.policy)),
    ]);
    await page.getByText('Your own, from').waitFor();
    // The worker's program is the last thing that has to come from the centre.
    await give(page, upload('nothing', Buffer.alloc(0)));
    await page.getByText('No release of this centre names this file.').waitFor();
    const before = asked.length;
    await page.context().setOffline(true);
    await give(page, upload(NAME, installer), upload(`${NAME}.evidence`, evidence));
    await page.getByText('Verified', { exact: true }).waitFor();
    expect(asked.slice(before)).toEqual([]);
    const notShown = page.getByRole('region', { name: 'What is not shown' });
    expect(await notShown.getByText(/it was taken from/).count()).toBe(0);
    await page.context().close();
  });

  test('a policy from the centre itself is said to be a weakness; another takes it away', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/verify');
    await give(page, upload(NAME, installer));
    const weakness = page.getByText(/the policy is the one that others use: it was taken from/);
    await weakness.waitFor();
    await fileField(page, 'Use a policy of my own').setInputFiles([
      upload('mine.txt', Buffer.from(centre.policy)),
    ]);
    await weakness.waitFor({ state: 'detached' });
    await page.getByText('Verified', { exact: true }).waitFor();
    await fileField(page, 'Use a policy of my own').setInputFiles([
      upload('other.txt', Buffer.from('quorum none\n')),
    ]);
    await page.getByText('Refused', { exact: true }).waitFor();
    await page.context().close();
  });

  test('an altered file is refused by the evidence whose name it bears', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/verify');
    const altered = Buffer.from(installer);
    altered.writeUInt8(0x58, 7);
    await give(page, upload(NAME, altered), upload(`${NAME}.evidence`, evidence));
    await page.getByText('Refused', { exact: true }).waitFor();
    await page.getByText('1 of 10 checks does not hold').waitFor();
    await page.getByText('The file is the one that was named: does not hold.').waitFor({ state: 'attached' });
    await page.context().close();
  });

  test('evidence alone is judged, and it is said that no file was given', async () => {
    const { page } = await openPage(browser, centre.url);
    await page.goto('/verify');
    await give(page, upload(`${NAME}.evidence`, evidence));
    await page.getByText('Evidence, without a file').waitFor();
    await page.getByText('Holds for this digest').waitFor();
    await give(page, upload('broken.evidence', Buffer.from('{"format":')));
    await page.getByText('Refused', { exact: true }).waitFor();
    await page.context().close();
  });

  test('a citation shows the verdict about a digest at its root size', async () => {
    const { page } = await openPage(browser, centre.url);
    const { logs } = await centre.api.call('centre');
    const size = logs.find(({ kind }) => kind === 'statements')?.size ?? 0;
    await page.goto(`/verify/${sha256(installer)}?root=${size}`);
    await page
      .getByText(`About a digest, not about a file in your hands, as of root size ${size}.`)
      .waitFor();
    await page.getByText('Holds for this digest').waitFor();
    await page.goto(`/verify/${sha256(installer)}?root=1`);
    await page.getByRole('alert').waitFor();
    await page.goto('/verify/not-a-digest');
    await page.getByText(/This address names no SHA-256/).waitFor();
    await page.context().close();
  });

  test('a large file shows its progress and can be cancelled', async () => {
    const { page } = await openPage(browser, centre.url);
    const path = join(dir, 'large.iso');
    writeFileSync(path, '');
    truncateSync(path, 3_000_000_000);
    await page.goto('/verify');
    await fileField(page, 'Choose files').setInputFiles(path);
    const bar = page.getByRole('progressbar', { name: 'large.iso' });
    await bar.waitFor();
    await expect
      .poll(() => bar.getAttribute('aria-valuenow').then(Number), { timeout: 60_000 })
      .toBeGreaterThan(0);
    await page.getByText(/MB of 3\.00 GB, .* a second, about .* left/).waitFor();
    await page.getByRole('button', { name: 'Cancel large.iso' }).click();
    await page.getByText('Cancelled; nothing was decided').waitFor();
    await give(page, upload(NAME, installer));
    await page.getByText('Verified', { exact: true }).waitFor();
    await page.context().close();
  });

  test.runIf(process.env['VITRINE_SOAK'])(
    'a file of 4.3 GB is hashed to its end',
    async () => {
      const { page } = await openPage(browser, centre.url);
      const path = join(dir, 'huge.iso');
      writeFileSync(path, '');
      truncateSync(path, 4_300_000_000);
      await page.goto('/verify');
      await fileField(page, 'Choose files').setInputFiles(path);
      await page.getByText('No release of this centre names this file.').waitFor({ timeout: 300_000 });
      await page.context().close();
    },
    320_000,
  );

  describe('a centre that lies', () => {
    async function rewrite(route: Route, change: (text: string) => string): Promise<void> {
      const response = await route.fetch();
      await route.fulfill({ response, body: change(await response.text()) });
    }

    test('about a reason: the text is not shown', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.route(`**/api/bodies/${sha256(reason)}`, (route) =>
        route.fulfill({ body: 'All is well with 2.0.0.', contentType: 'application/octet-stream' }),
      );
      await page.goto('/products/larder/2.0.0');
      await page.getByText(/is not the reason of the withdrawal that the statement names/).waitFor();
      expect(await page.getByText('All is well with 2.0.0.').count()).toBe(0);
      await page.context().close();
    });

    test('about an entry: its proof does not hold', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.route('**/api/logs/notes/entries/0', (route) =>
        rewrite(route, (text) =>
          text.replace(/"leaf":"[^"]*"/, `"leaf":"${Buffer.from('something else').toString('base64')}"`),
        ),
      );
      await page.goto('/logs/notes/0');
      await page.getByText('The bytes that arrived have another hash than the log names.').waitFor();
      await page.getByText(/The proof does not lead from entry 0/).waitFor();
      await page.context().close();
    });

    test('about a root: no checkpoint signed by the log has it', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.route('**/api/logs/statements/entries/3', (route) =>
        rewrite(route, (text) => text.replace(/"root":"[0-9a-f]{64}"/, `"root":"${'00'.repeat(32)}"`)),
      );
      await page.goto('/logs/statements/3');
      await page.getByText(/is not signed by the log’s key over this size and root/).waitFor();
      await page.getByText(/The proof does not lead from entry 3/).waitFor();
      await page.context().close();
    });

    test('about a file: evidence of another is not taken for it', async () => {
      const { page } = await openPage(browser, centre.url);
      const other = await centre.api.call('artifactEvidence', {
        params: { sha256: sha256(withdrawnInstaller) },
      });
      const body = Buffer.from(await other.arrayBuffer());
      await page.route('**/api/evidence/artifacts/*', (route) => route.fulfill({ body }));
      await page.goto('/verify');
      await give(page, upload(NAME, installer));
      await page.getByText('Refused', { exact: true }).waitFor();
      await page.goto(`/verify/${sha256(installer)}`);
      await page.getByText(/sent evidence about/).waitFor();
      await page.context().close();
    });

    test('about nothing in particular: a broken answer is said to be one', async () => {
      const { page } = await openPage(browser, centre.url);
      await page.route('**/api/products/larder?*', (route) => route.fulfill({ json: { product: 7 } }));
      await page.goto('/products/larder');
      await page.getByText(/answered something these pages do not understand/).waitFor();
      await page.context().close();
    });
  });
});
