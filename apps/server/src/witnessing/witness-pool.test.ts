/** A writer and its witnesses: the real engine on real files, the real witness, and a network that the test bends. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cosign,
  formatSignatureLines,
  formatTreeSizeLine,
  formatVkey,
  parseCheckpoint,
  parseNote,
  verifyCheckpoint,
} from '@vitrine/tlog';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../log/clock.ts';
import type { Log, Logs } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { LogsOptions } from '../log/open-logs.ts';
import { entry, newKey, REGISTERED, TestInstance } from '../storage/log-files/test-instance.ts';
import { logVerifiers } from './log-verifiers.ts';
import { parseNativePolicy } from './native-policy.ts';
import { createWitness, type Witness } from './witness.ts';
import { WitnessPool, type WitnessPoolLimits } from './witness-pool.ts';
import type { WitnessState } from './witness-state.ts';
import type { WitnessAnswer, WitnessTransport } from './witness-transport.ts';

const LIMITS: Partial<WitnessPoolLimits> = {
  timeoutMs: 300,
  graceMs: 20,
  backOffFirstMs: 10,
  backOffMostMs: 50,
};

type Manners = 'well' | 'away' | 'silent' | 'garbage';

/** Three witnesses by name, and how each behaves just now. */
class Network implements WitnessTransport {
  readonly witnesses = new Map<string, Witness>();
  readonly manners = new Map<string, Manners>();
  readonly asked: string[] = [];

  async addCheckpoint(url: string, body: string, signal: AbortSignal): Promise<WitnessAnswer> {
    this.asked.push(`${url} ${parseCheckpoint(parseNote(body.slice(body.indexOf('\n\n') + 2)).text).origin}`);
    const witness = await this.#reach(url, signal);
    if (witness === null) return { status: 200, body: Buffer.from('nonsense') };
    const outcome = await witness.addCheckpoint(Buffer.from(body));
    if (outcome.outcome === 'cosigned') return { status: 200, body: Buffer.from(outcome.signatureLines) };
    if (outcome.outcome === 'other-size')
      return { status: 409, body: Buffer.from(formatTreeSizeLine(outcome.heldSize)) };
    return { status: 422, body: Buffer.from(outcome.reason) };
  }

  async latestCheckpoint(url: string, originHash: string, signal: AbortSignal): Promise<WitnessAnswer> {
    const note = (await this.#reach(url, signal))?.latest(originHash);
    return note === undefined
      ? { status: 404, body: Buffer.alloc(0) }
      : { status: 200, body: Buffer.from(note) };
  }

  /** null: it answers, but not as a witness. */
  async #reach(url: string, signal: AbortSignal): Promise<Witness | null> {
    const manners = this.manners.get(url) ?? 'well';
    if (manners === 'away') throw new Error('it cannot be reached: ECONNREFUSED');
    if (manners === 'garbage') return null;
    if (manners === 'silent') {
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('no answer in time')));
      });
    }
    const witness = this.witnesses.get(url);
    if (witness === undefined) throw new Error(`no witness at ${url}`);
    return witness;
  }
}

class MemoryState implements WitnessState {
  #notes: readonly string[] = [];
  open(): Promise<readonly string[]> {
    return Promise.resolve(this.#notes);
  }
  commit(notes: readonly string[]): Promise<void> {
    const origins = new Set(notes.map(originOf));
    this.#notes = [...this.#notes.filter((note) => !origins.has(originOf(note))), ...notes];
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function originOf(note: string): string {
  return parseCheckpoint(parseNote(note).text).origin;
}

let instance: TestInstance;
let network: Network;
let policyText: string;
const opened: Logs[] = [];
const folders: string[] = [];

beforeEach(async () => {
  instance = await TestInstance.create({
    root: { entries: REGISTERED, keepHistory: true },
    keys: { entries: REGISTERED },
    other: { entries: REGISTERED },
  });
  network = new Network();
  const lines = [`log ${instance.vkey('root')}`, `log ${instance.vkey('keys')}`];
  for (const name of ['a', 'b', 'c']) {
    const witness = await createWitness({
      name: `${name}.example/witness`,
      key: newKey(),
      verifiersOf: logVerifiers([instance.vkey('root'), instance.vkey('keys')]),
      state: new MemoryState(),
      clock: systemClock,
    });
    network.witnesses.set(`http://${name}`, witness);
    lines.push(`witness ${name} ${witness.vkey} http://${name}`);
  }
  policyText = `${[...lines, 'group three 2 a b c', 'quorum three'].join('\n')}\n`;
});

afterEach(async () => {
  for (const name of ['a', 'b', 'c']) network.manners.set(`http://${name}`, 'well');
  for (const logs of opened.splice(0)) await logs.close();
  await instance.requireSound();
  await instance.remove();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<LogsOptions> = {}): Promise<Logs> {
  const logs = await instance.open({
    others: new WitnessPool({
      policy: parseNativePolicy(policyText),
      transport: network,
      limits: LIMITS,
    }),
    publishTogether: [{ lead: 'root', companions: ['keys'] }],
    ...options,
    limits: { publishIntervalMs: 5, ...options.limits },
  });
  opened.push(logs);
  return logs;
}

async function close(logs: Logs): Promise<void> {
  opened.splice(opened.indexOf(logs), 1);
  await logs.close();
}

function cosigners(note: string): string[] {
  return parseNote(note)
    .signatures.map(({ name }) => name)
    .filter((name) => name.endsWith('/witness'))
    .sort();
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing',
    (error: unknown) => (error instanceof LogError ? error.code : String(error)),
  );
}

async function append(log: Log, text: string | number): Promise<number> {
  const [appended] = await log.append([entry(text)]);
  return appended?.leafIndex ?? -1;
}

describe('publication', () => {
  test('with all cosignatures; the pair meets the quorum, the companion no earlier', async () => {
    const logs = await open();
    const shown = await logs.get('root').whenPublished(await append(logs.get('root'), 1));
    expect(cosigners(shown.note)).toEqual(['a.example/witness', 'b.example/witness', 'c.example/witness']);
    const policy = parseNativePolicy(policyText);
    const lead = verifyCheckpoint(shown.note, policy);
    const companion = verifyCheckpoint(shown.companions['keys'] ?? '', policy);
    if (!lead.ok || !companion.ok) throw new Error('a checkpoint does not hold');
    expect(companion.timeSeconds ?? 0).toBeGreaterThanOrEqual(lead.timeSeconds ?? Number.POSITIVE_INFINITY);
    expect((await logs.get('root').checkpointAt(1))?.note).toBe(logs.get('root').published.note);
  });

  test('of a log that the policy does not name asks nobody', async () => {
    const logs = await open();
    network.asked.length = 0;
    await logs.get('other').whenPublished(await append(logs.get('other'), 1));
    expect(network.asked).toEqual([]);
  });

  test.each(['away', 'silent', 'garbage'] as const)(
    'goes on when one is %s, and takes it up again',
    async (manners) => {
      const logs = await open();
      network.manners.set('http://b', manners);
      const log = logs.get('root');
      const without = await log.whenPublished(await append(log, 1));
      expect(cosigners(without.note)).toEqual(['a.example/witness', 'c.example/witness']);
      network.manners.set('http://b', 'well');
      let next = 2;
      await expect
        .poll(async () => cosigners((await log.whenPublished(await append(log, next++))).note))
        .toContain('b.example/witness');
    },
  );

  test('without a quorum waits, says who is missing, and loses nothing', async () => {
    const logs = await open();
    const log = logs.get('root');
    network.manners.set('http://a', 'away');
    network.manners.set('http://c', 'away');
    const indices = await Promise.all([append(log, 1), append(log, 2)]);
    await expect.poll(() => log.publicationFailure?.code).toBe('no-quorum');
    expect(log.publicationFailure?.message).toMatch(/missing: a \(.*ECONNREFUSED\), c/);
    expect([log.published.size, log.size]).toEqual([0, 2]);
    expect(await refusal(log.republish())).toBe('no-quorum');
    network.manners.set('http://c', 'well');
    const shown = await log.whenPublished(Math.max(...indices));
    expect(cosigners(shown.note)).toEqual(['b.example/witness', 'c.example/witness']);
    expect(log.publicationFailure).toBeNull();
  });

  test('without a quorum memory stays bounded: what is over is refused at once', async () => {
    const logs = await open({ limits: { maxUnpublishedBytes: 1000 } });
    const log = logs.get('root');
    for (const name of ['a', 'b', 'c']) network.manners.set(`http://${name}`, 'away');
    const codes = new Set<string>();
    for (let i = 0; i < 50; i++) codes.add(await refusal(log.append([Buffer.alloc(100, i)])));
    expect([...codes].sort()).toEqual(['no-quorum', 'nothing']);
    const durable = log.size;
    for (const name of ['a', 'b', 'c']) network.manners.set(`http://${name}`, 'well');
    await log.whenPublished(durable - 1);
    expect(await refusal(log.append([Buffer.alloc(100, 99)]))).toBe('nothing');
  });

  test('a cosigner of the lead alone is not counted for it', async () => {
    const logs = await open();
    const log = logs.get('root');
    await log.whenPublished(await append(log, 1));
    // From here on one answers for the root log only.
    const reach = network.addCheckpoint.bind(network);
    network.addCheckpoint = (url, body, signal) =>
      url === 'http://a' && body.includes('\ntest.example/keys\n')
        ? Promise.reject(new Error('it cannot be reached: ECONNRESET'))
        : reach(url, body, signal);
    const shown = await log.whenPublished(await append(log, 2));
    expect(cosigners(shown.note)).toEqual(['b.example/witness', 'c.example/witness']);
    network.addCheckpoint = reach;
  });

  test('a cosigner that dates the companion earlier than the lead is not counted for the lead', async () => {
    const key = newKey();
    const name = 'liar.example/witness';
    const vkey = formatVkey({ name, type: 0x04, publicKey: key.publicKey });
    policyText = policyText.replace(/witness b .*/, `witness b ${vkey} http://b`);
    const reach = network.addCheckpoint.bind(network);
    network.addCheckpoint = (url, body, signal) => {
      if (url !== 'http://b') return reach(url, body, signal);
      const { text } = parseNote(body.slice(body.indexOf('\n\n') + 2));
      const timeSeconds = Math.floor(Date.now() / 1000) - (text.startsWith('test.example/keys') ? 3600 : 0);
      const line = formatSignatureLines([cosign(text, timeSeconds, { name, ...key })]);
      return Promise.resolve({ status: 200, body: Buffer.from(line) });
    };
    const logs = await open();
    const log = logs.get('root');
    const { note } = await log.whenPublished(await append(log, 1));
    expect(cosigners(note)).toEqual(['a.example/witness', 'c.example/witness']);
    network.manners.set('http://c', 'away');
    await append(log, 2);
    await expect.poll(() => log.publicationFailure?.code).toBe('no-quorum');
    network.manners.set('http://c', 'well');
    await log.whenPublished(1);
    network.addCheckpoint = reach;
  });

  test('tiles up to the checkpoint can be read by whoever is asked to cosign it', async () => {
    const logs = await open();
    const log = logs.get('root');
    const seen: (number | undefined)[] = [];
    const reach = network.addCheckpoint.bind(network);
    network.addCheckpoint = async (url, body, signal) => {
      const { origin, treeSize } = parseCheckpoint(parseNote(body.slice(body.indexOf('\n\n') + 2)).text);
      if (origin === log.origin && treeSize > 0)
        seen.push((await log.readBundle({ index: 0, width: treeSize }))?.length);
      return reach(url, body, signal);
    };
    await log.whenPublished(await append(log, 1));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((length) => length !== undefined && length > 0)).toBe(true);
    network.addCheckpoint = reach;
  });
});

describe('start', () => {
  test('cosignatures of an earlier publication are not carried into the next', async () => {
    const logs = await open();
    await logs.get('root').whenPublished(await append(logs.get('root'), 1));
    await close(logs);
    network.manners.set('http://b', 'away');
    const again = await open();
    const { note } = await again.get('root').republish();
    expect(cosigners(note)).toEqual(['a.example/witness', 'c.example/witness']);
  });

  test('with too few witnesses answering: reads are served, nothing is signed, and it goes on by itself', async () => {
    const logs = await open();
    await logs.get('root').whenPublished(await append(logs.get('root'), 1));
    await close(logs);
    network.manners.set('http://a', 'away');
    network.manners.set('http://b', 'away');
    const again = await open();
    const log = again.get('root');
    expect([log.state, log.published.size]).toEqual(['awaiting-witnesses', 1]);
    expect(await refusal(log.append([entry(2)]))).toBe('awaiting-witnesses');
    expect(await refusal(log.republish())).toBe('awaiting-witnesses');
    network.manners.set('http://a', 'well');
    await expect.poll(() => log.state, { timeout: 5000 }).toBe('open');
    await log.whenPublished(await append(log, 2));
  });

  test('on a backup of yesterday is refused, with the checkpoint that shows it', async () => {
    const logs = await open();
    await logs.get('root').whenPublished(await append(logs.get('root'), 1));
    await close(logs);
    const backup = await mkdtemp(join(tmpdir(), 'vitrine-backup-'));
    folders.push(backup);
    await cp(instance.dataDir, backup, { recursive: true });
    const more = await open();
    const { note } = await more.get('root').whenPublished(await append(more.get('root'), 2));
    await close(more);
    await rm(instance.dataDir, { recursive: true });
    await cp(backup, instance.dataDir, { recursive: true });

    const restored = await open();
    const log = restored.get('root');
    expect(log.published.size).toBe(1);
    const error = await log.append([entry('a fork')]).catch((thrown: unknown) => thrown);
    if (!(error instanceof LogError)) throw new Error('it was not refused');
    expect(error.code).toBe('behind-witness');
    expect(error.message).toContain(parseNote(note).text);
    await sleep(1500);
    expect(await refusal(log.append([entry('a fork')]))).toBe('behind-witness');
    expect(await refusal(log.republish())).toBe('behind-witness');
    const held = network.witnesses
      .get('http://a')
      ?.latest(createHash('sha256').update(log.origin).digest('hex'));
    expect(parseCheckpoint(parseNote(held ?? '').text).treeSize).toBe(2);
  });

  test('a witness that shows what this log never signed holds nothing up', async () => {
    const latest = network.latestCheckpoint.bind(network);
    network.latestCheckpoint = (url, originHash, signal) =>
      url === 'http://a'
        ? Promise.resolve({ status: 200, body: Buffer.from('test.example/root\n9\nAAAA\n\n') })
        : latest(url, originHash, signal);
    const logs = await open();
    expect(logs.get('root').state).toBe('open');
    network.latestCheckpoint = latest;
  });
});
