import { formatNote, formatVkey, parseNote } from '@vitrine/tlog';
import { formatVerificationPolicy } from '@vitrine/verifier';
import { verifyFork } from '@vitrine/verifier/fork';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type LocalDb, type LocalState, prepareLocalState } from '../local-state/schema.ts';
import { silent } from '../log/engine-logger.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { TestLog } from '../witnessing/test-log.ts';
import { ForkFolder } from '../storage/fork-files/fork-folder.ts';
import { ForkRegister } from './fork-register.ts';
import { Gossip, type GossipOutcome, MAX_GOSSIP_BYTES } from './gossip.ts';
import { Held } from './test-held.ts';

const ORIGIN = 'acme.example/statements';

const top = mkdtempSync(join(tmpdir(), 'vitrine-forks-'));
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

function registerOf(local: LocalDb): Promise<ForkRegister> {
  const files = new ForkFolder(mkdtempSync(join(top, 'forks-')));
  return ForkRegister.open({ local, files, nowMs: () => 1_000, logger: silent });
}

const open: LocalDb[] = [];
afterEach(async () => {
  for (const db of open.splice(0)) await db.destroy();
});

async function localState(): Promise<LocalDb> {
  const db = openSqlite<LocalState>(':memory:');
  open.push(db);
  await prepareLocalState(db);
  return db;
}

async function deskOf(held: readonly Held[], local?: LocalDb) {
  const db = local ?? (await localState());
  const forks = await registerOf(db);
  let nowMs = 0;
  const gossip = await Gossip.open({
    logs: () => held,
    forks,
    local: db,
    logger: silent,
    monotonicMs: () => nowMs,
  });
  const hear = (note: string): Promise<GossipOutcome> => gossip.hearStranger(new TextEncoder().encode(note));
  return { db, forks, gossip, hear, sleep: (ms: number) => void (nowMs += ms) };
}

function policyOf({ log }: Held): string {
  const other = new TestLog('acme.example/keys');
  const name = 'acme.example/cosigner';
  const { publicKey } = new TestLog(name).key;
  return formatVerificationPolicy({
    logs: [{ vkey: log.vkey }, { vkey: other.vkey }],
    witnesses: [{ name: 'self', vkey: formatVkey({ name, type: 0x04, publicKey }) }],
    quorum: 'self',
    keysEntry0: '0'.repeat(64),
  });
}

function requireProof(outcome: GossipOutcome, held: Held): void {
  if (outcome.outcome !== 'fork') throw new TypeError(`it is ${outcome.outcome}`);
  const verdict = verifyFork({ evidence: outcome.fork.evidence, policy: policyOf(held) });
  expect(verdict.sentence).toContain('Proof of misbehaviour');
}

describe('a checkpoint that somebody was shown', () => {
  test('of the history that is held, at every size', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
    const { forks, hear } = await deskOf([held]);
    for (let size = 0; size <= 9; size++) {
      expect(await hear(held.log.note(size))).toEqual({ outcome: 'consistent', origin: ORIGIN, size: 9 });
    }
    expect(forks.all).toEqual([]);
  });

  test('of another history, at every size, is a fork with its proof', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
    for (let size = 1; size <= 9; size++) {
      const { forks, hear } = await deskOf([held]);
      const other = held.log.fork(size - 1).grow(1, 'other');
      requireProof(await hear(other.note()), held);
      expect(forks.isFrozen(ORIGIN)).toBe(true);
      expect(forks.isFrozen('acme.example/keys')).toBe(false);
    }
  });

  test('of more entries than are held waits, and is judged once the log has grown', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish(4);
    const { db, forks, gossip, hear } = await deskOf([held]);
    const other = held.log.fork(4).grow(3, 'other');
    expect(await hear(held.log.note(6))).toEqual({ outcome: 'newer', origin: ORIGIN, size: 4 });
    expect(await hear(other.note(7))).toMatchObject({ outcome: 'newer' });
    await gossip.settle();
    expect(forks.all).toEqual([]);
    held.publish(6);
    await gossip.settle();
    expect(await db.selectFrom('gossip').select('size').execute()).toEqual([{ size: 7 }]);
    held.publish(9);
    await gossip.settle();
    expect(forks.all).toHaveLength(1);
    expect(await db.selectFrom('gossip').selectAll().execute()).toEqual([]);
  });

  test('waits over a restart, also where the log is opened later', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish(4);
    const { db, hear } = await deskOf([held]);
    await hear(held.log.fork(4).grow(3, 'other').note(7));
    const logs: Held[] = [];
    const again = await deskOf(logs, db);
    await again.gossip.settle();
    logs.push(held.publish(9));
    await again.gossip.settle();
    expect(again.forks.isFrozen(ORIGIN)).toBe(true);
    const restarted = await deskOf(logs, db);
    expect(restarted.forks.isFrozen(ORIGIN)).toBe(true);
    expect(restarted.forks.all).toEqual(again.forks.all);
  });

  test('two of one size that is not held yet contradict each other at once', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish(4);
    const { hear } = await deskOf([held]);
    await hear(held.log.note(7));
    requireProof(await hear(held.log.fork(6).grow(1, 'other').note(7)), held);
  });

  test('before anything is held, it waits', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9));
    const { hear, gossip, forks } = await deskOf([held]);
    expect(await hear(held.log.fork(0).grow(2, 'other').note())).toMatchObject({ outcome: 'newer', size: 0 });
    held.publish();
    await gossip.settle();
    expect(forks.all).toHaveLength(1);
  });

  test('the same fork told again, by anybody, is one', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish(6);
    const { forks, hear } = await deskOf([held]);
    const other = held.log.fork(2).grow(3, 'other').note();
    await Promise.all([hear(other), hear(other), hear(other)]);
    held.publish(9);
    expect(await hear(other)).toMatchObject({ outcome: 'fork' });
    expect(forks.all).toHaveLength(1);
  });

  test('forks of one log are kept up to a bound, which the log’s own key could pass', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(40)).publish();
    const { forks, hear } = await deskOf([held]);
    for (let size = 1; size <= 30; size++) {
      expect(
        await hear(
          held.log
            .fork(size - 1)
            .grow(1, 'other')
            .note(),
        ),
      ).toMatchObject({ outcome: 'fork' });
    }
    expect(forks.all).toHaveLength(16);
  });
});

describe('what is no checkpoint of the log', () => {
  test('is refused, and nothing of it is kept', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
    const { db, forks, hear, gossip } = await deskOf([held]);
    const forger = new TestLog(ORIGIN).grow(9, 'forged');
    const stranger = new TestLog('other.example/statements').grow(3);
    const note = held.log.note();
    const cases: readonly (readonly [string, GossipOutcome['outcome']])[] = [
      ['', 'malformed'],
      ['x', 'malformed'],
      ['a\nb\n\n— a AAAA\n', 'malformed'],
      [note.slice(0, -1), 'malformed'],
      [note.replace('\n9\n', '\n09\n'), 'malformed'],
      [`${note}\n`, 'malformed'],
      [note.replace('\n9\n', '\n8\n'), 'not-signed'],
      [forger.note(), 'not-signed'],
      [stranger.note(), 'unknown-origin'],
      [note.replace(ORIGIN, 'acme.example/statement5'), 'unknown-origin'],
    ];
    for (const [text, outcome] of cases) expect([text, (await hear(text)).outcome]).toEqual([text, outcome]);
    expect((await gossip.hearStranger(new Uint8Array([0xff, 0xfe]))).outcome).toBe('malformed');
    expect(forks.all).toEqual([]);
    expect(await db.selectFrom('gossip').selectAll().execute()).toEqual([]);
  });

  test('is bounded in rate', async () => {
    const { hear, sleep } = await deskOf([]);
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => hear('x')));
    expect(outcomes.filter(({ outcome }) => outcome === 'overloaded')).toHaveLength(100);
    sleep(1_000);
    expect((await hear('x')).outcome).toBe('malformed');
  });

  test('newer ones that wait are bounded a log, and so is what strangers add to them', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(100)).publish(1);
    const { db, hear } = await deskOf([held]);
    const outcomes = new Set<string>();
    for (let size = 2; size <= 100; size++) outcomes.add((await hear(held.log.note(size))).outcome);
    expect(outcomes).toEqual(new Set(['newer', 'overloaded']));
    expect(await db.selectFrom('gossip').select('size').execute()).toHaveLength(64);
    const other = await deskOf([held]);
    const { text, signatures } = parseNote(held.log.note(50));
    const junk = Array.from({ length: 90 }, (_, at) => ({
      name: `junk-${at}`,
      keyId: at,
      signature: new Uint8Array(400),
    }));
    const long = formatNote({ text, signatures: [...signatures, ...junk] });
    expect(long.length).toBeLessThan(MAX_GOSSIP_BYTES);
    expect((await other.hear(long)).outcome).toBe('newer');
    const [kept] = await other.db.selectFrom('gossip').selectAll().execute();
    expect(kept?.note).toBe(held.log.note(50));
  });
});

test('an honest log never looks forked, whatever order its checkpoints are told in', async () => {
  const property = fc.asyncProperty(
    fc.array(
      fc.oneof(
        fc.record({ hear: fc.nat(30) }),
        fc.record({ publish: fc.nat(30) }),
        fc.record({ settle: fc.constant(true) }),
      ),
      { maxLength: 40 },
    ),
    async (steps) => {
      const held = new Held(new TestLog(ORIGIN).grow(30));
      const { forks, hear, gossip } = await deskOf([held]);
      let size = 0;
      for (const step of steps) {
        if ('hear' in step)
          expect(['consistent', 'newer']).toContain((await hear(held.log.note(step.hear))).outcome);
        else if ('publish' in step) held.publish((size = Math.max(size, step.publish)));
        else await gossip.settle();
      }
      expect(forks.all).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: process.env['VITRINE_SOAK'] === undefined ? 20 : 1000 });
});

describe('a resolution by the root keys', () => {
  const resolutionOf = (held: Held, kept: { size: number; root: Uint8Array }, ended: readonly string[]) => ({
    log: 'acme.example/keys',
    kept: { origin: held.origin, treeSize: kept.size, root: Buffer.from(kept.root).toString('hex') },
    ended: [...ended],
  });

  test('lets the log go on where the branch kept is the one that is held, and only for the checkpoints named', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
    const { db, forks, hear } = await deskOf([held]);
    const other = held.log.fork(3).grow(4, 'other');
    await hear(other.note(5));
    await hear(other.note(6));
    const [first, second] = forks.all;
    if (first === undefined || second === undefined) throw new TypeError('two forks were told');
    const kept = { size: 9, root: held.log.root(9) };
    expect(await forks.resolve(resolutionOf(held, kept, ['f'.repeat(64)]), held)).toEqual([]);
    expect(await forks.resolve(resolutionOf(held, kept, [first.offending]), held)).toEqual([
      { id: first.id, resolved: true },
    ]);
    expect(forks.isFrozen(ORIGIN)).toBe(true);
    await forks.resolve(resolutionOf(held, kept, [first.offending, second.offending]), held);
    expect(forks.isFrozen(ORIGIN)).toBe(false);
    expect(await hear(other.note(5))).toMatchObject({ outcome: 'fork', fork: { resolvedAtMs: 1_000 } });
    expect(forks.isFrozen(ORIGIN)).toBe(false);
    expect((await registerOf(db)).isFrozen(ORIGIN)).toBe(false);
    await hear(other.note(7));
    expect(forks.isFrozen(ORIGIN)).toBe(true);
  });

  test('does not let a centre go on that holds the branch which was ended', async () => {
    const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
    const { forks, hear } = await deskOf([held]);
    const other = held.log.fork(3).grow(4, 'other');
    await hear(other.note(5));
    const [fork] = forks.all;
    if (fork === undefined) throw new TypeError('a fork was told');
    const outcomes = await forks.resolve(
      resolutionOf(held, { size: 5, root: other.root(5) }, [fork.held]),
      held,
    );
    expect(outcomes).toMatchObject([{ id: fork.id, resolved: false }]);
    expect(forks.isFrozen(ORIGIN)).toBe(true);
  });
});
