/** `npm run interop`, where Go is: it builds the programs of others, so it runs with the soak tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';

const isSoak = process.env['VITRINE_SOAK'] !== undefined;
const hasGo = spawnSync('go', ['version']).status === 0;
if (isSoak && !hasGo) process.stderr.write('interop is skipped: there is no Go here\n');

const Result = v.object({
  lines: v.array(
    v.strictObject({ what: v.string(), beside: v.string(), ok: v.boolean(), found: v.string() }),
  ),
});

test.runIf(isSoak && hasGo)('Vitrine beside litewitness and Tessera', () => {
  const script = join(import.meta.dirname, '..', 'scripts', 'interop.ts');
  const output = execFileSync(process.execPath, ['--conditions=@vitrine/source', script, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { lines } = v.parse(Result, JSON.parse(output));
  expect(lines.filter(({ ok }) => !ok)).toEqual([]);
  expect(lines.length).toBeGreaterThanOrEqual(7);
});
