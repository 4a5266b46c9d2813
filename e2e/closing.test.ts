/**
 * The end of a log as an operator brings it about: the real `vitrine` closes an open log, then the root log, and a successor goes on.
 * A stolen anchor or publisher cannot, a replay changes nothing, and a server killed in the middle has closed the log or has not.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test, vi } from 'vitest';
import * as v from 'valibot';
import { encodeBase64 } from '@vitrine/tlog';
import {
  closedStatement,
  eventStatement,
  formatCanonicalJson,
  keyAddStatement,
  signStatement,
} from '@vitrine/statements';
import type { RootStatement, Signer } from '@vitrine/statements';
import { bin, code, newSigner, sha256, startCentre } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), 'vitrine-closing-'));
const centres: RunningCentre[] = [];
afterAll(async () => {
  for (const centre of centres) await centre.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function started(name: string, ...openLogs: readonly string[]): Promise<RunningCentre> {
  const centre = await startCentre({ name, openLogs });
  centres.push(centre);
  return centre;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program. Nobody is at the terminal. */
function vitrine(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(bin, args, { encoding: 'utf8' }, (error, out, err) => {
      if (child.exitCode === null) reject(error ?? new Error(`${args.join(' ')} was killed`));
      else resolve({ code: child.exitCode, out, err });
    });
    child.stdin?.end();
  });
}

async function done(...args: readonly string[]): Promise<string> {
  const outcome = await vitrine(...args);
  if (outcome.code !== 0)
    throw new Error(`vitrine ${args.join(' ')} ended with ${outcome.code}: ${outcome.err}`);
  return outcome.out;
}

const SaidSchema = v.object({ accepted: v.object({ index: v.number(), duplicate: v.boolean() }) });
const said = (out: string) => v.parse(SaidSchema, JSON.parse(out)).accepted;
const DryRunSchema = v.object({
  statement: v.object({
    predicate: v.object({ closed: v.object({ origin: v.string(), root: v.string(), treeSize: v.number() }) }),
  }),
  admitted: v.object({ ok: v.boolean(), reason: v.nullable(v.string()) }),
});

async function add(
  { url }: RunningCentre,
  log: string,
  entry: string,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/logs/${log}/add`, {
    method: 'POST',
    body: entry,
    headers: { 'content-type': 'application/octet-stream' },
  });
  return { status: response.status, text: await response.text() };
}

async function closedOf(centre: RunningCentre, name: string) {
  const { logs } = await centre.api.call('centre');
  return logs.find((log) => log.name === name)?.closed ?? null;
}

function register({ api }: RunningCentre, envelope: Uint8Array, body: Uint8Array) {
  return api.call('registerStatements', {
    body: {
      log: 'statements',
      envelopes: [new TextDecoder().decode(envelope)],
      bodies: [encodeBase64(body)],
    },
  });
}

const REASON = new TextEncoder().encode('The key of this log is replaced.');

async function closing(
  centre: RunningCentre,
  name: string,
  signers: readonly Signer[],
  more = 0,
): Promise<Uint8Array> {
  const { origin, root, size } = await centre.api.call('log', { params: { log: name } });
  return signStatement(
    closedStatement({
      closed: { origin, root, treeSize: size + more },
      log: `${centre.name}/statements`,
      reason: { digest: sha256(REASON) },
    }),
    signers,
  );
}

const event = (centre: RunningCentre, body: Uint8Array): RootStatement =>
  eventStatement({
    body: { digest: sha256(body) },
    data: {},
    happened: '2026-11-24',
    kind: 'audit-finished',
    log: `${centre.name}/statements`,
  });
const EVENT_BODY = formatCanonicalJson({
  sources: [{ title: 'A source', url: 'https://acme.example/audit' }],
  text: 'An audit was finished.',
  title: 'Audit',
});

describe('an open log', () => {
  test('is closed by the root keys, at the size that it has, and takes nothing more', async () => {
    const centre = await started('acme.example', 'builds', 'other');
    for (const entry of ['one', 'two', 'three'])
      expect(await add(centre, 'builds', entry)).toMatchObject({ status: 200 });
    const successor = 'acme.example/builds-2+00000000+AA';
    const args = [
      ...['keys', 'close-log', 'builds', '--server', centre.url, '--key', centre.rootKeyFile],
      ...['--reason', 'Its key is replaced.', '--json'],
    ];
    expect(await vitrine(...args, '--successor', `${successor}@https://acme.example`)).toMatchObject({
      code: 2,
    });

    await vi.waitFor(async () => {
      const { size } = await centre.api.call('log', { params: { log: 'builds' } });
      expect(size).toBe(3);
    });
    const planned = v.parse(DryRunSchema, JSON.parse(await done(...args, '--dry-run')));
    expect(planned.admitted).toEqual({ ok: true, reason: null });
    expect(planned.statement.predicate.closed).toMatchObject({ origin: 'acme.example/builds', treeSize: 3 });
    expect(await closedOf(centre, 'builds')).toBeNull();
    expect(await add(centre, 'builds', 'four')).toMatchObject({ status: 200 });
    await vi.waitFor(async () => {
      const { size } = await centre.api.call('log', { params: { log: 'builds' } });
      expect(size).toBe(4);
    });

    const accepted = said(await done(...args));
    expect(accepted.duplicate).toBe(false);
    const refused = await add(centre, 'builds', 'five');
    expect(refused.status).toBe(410);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'log-closed' });
    expect(refused.text).toContain('has no successor');
    // The same entry as before is no new one, but a closed log is not asked.
    expect(await add(centre, 'builds', 'four')).toMatchObject({ status: 410 });
    expect(await add(centre, 'other', 'one')).toMatchObject({ status: 200 });
    expect(await closedOf(centre, 'builds')).toMatchObject({
      origin: 'acme.example/builds',
      size: 4,
      index: accepted.index,
      successor: null,
    });
    expect(await closedOf(centre, 'other')).toBeNull();
    const { written, notices } = await centre.api.call('status');
    expect(written.find(({ name }) => name === 'builds')).toMatchObject({
      state: 'closed',
      closed: { size: 4 },
    });
    expect(notices).toEqual([]);

    // Again: refused before anything is signed, and nothing changes.
    expect((await vitrine(...args)).err).toContain('is closed already');
    await centre.stop('SIGKILL');
    await centre.restart();
    expect(await add(centre, 'builds', 'five')).toMatchObject({ status: 410 });
    expect(await add(centre, 'other', 'two')).toMatchObject({ status: 200 });
    const { size } = await centre.api.call('log', { params: { log: 'builds' } });
    expect(size).toBe(4);
    // The last head of it stands in the root log.
    await vi.waitFor(async () => {
      const { entries } = await centre.api.call('entries', {
        params: { log: 'statements' },
        query: { limit: 50 },
      });
      expect(entries.some(({ summary }) => summary.includes('acme.example/builds had 4 entries'))).toBe(true);
    });
  });

  test('is not closed by who holds the anchor or another role, or at another size or root', async () => {
    const centre = await started('acme.example', 'builds');
    expect(await add(centre, 'builds', 'one')).toMatchObject({ status: 200 });
    await vi.waitFor(async () => {
      expect((await centre.api.call('log', { params: { log: 'builds' } })).size).toBe(1);
    });
    const publisher = newSigner();
    const keyAdd = keyAddStatement({
      key: encodeBase64(publisher.spki),
      log: 'acme.example/keys',
      roles: ['anchor', 'custodian', 'publisher', 'spokesperson'].map((role) => ({ products: ['*'], role })),
    });
    await centre.api.call('registerStatements', {
      body: {
        log: 'keys',
        envelopes: [new TextDecoder().decode(await signStatement(keyAdd, [centre.signer]))],
        bodies: [],
      },
    });
    for (const signers of [[publisher], [newSigner()], [centre.signer, publisher]])
      expect(await code(register(centre, await closing(centre, 'builds', signers), REASON))).toBe(
        'statement-refused',
      );
    for (const more of [1, -1])
      expect(
        await code(register(centre, await closing(centre, 'builds', [centre.signer], more), REASON)),
      ).toBe('log-moved');
    expect(await code(register(centre, await closing(centre, 'keys', [centre.signer]), REASON))).toBe(
      'statement-refused',
    );
    const without = new TextDecoder().decode(await closing(centre, 'builds', [centre.signer]));
    expect(
      await code(
        centre.api.call('registerStatements', {
          body: { log: 'statements', envelopes: [without], bodies: [] },
        }),
      ),
    ).toBe('body-missing');
    // Sealed for none of these: it goes on.
    expect(await add(centre, 'builds', 'two')).toMatchObject({ status: 200 });
    expect(await closedOf(centre, 'builds')).toBeNull();
  });
});

test('root log: the last entry closes it and everything with it, and a successor goes on', async () => {
  const centre = await started('acme.example', 'builds');
  const next = await started('next.example');
  await register(centre, await signStatement(event(centre, EVENT_BODY), [centre.signer]), EVENT_BODY);
  const { entry0, logs } = await next.api.call('centre');
  const vkey = logs.find(({ name }) => name === 'statements')?.vkey ?? '';
  writeFileSync(join(folder, 'why.txt'), 'The log key moves into a module.\n');
  const args = [
    ...['keys', 'close-log', 'statements', '--server', centre.url, '--key', centre.rootKeyFile],
    ...[
      '--successor',
      `${vkey}@${next.url}/logs/statements`,
      '--reason-file',
      join(folder, 'why.txt'),
      '--json',
    ],
  ];
  expect((await vitrine(...args)).err).toContain('--successor-entry0');
  const file = join(folder, 'closing.json');
  await done(...args, '--successor-entry0', entry0, '--out', file);
  const submit = () => [
    ...['keys', 'submit', file, '--server', centre.url, '--reason-file', join(folder, 'why.txt'), '--json'],
  ];
  // The statement is for the log as it was when it was made.
  const late = formatCanonicalJson({
    sources: [{ title: 'A source', url: 'https://acme.example/audit' }],
    text: 'Another one was finished.',
    title: 'Audit',
  });
  await register(centre, await signStatement(event(centre, late), [centre.signer]), late);
  const moved = await vitrine(...submit());
  expect(moved).toMatchObject({ code: 1 });
  expect(moved.err).toContain('make the statement again');
  rmSync(file);
  await done(...args, '--successor-entry0', entry0, '--out', file);
  const accepted = said(await done(...submit()));
  const { size } = await centre.api.call('log', { params: { log: 'statements' } });
  expect(size).toBe(accepted.index + 1);

  async function isOver(): Promise<void> {
    const again = await signStatement(event(centre, REASON), [centre.signer]);
    const refusal = await register(centre, again, REASON).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(String(refusal)).toContain('goes on in next.example/statements');
    const keyAdd = keyAddStatement({
      key: encodeBase64(newSigner().spki),
      log: 'acme.example/keys',
      roles: [{ products: ['*'], role: 'publisher' }],
    });
    expect(
      await code(
        centre.api.call('registerStatements', {
          body: {
            log: 'keys',
            envelopes: [new TextDecoder().decode(await signStatement(keyAdd, [centre.signer]))],
            bodies: [],
          },
        }),
      ),
    ).toBe('log-closed');
    expect(await add(centre, 'builds', 'one')).toMatchObject({ status: 410 });
    expect(await code(register(centre, await closing(centre, 'builds', [centre.signer]), REASON))).toBe(
      'log-closed',
    );
    // What stands there is answered for as ever.
    expect(said(await done(...submit()))).toEqual({ index: accepted.index, duplicate: true });
    for (const name of ['statements', 'keys', 'intake', 'builds'])
      expect(await closedOf(centre, name)).toMatchObject({
        origin: 'acme.example/statements',
        successor: { origin: 'next.example/statements', url: `${next.url}/logs/statements`, vkey, entry0 },
      });
    const { notices } = await centre.api.call('status');
    expect(notices).toMatchObject([{ kind: 'log-closed' }]);
    expect((await centre.api.call('log', { params: { log: 'statements' } })).size).toBe(size);
  }
  await isOver();
  await centre.stop('SIGKILL');
  await centre.restart();
  await isOver();
  expect(await done('commitments', 'check', '--server', centre.url, '--json')).toBe('[]\n');
  // The successor names the last checkpoint of the log before in its first words, and goes on.
  await register(next, await signStatement(event(next, EVENT_BODY), [next.signer]), EVENT_BODY);
});

test('killed while it closes a log, a server has closed it or has not, and the same statement closes it then', async () => {
  const centre = await started('acme.example', ...Array.from({ length: 6 }, (_, at) => `log-${at}`));
  const outcomes: boolean[] = [];
  for (let at = 0; at < 6; at++) {
    const name = `log-${at}`;
    expect(await add(centre, name, 'one')).toMatchObject({ status: 200 });
    await vi.waitFor(async () => {
      expect((await centre.api.call('log', { params: { log: name } })).size).toBe(1);
    });
    const envelope = await closing(centre, name, [centre.signer]);
    const sending = register(centre, envelope, REASON).catch(() => undefined);
    await sleep(4 * at);
    await centre.stop('SIGKILL');
    await sending;
    await centre.restart();
    const isClosed = (await closedOf(centre, name)) !== null;
    outcomes.push(isClosed);
    // Whatever it says at first, it keeps to.
    if (isClosed) expect(await add(centre, name, 'two')).toMatchObject({ status: 410 });
    const { statements } = await register(centre, envelope, REASON);
    expect(statements[0]?.duplicate).toBe(isClosed);
    expect(await add(centre, name, 'two')).toMatchObject({ status: 410 });
    expect((await centre.api.call('log', { params: { log: name } })).size).toBe(1);
  }
  expect(outcomes).toHaveLength(6);
});
