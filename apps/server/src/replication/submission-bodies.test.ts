/** Copies of what was said at another centre: from one that lies, one that is away, one that floods, and from a third. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_SUBMISSION_BODY_BYTES } from '@vitrine/api';
import { centresProjection } from '../centres/projection.ts';
import { intakeProjection } from '../intake/projection.ts';
import { prepareLocalState } from '../local-state/schema.ts';
import type { LocalState } from '../local-state/schema.ts';
import type { ReadModels } from '../projection/schema.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { openVaultStorage } from '../storage/vault-files/vault-storage.ts';
import { generateVaultKeys, openVault } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { copySubmissionBodies } from './submission-bodies.ts';
import type { SubmissionBodies } from './submission-bodies.ts';

const keys = await generateVaultKeys();
const sha256 = (bytes: string | Uint8Array): string => hash('sha256', bytes, 'hex');

interface OtherCentre {
  readonly server: Server;
  readonly port: number;
  /** How it answers for a submission; 404 for others. */
  readonly answers: Map<string, string | ((response: ServerResponse) => void)>;
  asked: number;
}

let dir: string;
let vault: Vault;
let read: Kysely<ReadModels>;
let local: Kysely<LocalState>;
let free: number;
let now: number;
let others: OtherCentre[];
let copying: SubmissionBodies | undefined;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'submission-bodies-'));
  vault = await openVault({ ...openVaultStorage(join(dir, 'vault')), keys });
  read = openSqlite<ReadModels>(join(dir, 'read.sqlite'));
  local = openSqlite<LocalState>(join(dir, 'local.sqlite'));
  await prepareLocalState(local);
  await read.transaction().execute(async (tx) => {
    await centresProjection(() => Promise.resolve('')).createTables(tx);
    await intakeProjection({ held: () => Promise.reject(new Error('nothing is folded here')) }).createTables(
      tx,
    );
  });
  free = 1e12;
  now = 0;
  others = [];
  copying = undefined;
});

afterEach(async () => {
  await copying?.stop();
  for (const { server } of others) {
    server.closeAllConnections();
    server.close();
  }
  await vault.close();
  await Promise.all([read.destroy(), local.destroy()]);
  rmSync(dir, { recursive: true, force: true });
});

async function otherCentre(name: string, port = 0): Promise<OtherCentre> {
  const answers: OtherCentre['answers'] = new Map();
  const server = createServer((request, response) => {
    other.asked += 1;
    const answer = answers.get(/[0-9a-f]{64}/.exec(request.url ?? '')?.[0] ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === 'string') response.writeHead(200).end(answer);
    else answer(response);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const other: OtherCentre = { server, port: address.port, answers, asked: 0 };
  others.push(other);
  await announce(name, other.port);
  return other;
}

async function announce(name: string, port: number): Promise<void> {
  await read
    .insertInto('centres')
    .values({
      name,
      version: 1,
      leaf_index: 0,
      operator: name,
      city: '',
      country: '',
      region: '',
      url: `http://127.0.0.1:${port}`,
      witness: '',
      mirror: '',
      intake_origin: `${name}/intake`,
      intake_vkey: '',
      working: 1,
      announced_at: 0,
      since: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

let said = 0;

/** The view shows that this was said at a centre. @returns its digest */
async function entered(centre: string, body: string | Uint8Array): Promise<string> {
  const at = said++;
  const digest = sha256(`submission ${at}`);
  const origin = `${centre}/intake`;
  await read
    .insertInto('entered_bodies')
    .values({ origin, entry_index: at, statement: digest, body: sha256(body), access: 'public' })
    .execute();
  const head = { origin, leaf_index: at, size: at + 1, root: '', anchored_at: 0 };
  await read
    .insertInto('intake_heads')
    .values(head)
    .onConflict((conflict) => conflict.column('origin').doUpdateSet(head))
    .execute();
  return digest;
}

function copy(): SubmissionBodies {
  copying = copySubmissionBodies({
    name: 'here',
    read,
    local,
    vault,
    freeBytes: () => Promise.resolve(free),
    keepFreeBytes: 1e9,
    logger: pino({ level: 'silent' }),
    nowMs: () => (now += 10_000),
  });
  return copying;
}

/** What is served as the body of a submission. */
async function shown(submission: string): Promise<string | undefined> {
  const row = await local
    .selectFrom('intake_bodies')
    .select('body')
    .where('statement', '=', submission)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : String(Buffer.from(await vault.getBytes(row.body, { maxBytes: 2e6 })));
}

const soon = { timeout: 20_000 };

test('each body comes from where it entered, and what comes later too', async () => {
  const zurich = await otherCentre('zurich');
  const digests = await Promise.all(Array.from({ length: 20 }, (_, at) => entered('zurich', `letter ${at}`)));
  for (const [at, digest] of digests.entries()) zurich.answers.set(digest, `letter ${at}`);
  const bodies = copy();
  for (const [at, digest] of digests.entries())
    await expect.poll(() => shown(digest), soon).toBe(`letter ${at}`);
  const later = await entered('zurich', 'later');
  zurich.answers.set(later, 'later');
  bodies.wake();
  await expect.poll(() => shown(later), soon).toBe('later');
  expect(zurich.asked).toBe(21);
});

test.each<readonly [string, string | ((response: ServerResponse) => void)]>([
  ['altered', 'another letter'],
  ['too large', 'x'.repeat(MAX_SUBMISSION_BODY_BYTES + 1)],
  ['endless', (response) => void response.writeHead(200, { 'content-length': 9e9 }).write('x'.repeat(2e6))],
  [
    'cut short',
    (response) => void response.writeHead(200, { 'content-length': 9 }).write('a', () => response.destroy()),
  ],
  ['elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['in trouble', (response) => void response.writeHead(500).end()],
])(
  'one that is %s is refused, taken from a third, and keeps no other from coming',
  async (_fault, answer) => {
    const zurich = await otherCentre('zurich');
    const washington = await otherCentre('washington');
    const [bad, good, elsewhere] = [
      await entered('zurich', 'a letter'),
      await entered('zurich', 'a good letter'),
      await entered('washington', 'from elsewhere'),
    ];
    zurich.answers.set(bad, answer);
    zurich.answers.set(good, 'a good letter');
    washington.answers.set(elsewhere, 'from elsewhere');
    copy();
    await expect.poll(() => shown(elsewhere), soon).toBe('from elsewhere');
    await expect.poll(() => shown(good), soon).toBe('a good letter');
    expect(await shown(bad)).toBeUndefined();
    expect(await vault.has(sha256('another letter'))).toBe(false);
    washington.answers.set(bad, 'a letter');
    await expect.poll(() => shown(bad), soon).toBe('a letter');
  },
);

test('from a centre that is away it comes once that is back', async () => {
  const away = await otherCentre('zurich');
  away.server.close();
  await once(away.server, 'close');
  const digest = await entered('zurich', 'a letter');
  copy();
  const back = await otherCentre('zurich', away.port);
  back.answers.set(digest, 'a letter');
  await expect.poll(() => shown(digest), soon).toBe('a letter');
});

test('a digest that the vault has as a secret is shown to nobody before it came as a public body', async () => {
  const zurich = await otherCentre('zurich');
  const washington = await otherCentre('washington');
  await vault.store(Buffer.from('a secret'));
  const guessed = await entered('zurich', 'a secret');
  const other = await entered('washington', 'a letter');
  washington.answers.set(other, 'a letter');
  copy();
  await expect.poll(() => shown(other), soon).toBe('a letter');
  await expect.poll(() => zurich.asked, soon).toBeGreaterThan(0);
  expect(await shown(guessed)).toBeUndefined();
});

test('no more is taken than leaves the disk some room', async () => {
  const zurich = await otherCentre('zurich');
  const digest = await entered('zurich', 'a letter');
  zurich.answers.set(digest, 'a letter');
  free = 1e9;
  copy();
  await expect.poll(() => zurich.asked, soon).toBeGreaterThan(1);
  expect(await shown(digest)).toBeUndefined();
  free = 1e12;
  await expect.poll(() => shown(digest), soon).toBe('a letter');
});
