/**
 * Random lives of a witness: logs that grow, fork, go back and repeat themselves, many submissions at once, disks that
 * fail or fill, crashes and power failures at every operation. Over everything that it ever answered for one log:
 * the checkpoints are of one history, sizes and times never decrease, and nothing answered is forgotten.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignatureTime, openCosignatures, parseCheckpoint, parseNote, parseVkey } from '@vitrine/tlog';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ed25519Key } from '../log/ed25519-key.ts';
import { LogError } from '../log/log-error.ts';
import { type Fault, FaultyFileSystem, type Operation } from '../storage/log-files/faulty-file-system.ts';
import { FileWitnessState } from '../storage/witness-state/file-witness-state.ts';
import { logVerifiers } from './log-verifiers.ts';
import { TestLog } from './test-log.ts';
import { createWitness, type Witness } from './witness.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 40 : 2_000;
const MAX_SIZE = 24;
const OPERATIONS: readonly Operation[] = [
  'write',
  'datasync',
  'truncate',
  'writeNew',
  'rename',
  'remove',
  'syncDirectory',
];
const key = ed25519Key(generateKeyPairSync('ed25519').privateKey);

/** Two logs, and of each three histories that part at some size. */
const logs = ['a', 'b'].map((name) => {
  const honest = new TestLog(`log.example/${name}`).grow(MAX_SIZE);
  return [honest, ...[3, 11].map((size) => honest.fork(size).grow(MAX_SIZE - size, `fork at ${size}: `))];
});

const submission = fc.record({
  log: fc.nat(logs.length - 1),
  branch: fc.nat(2),
  oldSize: fc.nat(MAX_SIZE),
  newSize: fc.nat(MAX_SIZE),
  /** As a client that has learnt what is held, which random sizes rarely hit. */
  fromHeld: fc.boolean(),
});
const life = fc.record({
  rounds: fc.array(
    fc.record({
      /** Sent without waiting for one another. */
      submissions: fc.array(submission, { minLength: 1, maxLength: 6 }),
      passSeconds: fc.integer({ min: -20, max: 40 }),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  fault: fc.option(
    fc.record({
      operation: fc.constantFrom(...OPERATIONS),
      kind: fc.constantFrom<Fault>('ENOSPC', 'EIO'),
      after: fc.nat(20),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  ),
  /** The operation, counted from the start, at which everything ends; null: it closes in order. */
  crashAfter: fc.option(fc.nat(40)),
  powerFails: fc.boolean(),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

interface Signed {
  readonly size: number;
  readonly root: string;
  readonly timeSeconds: number;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Whatever was signed for a log is of one of its histories, in order. */
function requireOneHistory(branches: readonly TestLog[], signed: readonly Signed[]): void {
  const fitting = branches.filter((branch) =>
    signed.every(({ size, root }) => hex(branch.root(size)) === root),
  );
  expect(fitting.length, 'no history holds all that was cosigned').toBeGreaterThan(0);
  for (const [i, { size, timeSeconds }] of signed.entries()) {
    const before = signed[i - 1];
    expect(size).toBeGreaterThanOrEqual(before?.size ?? 0);
    expect(timeSeconds).toBeGreaterThanOrEqual(before?.timeSeconds ?? 0);
  }
}

function applyFaults(files: FaultyFileSystem, { fault, crashAfter, seed }: Life): void {
  let state = seed;
  files.random = () => {
    state = (state * 48_271) % (2 ** 31 - 1);
    return state / (2 ** 31 - 1);
  };
  let seen = 0;
  let left = fault?.times ?? 0;
  files.fault = (operation) => {
    if (crashAfter !== null && files.operations > crashAfter) return 'crash';
    if (operation !== fault?.operation || seen++ < fault.after || left === 0) return null;
    left -= 1;
    return fault.kind;
  };
}

test('never two histories, never back in size or time, whatever it is sent and wherever it dies', {
  timeout: 3_600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(300, 4_000),
      async (lives, compactAboveBytes) => {
        const folder = mkdtempSync(join(tmpdir(), 'vitrine-witness-'));
        let files = new FaultyFileSystem();
        await new FileWitnessState({ folder: join(folder, 'state'), fileSystem: files }).create();
        const now = { ms: 1_700_000_000_000 };
        const signed = logs.map((): Signed[] => []);
        try {
          for (const one of lives) {
            applyFaults(files, one);
            const witness = await createWitness({
              name: 'witness.example',
              key,
              verifiersOf: logVerifiers(logs.map(([log]) => log?.vkey ?? '')),
              state: new FileWitnessState({
                folder: join(folder, 'state'),
                fileSystem: files,
                compactAboveBytes,
              }),
              clock: { nowMs: () => now.ms, monotonicMs: () => now.ms },
            }).catch(refusedForNow);
            if (witness !== undefined) {
              for (const round of one.rounds) {
                now.ms += round.passSeconds * 1000;
                await send(witness, round.submissions, signed);
              }
              // On a disk that was full at the start it says that it does not know, which is no forgetting.
              if (witness.isReady) requireHeld(witness, signed);
              await witness.close();
            }
            if (!files.isDead) files.kill();
            if (one.powerFails) await files.losePower();
            const before = files;
            files = new FaultyFileSystem(one.powerFails ? null : before);
            if (one.powerFails) await before.dispose();
          }
          // Whatever happened: on a disk that works, it goes on from all that it has answered for.
          const witness = await createWitness({
            name: 'witness.example',
            key,
            verifiersOf: logVerifiers(logs.map(([log]) => log?.vkey ?? '')),
            state: new FileWitnessState({ folder: join(folder, 'state') }),
            clock: { nowMs: () => now.ms, monotonicMs: () => now.ms },
          });
          requireHeld(witness, signed);
          await witness.close();
        } finally {
          await files.dispose();
          rmSync(folder, { recursive: true, force: true });
        }
        for (const [i, all] of signed.entries()) requireOneHistory(logs[i] ?? [], all);
      },
    ),
    { numRuns: RUNS },
  );
});

/** A disk that fails or is full, or a process that is dead: anything else is a fault of the witness. */
function refusedForNow(error: unknown): undefined {
  const codes = ['disk-full', 'writer-stopped', 'clock-behind', 'clock-jumped'];
  if (error instanceof LogError && codes.includes(error.code)) return undefined;
  if (error instanceof Error && (error.name === 'CrashError' || ('code' in error && error.code === 'EIO')))
    return undefined;
  throw error;
}

async function send(
  witness: Witness,
  submissions: readonly (typeof submission extends fc.Arbitrary<infer T> ? T : never)[],
  signed: readonly Signed[][],
): Promise<void> {
  const requests = await Promise.all(
    submissions.map(async ({ log, branch, oldSize, newSize, fromHeld }) => {
      const of = logs[log]?.[branch];
      if (of === undefined) throw new Error('no such log');
      const held = witness.isReady ? heldSize(witness, of.origin) : undefined;
      const from = fromHeld ? (held ?? 0) : oldSize;
      const size = Math.max(from, newSize);
      return { log, of, size, body: await of.request(from, size) };
    }),
  );
  await Promise.all(
    requests.map(async ({ log, of, size, body }) => {
      const answer = await witness.addCheckpoint(body).catch(refusedForNow);
      if (answer?.outcome !== 'cosigned') return;
      const text = of.text(size);
      const [cosignature] = openCosignatures(text, answer.signatureLines, [parseVkey(witness.vkey)]);
      const timeSeconds = cosignatureTime(cosignature?.signature ?? new Uint8Array());
      signed[log]?.push({ size, root: hex(parseCheckpoint(text).root), timeSeconds });
    }),
  );
}

function heldText(witness: Witness, origin: string): string | undefined {
  const note = witness.latest(createHash('sha256').update(origin).digest('hex'));
  return note === undefined ? undefined : parseNote(note).text;
}

function heldSize(witness: Witness, origin: string): number | undefined {
  const text = heldText(witness, origin);
  return text === undefined ? undefined : parseCheckpoint(text).treeSize;
}

/** What is held is at least what was answered for last. */
function requireHeld(witness: Witness, signed: readonly Signed[][]): void {
  for (const [i, [log]] of logs.entries()) {
    const last = signed[i]?.at(-1);
    if (log === undefined || last === undefined) continue;
    const text = heldText(witness, log.origin);
    expect(text, 'what was cosigned is forgotten').toBeDefined();
    const { treeSize, root } = parseCheckpoint(text ?? '');
    expect(treeSize).toBeGreaterThanOrEqual(last.size);
    if (treeSize === last.size) expect(hex(root)).toBe(last.root);
  }
}
