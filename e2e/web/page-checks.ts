/** What every page must stand: the rules of accessibility, with everything opened. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import * as v from 'valibot';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Everything that lies one click below. */
export const OPEN_ALL = `document.querySelectorAll('main details').forEach((details) => { details.open = true; })`;
export const SHOW_WHOLE_DIGESTS = `document.querySelectorAll('main button[title]').forEach((button) => button.click())`;

const AxeResults = v.object({
  violations: v.array(
    v.object({ id: v.string(), nodes: v.array(v.object({ html: v.string(), failureSummary: v.string() })) }),
  ),
});

/** Violations of WCAG 2.2 AA and of good practice, in words. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const results: unknown = await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  );
  return v
    .parse(AxeResults, results)
    .violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
}
