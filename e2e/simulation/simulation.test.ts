/**
 * A writer, its witnesses and a mirror in virtual time: the real engine, stores, pool, witness, mirror and follower on disks in
 * memory and links that the seed bends. Whatever happens, and in whatever order: no acknowledged entry is lost or stands twice,
 * everything that anybody was shown or has cosigned is of one history, every published checkpoint met the quorum, `keys` was
 * never shown older than the root log, and fsck finds the log and its mirror sound.
 *
 * `VITRINE_SEED=17 npx vitest run e2e/simulation` runs one seed alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { requireSoundLog } from '@vitrine/fsck';
import { formatVkey, verifyCheckpoint } from '@vitrine/tlog';
import { afterAll, expect, test } from 'vitest';
import type { Log } from '../../apps/server/src/log/log.ts';
import { LogError } from '../../apps/server/src/log/log-error.ts';
import { FollowError } from '../../apps/server/src/witnessing/follow-error.ts';
import { logVerifiers } from '../../apps/server/src/witnessing/log-verifiers.ts';
import { parseNativePolicy } from '../../apps/server/src/witnessing/native-policy.ts';
import { HonestCosigner, HonestMirror, LyingCosigner, type Source, type World } from './cosigners.ts';
import { type DiskOperation, MemoryDisk } from './memory-disk.ts';
import { type Answering, SimulatedNetwork } from './network.ts';
import { Random } from './random.ts';
import { OutsideRecord } from './record.ts';
import { pass, VirtualTime } from './virtual-time.ts';
import { KEYS, ROOT, specs, Writer } from './writer.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 20 : 1_000;
const ALONE = process.env['VITRINE_SEED'];

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
/** In virtual time: after everything is well again, all that waits has to be published within this. */
const RECOVERY_MS = 3 * HOUR_MS;

const vkeyOf = (name: string): string => {
  const spec = specs.find((each) => each.name === name);
  if (spec === undefined) throw new RangeError(`no log ${name}`);
  return formatVkey({ name: spec.origin, type: 0x01, publicKey: spec.key.publicKey });
};

/** What has to have happened at least once. */
const TO_HAPPEN = [
  'published beside a liar',
  'older backup: behind-witness',
  'writer lost power',
  'cosigner lost power',
  'EIO',
  'ENOSPC',
];

/** What happened over all runs: a simulation in which nothing happens proves nothing. */
const happened = new Map<string, number>();
function note(what: string, times = 1): void {
  happened.set(what, (happened.get(what) ?? 0) + times);
}

class Simulation {
  readonly #random: Random;
  readonly #record: OutsideRecord;
  readonly #policyText: string;
  readonly #witnesses: readonly HonestCosigner[];
  readonly #mirror: HonestMirror | null;
  readonly #hasLiar: boolean;
  readonly #network: SimulatedNetwork;
  readonly #writer: Writer;
  readonly #disk: MemoryDisk;
  readonly #time = new VirtualTime();
  readonly #scratch = mkdtempSync(join(tmpdir(), 'vitrine-simulation-'));
  #isWell = false;
  #isOver = false;
  /** While an older backup runs in its place, nobody but the operator appends. */
  #isRestored = false;
  #underWay: Promise<unknown>[] = [];

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    this.#disk = new MemoryDisk(random);
    this.#hasLiar = seed % 5 < 2;
    const hasMirror = seed % 2 === 0;
    const verifiersOf = logVerifiers([vkeyOf(ROOT), vkeyOf(KEYS)]);
    // The record needs the policy, which needs the keys of those who are given the record.
    let policy = parseNativePolicy('quorum none\n');
    const time = this.#time;
    let record = new OutsideRecord(policy);
    const world: World = {
      random,
      time,
      verifiersOf,
      get record() {
        return record;
      },
    };
    this.#witnesses = ['a', 'b', 'c'].map((name) => new HonestCosigner(`${name}.example/witness`, world));
    const liar = new LyingCosigner('liar.example/witness', random);
    this.#mirror = hasMirror
      ? new HonestMirror('m.example/mirror', world, [this.#source(ROOT), this.#source(KEYS)], (text) => {
          const verdict = verifyCheckpoint(text, policy);
          return verdict.ok
            ? { ok: true, cosignedAt: verdict.timeSeconds ?? 0 }
            : { ok: false, reason: verdict.reason };
        })
      : null;
    const peers = new Map<string, Answering>(this.#witnesses.map((each) => [urlOf(each.name), each]));
    if (this.#hasLiar) peers.set(urlOf(liar.name), liar);
    if (this.#mirror !== null) peers.set(urlOf(this.#mirror.name), this.#mirror);
    const lines = [
      `log ${vkeyOf(ROOT)}`,
      `log ${vkeyOf(KEYS)}`,
      ...[
        ...this.#witnesses,
        ...(this.#hasLiar ? [liar] : []),
        ...(this.#mirror === null ? [] : [this.#mirror]),
      ].map(({ name, vkey }) => `witness ${name} ${vkey} ${urlOf(name)}`),
      // Two quorums share an honest witness.
      this.#hasLiar
        ? `group witnesses 3 ${[...this.#witnesses, liar].map(({ name }) => name).join(' ')}`
        : `group witnesses 2 ${this.#witnesses.map(({ name }) => name).join(' ')}`,
      ...(this.#mirror === null
        ? ['quorum witnesses']
        : [`group both 2 witnesses ${this.#mirror.name}`, 'quorum both']),
    ];
    this.#policyText = `${lines.join('\n')}\n`;
    policy = parseNativePolicy(this.#policyText);
    record = new OutsideRecord(policy);
    this.#record = record;
    this.#network = new SimulatedNetwork(peers, random, record);
    this.#writer = new Writer({ world, network: this.#network, policy, scratch: this.#scratch });
  }

  async run(): Promise<void> {
    try {
      await this.#time.run(START_MS, async () => {
        await this.#begin();
        const lengthMs = this.#random.pick([10_000, 30_000, 120_000, HOUR_MS]);
        const appending = [ROOT, ROOT, KEYS].map((log, i) => this.#append(log, `${log}${i}`, lengthMs));
        const following = this.#follow(Math.max(5_000, lengthMs / 40));
        await this.#trouble(lengthMs);
        await this.#heal();
        this.#isWell = true;
        await Promise.all(appending);
        await this.#recovered();
        this.#isOver = true;
        await following;
        for (const name of [ROOT, KEYS]) await this.#record.check(this.#log(name));
        await this.#writer.stop();
        await this.#writer.ended();
      });
      await this.#checkFolders();
      note('published checkpoints', this.#record.published);
      if (this.#hasLiar) note('published beside a liar', this.#record.published);
      note('cosigned by honest witnesses', this.#record.cosigned);
      note('acknowledged entries', this.#record.acknowledged(ROOT) + this.#record.acknowledged(KEYS));
    } finally {
      rmSync(this.#scratch, { recursive: true, force: true });
    }
  }

  get #honest(): readonly HonestCosigner[] {
    return this.#mirror === null ? this.#witnesses : [...this.#witnesses, this.#mirror];
  }

  async #begin(): Promise<void> {
    await this.#writer.create(this.#disk);
    this.#disk.onRename = (to, bytes) => {
      if (basename(to) === 'checkpoint') this.#record.publish(Buffer.from(bytes).toString('utf8'));
    };
    for (const each of this.#honest) await each.start();
    await this.#writer.start(this.#disk);
  }

  /** Until each of its entries is acknowledged: who gets no answer sends it again. */
  async #append(log: string, prefix: string, lengthMs: number): Promise<void> {
    const total = this.#random.between(3, 30);
    for (let next = 0; next < total; ) {
      await pass(this.#random.between(0, lengthMs / total));
      const count = Math.min(total - next, this.#random.between(1, 5));
      const from = Math.max(0, next - (this.#random.chance(0.2) ? 2 : 0));
      const entries = Array.from({ length: next + count - from }, (_, i) =>
        Buffer.from(`${prefix}.${from + i}`),
      );
      while (!(await this.#acknowledged(log, entries))) await pass(this.#random.between(200, 3_000));
      next += count;
    }
  }

  async #acknowledged(log: string, entries: readonly Uint8Array[]): Promise<boolean> {
    const open = this.#isRestored ? null : this.#writer.log(log);
    if (open === null) return false;
    try {
      this.#record.acknowledge(log, entries, await open.append(entries));
      return true;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      note(`append refused: ${error.code}`);
      return false;
    }
  }

  /** The mirror looks for what is published, as a follower does. */
  async #follow(mostMs: number): Promise<void> {
    while (!this.#isOver) {
      await pass(this.#random.between(1_000, this.#isWell ? 2_000 : mostMs));
      if (this.#mirror?.isUp !== true) continue;
      for (const follower of this.#mirror.followers.values()) await follower.pull().catch(requireExpected);
    }
  }

  async #trouble(lengthMs: number): Promise<void> {
    const count = this.#random.between(2, 14);
    const kinds: readonly (() => unknown)[] = [
      () => this.#cutLink(lengthMs),
      () => this.#cutLink(lengthMs),
      () => this.#cutAll(lengthMs),
      () => this.#badLink(),
      () => this.#killCosigner(lengthMs),
      () => this.#killWriter(lengthMs),
      () => this.#killWriter(lengthMs),
      () => this.#restartWriter(),
      () => this.#spoilClock(),
      () => this.#spoilDisk(),
      () => this.#spoilDisk(),
      () => this.#restoreBackup(),
      () => this.#restoreBackup(),
    ];
    for (let i = 0; i < count; i++) {
      await pass(this.#random.between(0, (2 * lengthMs) / count));
      await this.#random.pick(kinds)();
    }
  }

  #cutLink(lengthMs: number): void {
    note('link cut');
    const link = this.#network.links.get(this.#random.pick([...this.#network.links.keys()]));
    if (link === undefined) return;
    link.state = this.#random.pick(['cut', 'silent'] as const);
    this.#later(this.#random.between(500, lengthMs / 2), () => {
      link.state = 'up';
    });
  }

  #cutAll(lengthMs: number): void {
    note('all links cut');
    const links = [...this.#network.links.values()];
    for (const link of links) link.state = this.#random.pick(['cut', 'silent'] as const);
    this.#later(this.#random.between(500, lengthMs / 4), () => {
      for (const link of links) link.state = 'up';
    });
  }

  #badLink(): void {
    note('slow and lossy link');
    const link = this.#network.links.get(this.#random.pick([...this.#network.links.keys()]));
    if (link === undefined) return;
    link.delayMs = this.#random.pick([50, 500, 4_000, 20_000]);
    link.losesAnswers = this.#random.pick([0, 0.3, 0.8]);
    link.repeats = this.#random.pick([0, 0.5, 1]);
  }

  #killCosigner(lengthMs: number): void {
    const cosigner = this.#random.pick(this.#honest);
    if (!cosigner.isUp) return;
    const power = this.#random.chance(0.5);
    note(power ? 'cosigner lost power' : 'cosigner killed');
    cosigner.kill(power);
    this.#later(this.#random.between(100, Math.min(lengthMs, HOUR_MS)), () => {
      if (!cosigner.isUp) this.#start(() => cosigner.start());
    });
  }

  async #killWriter(lengthMs: number): Promise<void> {
    if (!this.#writer.isUp) return;
    const power = this.#random.chance(0.6);
    note(power ? 'writer lost power' : 'writer killed');
    this.#writer.kill();
    if (power) this.#disk.losePower();
    await pass(this.#random.between(0, lengthMs / 10));
    this.#start(() => this.#writer.start(this.#disk));
  }

  async #restartWriter(): Promise<void> {
    if (!this.#writer.isUp) return;
    note('writer restarted');
    await this.#writer.stop();
    this.#start(() => this.#writer.start(this.#disk));
  }

  #spoilClock(): void {
    note('clock set wrong');
    const clock = this.#random.pick([this.#writer.clock, ...this.#honest.map((each) => each.clock)]);
    clock.offsetMs = this.#random.pick([
      -600_000, -61_000, -30_000, -1_000, 1_000, 30_000, 59_000, 61_000, 600_000,
    ]);
    if (this.#random.chance(0.7))
      this.#later(this.#random.between(1_000, 300_000), () => {
        clock.offsetMs = 0;
      });
  }

  #spoilDisk(): void {
    note('disk fault');
    const disk = this.#random.pick([this.#disk, this.#disk, ...this.#honest.map((each) => each.disk)]);
    const operation = this.#random.pick<DiskOperation>([
      'write',
      'datasync',
      'writeNew',
      'rename',
      'syncDirectory',
    ]);
    const kind = this.#random.pick(['ENOSPC', 'EIO'] as const);
    let times = this.#random.between(1, 20);
    disk.fault = (asked) => {
      if (asked !== operation || times <= 0) return null;
      times -= 1;
      note(kind);
      return kind;
    };
  }

  /** Yesterday's data in the place of today's: the writer has to refuse, since it would fork. */
  async #restoreBackup(): Promise<void> {
    const before = await this.#pause();
    if (before === null) return;
    const backup = this.#disk.backup();
    const { size } = before;
    this.#isRestored = false;
    await pass(this.#random.between(1_000, 60_000));
    const log = await this.#pause();
    // Of what nobody else has cosigned nobody can know.
    if (log === null || log.published.size <= size) {
      this.#isRestored = false;
      return;
    }
    note('older backup restored');
    const { note: newest } = log.published;
    if (this.#hasLiar) await this.#heal();
    this.#writer.kill();
    backup.onRename = (to) => {
      if (basename(to) === 'checkpoint') this.#record.violations.push(`an older backup has published ${to}`);
    };
    await this.#writer.start(backup);
    for (let i = this.#random.between(1, 20); i > 0; i--) {
      const restored = this.#log(ROOT);
      const refusal: unknown = await restored.append([Buffer.from('a fork')]).then(
        () => new Error(`an older backup of size ${restored.size} has taken an entry beside\n${newest}`),
        (error: unknown) => error,
      );
      if (!(refusal instanceof LogError)) throw refusal;
      note(`older backup: ${refusal.code}`);
      await pass(this.#random.between(100, 5_000));
    }
    this.#writer.kill();
    await this.#writer.start(this.#disk);
    this.#isRestored = false;
  }

  /** From now on nobody appends, and what was sent has been answered. @returns the root log, if it is there */
  async #pause(): Promise<Log | null> {
    this.#isRestored = true;
    await pass(50);
    const log = this.#writer.log(ROOT);
    if (log === null) this.#isRestored = false;
    return log;
  }

  #start(begin: () => Promise<void>): void {
    this.#underWay.push(begin());
  }

  /** A log as its readers reach it: through a link that may be cut, and that may alter what passes. */
  #source(name: string): Source {
    const reach = (): { readonly log: Log; readonly alters: boolean } => {
      const link = this.#mirror === null ? undefined : this.#network.links.get(urlOf(this.#mirror.name));
      const log = this.#writer.log(name);
      if (log === null || link?.state !== 'up') throw new FollowError('unreachable', 'ECONNREFUSED');
      return { log, alters: link.losesAnswers > 0 && this.#random.chance(0.3) };
    };
    return {
      name,
      vkey: vkeyOf(name),
      published: () => reach().log.published.note,
      export: (to) => {
        const { alters } = reach();
        this.#disk.export(`/data/logs/${name}`, to, (path, bytes) => {
          if (!alters || !path.startsWith('tile/') || !this.#random.chance(0.5)) return bytes;
          note('tile altered in flight');
          const altered = Buffer.from(bytes);
          const at = this.#random.between(0, altered.length - 1);
          altered[at] = (altered[at] ?? 0) ^ 1;
          return altered;
        });
      },
    };
  }

  #later(ms: number, then: () => void): void {
    void pass(ms).then(() => {
      if (!this.#isOver) then();
    });
  }

  async #heal(): Promise<void> {
    this.#network.heal();
    for (const { disk, clock } of [...this.#honest, { disk: this.#disk, clock: this.#writer.clock }]) {
      disk.fault = () => null;
      clock.offsetMs = 0;
    }
    for (const each of this.#honest) if (!each.isUp) this.#start(() => each.start());
    await Promise.all(this.#underWay);
    if (!this.#writer.isUp) await this.#writer.start(this.#disk);
  }

  /** Everything that waits is published, and everybody holds it. */
  async #recovered(): Promise<void> {
    const deadline = Date.now() + RECOVERY_MS;
    for (;;) {
      const logs = [ROOT, KEYS].map((name) => this.#log(name));
      const followed = [...(this.#mirror?.followers.values() ?? [])].map(({ log }) => log);
      const behind = logs.filter((log) => log.published.size < log.size);
      const unfollowed = followed.filter(
        (log) =>
          !log.isPublished || log.published.size !== logs.find(({ origin }) => origin === log.origin)?.size,
      );
      if (behind.length === 0 && unfollowed.length === 0) return;
      if (Date.now() > deadline)
        throw new Error(
          `not well after ${RECOVERY_MS} ms: ${[
            ...behind.map(
              (log) =>
                `${log.name} ${log.published.size}/${log.size} ${log.state} ${String(log.publicationFailure)}`,
            ),
            ...unfollowed.map(
              (log) => `mirror of ${log.name} ${log.isPublished ? log.published.size : 'nothing'}`,
            ),
          ].join('; ')}`,
        );
      await pass(1_000);
    }
  }

  async #checkFolders(): Promise<void> {
    for (const name of [ROOT, KEYS]) {
      for (const [disk, who] of [
        [this.#disk, 'writer'],
        ...(this.#mirror === null ? [] : [[this.#mirror.disk, 'mirror'] as const]),
      ] as const) {
        const folder = join(this.#scratch, who, name);
        disk.export(`/data/logs/${name}`, folder);
        await requireSoundLog({ source: folder, vkey: vkeyOf(name), workers: 1 });
      }
    }
  }

  #log(name: string): Log {
    const log = this.#writer.log(name);
    if (log === null) throw new Error('the writer is down');
    return log;
  }
}

function urlOf(name: string): string {
  return `http://${name}`;
}

/** A follower may fail by what happens to disk and links, never by what the log is. */
function requireExpected(error: unknown): void {
  if (error instanceof FollowError && (error.code === 'fork' || error.code === 'bad-checkpoint')) throw error;
  const code = error instanceof FollowError || error instanceof LogError ? error.code : 'failed';
  note(`pull: ${code}`);
}

const seeds = ALONE === undefined ? Array.from({ length: RUNS }, (_, i) => i + 1) : [Number(ALONE)];

test.for(seeds)('seed %i', async (seed) => {
  try {
    await new Simulation(seed).run();
  } catch (cause) {
    throw new Error(`seed ${seed} failed; alone: VITRINE_SEED=${seed} npx vitest run e2e/simulation`, {
      cause,
    });
  }
});

afterAll(() => {
  process.stdout.write(
    `${seeds.length} runs: ${[...happened]
      .toSorted()
      .map(([what, times]) => `${what} ${times}`)
      .join(', ')}\n`,
  );
  if (ALONE !== undefined) return;
  for (const what of TO_HAPPEN) expect(happened.get(what) ?? 0, what).toBeGreaterThan(0);
});
