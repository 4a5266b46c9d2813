/** Three real centres whose links are really cut, and whose processes are killed, while things are said all the time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { commandInControl, makeNamespaces, removeNamespaces } from './cut-links.ts';

const isSoak = process.env['VITRINE_SOAK'] !== undefined;
const ROUNDS = isSoak ? 50 : 1;
const SEED = process.env['VITRINE_SEED'] ?? String(isSoak ? Math.floor(Math.random() * 1e9) : 1);

const Happened = v.strictObject({
  links: v.picklist(['namespaces', 'proxies']),
  rounds: v.number(),
  accepted: v.number(),
  roundsWithVisibleWaiting: v.number(),
  killed: v.number(),
});

async function run(namespaces: string | undefined): Promise<v.InferOutput<typeof Happened>> {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-partition-'));
  try {
    const script = join(import.meta.dirname, 'partition-run.ts');
    const [program, ...args]: [string, ...string[]] = [
      ...(namespaces === undefined ? ([] as const) : commandInControl(namespaces)),
      ...([process.execPath, '--conditions=@vitrine/source', script] as const),
      ...['--folder', folder, '--rounds', String(ROUNDS), '--seed', SEED],
      ...(namespaces === undefined ? [] : ['--namespaces', namespaces]),
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect(child.exitCode, `seed ${SEED}: ${errors}`).toBe(0);
    return v.parse(Happened, JSON.parse(output));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test(`links cut and centres killed, ${ROUNDS} rounds: nothing accepted is lost, nobody forks, receipts wait and come`, async () => {
  const prefix = `vt${process.pid}`;
  const isAllowed = makeNamespaces(prefix);
  try {
    const happened = await run(isAllowed ? prefix : undefined);
    process.stdout.write(`${JSON.stringify(happened)}\n`);
    expect(happened).toMatchObject({ rounds: ROUNDS, roundsWithVisibleWaiting: ROUNDS });
    expect(happened.accepted).toBeGreaterThan(3 * ROUNDS);
  } finally {
    if (isAllowed) removeNamespaces(prefix);
  }
});

test.runIf(isSoak)('the same through proxies, as where no namespaces may be made', async () => {
  const happened = await run(undefined);
  expect(happened).toMatchObject({ links: 'proxies', rounds: ROUNDS, roundsWithVisibleWaiting: ROUNDS });
});
