/** Every outcome of add-checkpoint, on real trees, keys and files. */
import { createHash, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cosignatureTime,
  EMPTY_ROOT,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  openCosignatures,
  openNote,
  parseNote,
  parseVkey,
  signNote,
} from '@vitrine/tlog';
import { mlDsa44CosignatureSigner } from '@vitrine/tlog/ml-dsa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ed25519Key } from '../log/ed25519-key.ts';
import { FaultyFileSystem } from '../storage/log-files/faulty-file-system.ts';
import { FileWitnessState } from '../storage/witness-state/file-witness-state.ts';
import type { AddCheckpointOutcome } from './add-checkpoint.ts';
import { logVerifiers } from './log-verifiers.ts';
import { TestLog } from './test-log.ts';
import { createWitness, type Fork, type Witness } from './witness.ts';

const NAME = 'witness.example';
const key = ed25519Key(generateKeyPairSync('ed25519').privateKey);

let folder: string;
let files: FaultyFileSystem;
let now: { wallMs: number; monotonicMs: number };
let forks: Fork[];
let open: Witness[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-witness-'));
  files = new FaultyFileSystem();
  now = { wallMs: 1_700_000_000_500, monotonicMs: 0 };
  forks = [];
  open = [];
});
afterEach(async () => {
  for (const witness of open) await witness.close();
  rmSync(folder, { recursive: true, force: true });
});

function stateOf(): FileWitnessState {
  return new FileWitnessState({ folder: join(folder, 'state'), fileSystem: files });
}

async function witnessOf(vkeys: readonly string[], own = key): Promise<Witness> {
  const state = stateOf();
  await state.create();
  const witness = await createWitness({
    name: NAME,
    key: own,
    verifiersOf: logVerifiers(vkeys),
    state,
    clock: { nowMs: () => now.wallMs, monotonicMs: () => now.monotonicMs },
    onFork: (fork) => forks.push(fork),
  });
  open.push(witness);
  return witness;
}

/** Time that passes: both clocks go on. */
function pass(ms: number): void {
  now.wallMs += ms;
  now.monotonicMs += ms;
}

/** The time of the one cosignature in an answer, verified over `text`. */
function timeOf(outcome: AddCheckpointOutcome, witness: Witness, text: string): number {
  if (outcome.outcome !== 'cosigned') throw new Error(JSON.stringify(outcome));
  const [cosignature, ...others] = openCosignatures(text, outcome.signatureLines, [parseVkey(witness.vkey)]);
  expect(others).toEqual([]);
  return cosignatureTime(cosignature?.signature ?? new Uint8Array());
}

function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex');
}

describe('cosigned', () => {
  test('first, then what follows by a proof, then the same again with a new time', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    const first = await witness.addCheckpoint(await log.request(0));
    expect(timeOf(first, witness, log.text())).toBe(1_700_000_000);
    log.grow(8);
    pass(1_000);
    const second = await witness.addCheckpoint(await log.request(5));
    expect(timeOf(second, witness, log.text())).toBe(1_700_000_001);
    pass(60_000);
    const again = await witness.addCheckpoint(await log.request(13));
    expect(timeOf(again, witness, log.text())).toBe(1_700_000_061);
  });

  test('a tree without leaves, and what follows it', async () => {
    const log = new TestLog('log.example/a');
    const witness = await witnessOf([log.vkey]);
    timeOf(await witness.addCheckpoint(await log.request(0, 0)), witness, log.text(0));
    log.grow(3);
    timeOf(await witness.addCheckpoint(await log.request(0, 3)), witness, log.text());
  });

  test('extension lines are signed with the rest', async () => {
    const log = new TestLog('log.example/a').grow(2);
    const witness = await witnessOf([log.vkey]);
    const text = log.text(2, ['one', 'two']);
    const note = signNote(text, [log.signer()]);
    const body = Buffer.from(formatAddCheckpoint({ oldSize: 0, proof: [], checkpointNote: note }));
    timeOf(await witness.addCheckpoint(body), witness, text);
  });

  test('each log by itself', async () => {
    const logs = ['a', 'b', 'c'].map((name) => new TestLog(`log.example/${name}`).grow(4));
    const witness = await witnessOf(logs.map(({ vkey }) => vkey));
    const answers = await Promise.all(logs.map(async (log) => witness.addCheckpoint(await log.request(0))));
    for (const [i, log] of logs.entries()) {
      const answer = answers[i];
      if (answer === undefined) throw new Error('no answer');
      timeOf(answer, witness, log.text());
    }
  });

  test('by any of the keys that a log has, Ed25519 or ML-DSA-44', async () => {
    const log = new TestLog('log.example/a').grow(4);
    const other = new TestLog('log.example/a').grow(4);
    const pair = generateKeyPairSync('ml-dsa-44');
    const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-1312));
    const mlDsa = mlDsa44CosignatureSigner(
      { name: log.origin, publicKey, sign: (message) => signWith(null, message, pair.privateKey) },
      () => 1_700_000_000,
    );
    const mlDsaVkey = formatVkey({ name: log.origin, type: 0x06, publicKey });
    const witness = await witnessOf([log.vkey, other.vkey, mlDsaVkey, log.vkey]);
    let oldSize = 0;
    for (const signers of [[log.signer()], [other.signer()], [mlDsa], [mlDsa, log.signer(), mlDsa]]) {
      const note = signNote(log.text(), signers);
      const body = formatAddCheckpoint({ oldSize, proof: [], checkpointNote: note });
      timeOf(await witness.addCheckpoint(Buffer.from(body)), witness, log.text());
      oldSize = 4;
    }
    const held = parseNote(witness.latest(hashOf(log.origin)) ?? '');
    expect(held.signatures.map(({ name }) => name)).toEqual([log.origin, log.origin, NAME]);
  });
});

describe('refused', () => {
  test('what does not parse', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    const note = log.note();
    const bodies = [
      '',
      'old 0',
      `old 00\n\n${note}`,
      `old 0\n\n${note.slice(0, -1)}`,
      `old 0\nAAAA\n\n${note}`,
      note,
    ];
    bodies.push(`old 0\r\n\r\n${note}`, `old -1\n\n${note}`, `old 0\n\n\n${note}`, `OLD 0\n\n${note}`);
    bodies.push(`old 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n${note}`);
    for (const body of [
      ...bodies.map((text) => Buffer.from(text)),
      Buffer.alloc(300_000, 'a'),
      Buffer.of(0xff),
    ]) {
      expect((await witness.addCheckpoint(body)).outcome).toBe('malformed');
    }
  });

  test('an old size above the new, before it is compared with what is held', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    const body = formatAddCheckpoint({ oldSize: 6, proof: [], checkpointNote: log.note() });
    expect((await witness.addCheckpoint(Buffer.from(body))).outcome).toBe('malformed');
  });

  test('a log that is not known, also when its old size is above the new', async () => {
    const witness = await witnessOf([new TestLog('log.example/a').vkey]);
    const stranger = new TestLog('log.example/b').grow(1);
    expect((await witness.addCheckpoint(await stranger.request(0))).outcome).toBe('unknown-origin');
    const body = formatAddCheckpoint({ oldSize: 2, proof: [], checkpointNote: stranger.note() });
    expect((await witness.addCheckpoint(Buffer.from(body))).outcome).toBe('unknown-origin');
  });

  test('no signature by the log, a bad one, a bad one beside a good one, one of another log', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const neighbour = new TestLog('log.example/b').grow(5);
    const witness = await witnessOf([log.vkey, neighbour.vkey]);
    const { text, signatures } = parseNote(log.note());
    const bad = parseNote(log.fork(0).grow(5, 'x').note()).signatures;
    const stranger = new TestLog('log.example/a').grow(5);
    const notes = [stranger.note(), signNote(text, [neighbour.signer()])];
    const body = (note: string) => Buffer.from(`old 0\n\n${note}`);
    for (const note of notes) expect((await witness.addCheckpoint(body(note))).outcome).toBe('not-signed');
    for (const lines of [bad, [...signatures, ...bad], [...bad, ...signatures]]) {
      const note = signNote(text, [stranger.signer()], lines);
      expect((await witness.addCheckpoint(body(note))).outcome).toBe('not-signed');
    }
    timeOf(
      await witness.addCheckpoint(body(signNote(text, [stranger.signer()], signatures))),
      witness,
      log.text(),
    );
  });

  test('another old size than the one held, which it is told', async () => {
    const log = new TestLog('log.example/a').grow(9);
    const witness = await witnessOf([log.vkey]);
    expect(await witness.addCheckpoint(await log.request(3, 9))).toEqual({
      outcome: 'other-size',
      heldSize: 0,
    });
    await witness.addCheckpoint(await log.request(0, 5));
    for (const [oldSize, newSize] of [
      [0, 9],
      [4, 9],
      [6, 9],
      [0, 5],
      [0, 0],
      [3, 3],
    ] as const) {
      expect(await witness.addCheckpoint(await log.request(oldSize, newSize))).toEqual({
        outcome: 'other-size',
        heldSize: 5,
      });
    }
  });

  test('what does not follow: proofs that are bad, missing, too long, or not due', async () => {
    const log = new TestLog('log.example/a').grow(9);
    const witness = await witnessOf([log.vkey]);
    const send = (oldSize: number, newSize: number, proof: readonly Uint8Array[], of = log) =>
      witness.addCheckpoint(
        Buffer.from(formatAddCheckpoint({ oldSize, proof, checkpointNote: of.note(newSize) })),
      );
    expect((await send(0, 5, [EMPTY_ROOT])).outcome).toBe('inconsistent');
    await send(0, 5, []);
    const proof = await log.proof(5, 9);
    const altered = proof.map((hash, i) => (i === 0 ? EMPTY_ROOT : hash));
    for (const bad of [[], proof.slice(1), [...proof, EMPTY_ROOT], altered, proof.toReversed()]) {
      expect((await send(5, 9, bad)).outcome).toBe('inconsistent');
    }
    const fork = log.fork(4).grow(5, 'x');
    expect((await send(5, 9, await fork.proof(5, 9), fork)).outcome).toBe('inconsistent');
    expect((await send(5, 5, [EMPTY_ROOT])).outcome).toBe('inconsistent');
    expect(forks).toEqual([]);
    timeOf(await send(5, 9, proof), witness, log.text());
  });

  test('another root at the same size, with both checkpoints as proof', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const fork = log.fork(4).grow(1, 'x');
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0));
    expect((await witness.addCheckpoint(await fork.request(5))).outcome).toBe('inconsistent');
    expect(forks).toHaveLength(1);
    for (const note of [forks[0]?.held, forks[0]?.submitted]) openNote(note ?? '', [parseVkey(log.vkey)]);
    expect(openNote(forks[0]?.submitted ?? '', [parseVkey(log.vkey)]).text).toBe(fork.text());
  });

  test('a tree without leaves whose root is not that of nothing', async () => {
    const log = new TestLog('log.example/a');
    const witness = await witnessOf([log.vkey]);
    const send = (root: Uint8Array) => {
      const text = formatCheckpoint({ origin: log.origin, treeSize: 0, root, extensions: [] });
      return witness.addCheckpoint(Buffer.from(`old 0\n\n${signNote(text, [log.signer()])}`));
    };
    expect((await send(new Uint8Array(32))).outcome).toBe('inconsistent');
    expect((await send(EMPTY_ROOT)).outcome).toBe('cosigned');
    expect((await send(new Uint8Array(32))).outcome).toBe('inconsistent');
  });
});

describe('what is held', () => {
  test('is served with the signatures of the log and of the witness, and nobody else’s', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    expect(witness.latest(hashOf(log.origin))).toBeUndefined();
    const stranger = new TestLog('elsewhere.example').signer();
    const note = signNote(log.text(), [stranger, log.signer()]);
    await witness.addCheckpoint(Buffer.from(`old 0\n\n${note}`));
    const held = parseNote(witness.latest(hashOf(log.origin)) ?? '');
    expect(held.text).toBe(log.text());
    expect(held.signatures.map(({ name }) => name)).toEqual([log.origin, NAME]);
    const verified = openNote(witness.latest(hashOf(log.origin)) ?? '', [
      parseVkey(log.vkey),
      parseVkey(witness.vkey),
    ]);
    expect(verified.signatures).toHaveLength(2);
    expect(witness.latest(log.origin)).toBeUndefined();
  });

  test('outlives the process, also for a log that is not known any more', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const gone = new TestLog('log.example/b').grow(3);
    const witness = await witnessOf([log.vkey, gone.vkey]);
    await witness.addCheckpoint(await log.request(0));
    await witness.addCheckpoint(await gone.request(0));
    await witness.close();
    const again = await witnessOf([log.vkey]);
    expect(again.latest(hashOf(gone.origin))).toBe(witness.latest(hashOf(gone.origin)));
    expect(await again.addCheckpoint(await log.request(0))).toEqual({ outcome: 'other-size', heldSize: 5 });
    await again.close();
    const third = await witnessOf([log.vkey, gone.vkey]);
    expect(await third.addCheckpoint(await gone.request(0))).toEqual({ outcome: 'other-size', heldSize: 3 });
  });

  test('is of one key: another is refused, and no state at all too', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0));
    await witness.close();
    const stranger = ed25519Key(generateKeyPairSync('ed25519').privateKey);
    await expect(witnessOf([log.vkey], stranger)).rejects.toMatchObject({ code: 'wrong-key' });
    rmSync(join(folder, 'state'), { recursive: true });
    await expect(stateOf().open()).rejects.toMatchObject({ code: 'log-missing' });
  });
});

describe('at once', () => {
  test('of many submissions to one log each is checked against the one before', async () => {
    const log = new TestLog('log.example/a').grow(40);
    const witness = await witnessOf([log.vkey]);
    const steps = Array.from({ length: 40 }, (_, i) => i);
    const requests = await Promise.all(steps.map((size) => log.request(size, size + 1)));
    const answers = await Promise.all(requests.map((body) => witness.addCheckpoint(body)));
    for (const [i, answer] of answers.entries()) timeOf(answer, witness, log.text(i + 1));
    expect(parseNote(witness.latest(hashOf(log.origin)) ?? '').text).toBe(log.text(40));
  });

  test('of two that start from one size one is cosigned, and the other told so', async () => {
    const log = new TestLog('log.example/a').grow(9);
    const witness = await witnessOf([log.vkey]);
    const [small, large] = await Promise.all([
      witness.addCheckpoint(await log.request(0, 5)),
      witness.addCheckpoint(await log.request(0, 9)),
    ]);
    timeOf(small, witness, log.text(5));
    expect(large).toEqual({ outcome: 'other-size', heldSize: 5 });
  });

  test('many logs share a sync', async () => {
    const logs = Array.from({ length: 100 }, (_, i) => new TestLog(`log.example/${i}`).grow(2));
    const witness = await witnessOf(logs.map(({ vkey }) => vkey));
    const requests = await Promise.all(logs.map((log) => log.request(0)));
    let syncs = 0;
    files.fault = (operation) => {
      if (operation === 'datasync') syncs += 1;
      return null;
    };
    await Promise.all(requests.map((body) => witness.addCheckpoint(body)));
    expect(syncs).toBeLessThanOrEqual(2);
  });
});

describe('time', () => {
  test('stays when the clock steps back a little, for all logs and across a restart', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0));
    now.wallMs -= 30_000;
    expect(timeOf(await witness.addCheckpoint(await log.request(5)), witness, log.text())).toBe(
      1_700_000_000,
    );
    await witness.close();
    const again = await witnessOf([log.vkey]);
    expect(timeOf(await again.addCheckpoint(await log.request(5)), again, log.text())).toBe(1_700_000_000);
  });

  test('is refused when the clock steps back far, or leaps ahead, until it has settled', async () => {
    const log = new TestLog('log.example/a').grow(5);
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0));
    const body = await log.request(5);
    now.wallMs -= 100_000;
    await expect(witness.addCheckpoint(body)).rejects.toMatchObject({ code: 'clock-behind' });
    pass(100_000);
    timeOf(await witness.addCheckpoint(body), witness, log.text());
    now.wallMs += 3_600_000;
    await expect(witness.addCheckpoint(body)).rejects.toMatchObject({ code: 'clock-jumped' });
    now.wallMs -= 3_600_000;
    expect(timeOf(await witness.addCheckpoint(body), witness, log.text())).toBe(1_700_000_000);
  });
});

describe('a disk that fails', () => {
  test('full: nothing is signed, reads go on, and it goes on once there is space', async () => {
    const log = new TestLog('log.example/a').grow(9);
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0, 5));
    const held = witness.latest(hashOf(log.origin));
    files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : null);
    await expect(witness.addCheckpoint(await log.request(5, 9))).rejects.toMatchObject({ code: 'disk-full' });
    expect(witness.latest(hashOf(log.origin))).toBe(held);
    expect(await witness.addCheckpoint(await log.request(0, 9))).toEqual({
      outcome: 'other-size',
      heldSize: 5,
    });
    files.fault = () => null;
    timeOf(await witness.addCheckpoint(await log.request(5, 9)), witness, log.text());
  });

  test('a sync that fails: nothing is signed before the state was read again', async () => {
    const log = new TestLog('log.example/a').grow(12);
    const witness = await witnessOf([log.vkey]);
    await witness.addCheckpoint(await log.request(0, 5));
    files.fault = (operation) => (operation === 'datasync' ? 'EIO' : null);
    // The second is checked against the first, so it fails with it; the third learns nothing that may not be so.
    const requests = [await log.request(5, 7), await log.request(7, 9), await log.request(5, 9)];
    const answers = await Promise.allSettled(requests.map((body) => witness.addCheckpoint(body)));
    expect(answers).toMatchObject(
      requests.map(() => ({ status: 'rejected', reason: { code: 'writer-stopped' } })),
    );
    expect(witness.isReady).toBe(false);
    files.fault = (operation) => (operation === 'writeNew' ? 'EIO' : null);
    await expect(witness.addCheckpoint(await log.request(5, 7))).rejects.toThrow('EIO');
    files.fault = () => null;
    // Read back from the disk: the checkpoint that was not answered for may be there or not.
    const outcome = await witness.addCheckpoint(await log.request(5, 9));
    const size = outcome.outcome === 'other-size' ? outcome.heldSize : 9;
    expect([7, 9]).toContain(size);
    timeOf(await witness.addCheckpoint(await log.request(size, 12)), witness, log.text(12));
  });
});

test('a key of a cosigner is not a log’s, and a name cannot be any text', async () => {
  const cosigner = formatVkey({ name: 'log.example/a', type: 0x04, publicKey: key.publicKey });
  expect(() => logVerifiers([cosigner])).toThrow(expect.objectContaining({ code: 'unsupported-key-type' }));
  const state = stateOf();
  await state.create();
  const options = {
    key,
    verifiersOf: logVerifiers([]),
    state,
    clock: { nowMs: () => 1, monotonicMs: () => 1 },
  };
  await expect(createWitness({ ...options, name: 'with space' })).rejects.toMatchObject({
    code: 'malformed-vkey',
  });
});
