/** Those who cosign: the real witness and the real mirror, each with a disk and a clock of its own; and one that lies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cosign,
  formatSignatureLines,
  formatTreeSizeLine,
  formatVkey,
  parseCheckpoint,
  parseNote,
} from '@vitrine/tlog';
import type { Clock } from '../../apps/server/src/log/clock.ts';
import type { Ed25519Key } from '../../apps/server/src/log/ed25519-key.ts';
import { FollowedFolder } from '../../apps/server/src/storage/log-files/followed-folder.ts';
import { newKey } from '../../apps/server/src/storage/log-files/test-instance.ts';
import { FileWitnessState } from '../../apps/server/src/storage/witness-state/file-witness-state.ts';
import type { CheckpointCosigner, VerifiersOf } from '../../apps/server/src/witnessing/add-checkpoint.ts';
import {
  type Acceptance,
  FollowedLog,
  type Received,
} from '../../apps/server/src/witnessing/followed-log.ts';
import { Follower } from '../../apps/server/src/witnessing/follower.ts';
import { createMirror } from '../../apps/server/src/witnessing/mirror.ts';
import { createWitness, type WitnessOptions } from '../../apps/server/src/witnessing/witness.ts';
import type { WitnessAnswer } from '../../apps/server/src/witnessing/witness-transport.ts';
import { MemoryDisk } from './memory-disk.ts';
import { type Answering, noteOf } from './network.ts';
import type { Random } from './random.ts';
import type { OutsideRecord } from './record.ts';
import { pass, type VirtualTime } from './virtual-time.ts';

/** A wall clock that is wrong by `offsetMs`. */
export class SkewedClock implements Clock {
  offsetMs = 0;
  readonly nowMs = (): number => Date.now() + this.offsetMs;
  readonly monotonicMs = (): number => performance.now();
}

const STATUS: Record<string, number> = {
  malformed: 400,
  'not-signed': 403,
  'unknown-origin': 404,
  inconsistent: 422,
};

export interface World {
  readonly random: Random;
  readonly record: OutsideRecord;
  readonly time: VirtualTime;
  readonly verifiersOf: VerifiersOf;
}

/** One process of a cosigner, from its start until it is killed. */
interface Life {
  readonly options: WitnessOptions;
  readonly isAlive: () => boolean;
}

/** A process that keeps to the protocol, and may be killed at any time. */
export class HonestCosigner implements Answering {
  readonly name: string;
  readonly key: Ed25519Key = newKey();
  readonly disk: MemoryDisk;
  readonly clock = new SkewedClock();
  protected readonly world: World;
  #life = 0;
  #cosigner: CheckpointCosigner | null = null;
  #begun = false;

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
    this.disk = new MemoryDisk(world.random);
  }

  get vkey(): string {
    return formatVkey({ name: this.name, type: 0x04, publicKey: this.key.publicKey });
  }

  get isUp(): boolean {
    return this.#cosigner !== null;
  }

  /** Starts until it succeeds: its disk may have faults. */
  async start(): Promise<void> {
    const life = ++this.#life;
    while (this.#life === life) {
      try {
        const files = this.disk.mount(() => this.#life === life);
        const state = new FileWitnessState({ folder: '/data/witness/state', fileSystem: files });
        if (!this.#begun) await state.create();
        this.#begun = true;
        const { name, key, clock } = this;
        const { verifiersOf } = this.world;
        const cosigner = await this.create({
          options: { name, key, clock, verifiersOf, state },
          isAlive: () => this.#life === life,
        });
        if (this.#life === life) this.#cosigner = cosigner;
        return;
      } catch {
        await pass(1_000);
      }
    }
  }

  kill(power: boolean): void {
    this.#life += 1;
    this.#cosigner = null;
    if (power) this.disk.losePower();
  }

  async addCheckpoint(body: string): Promise<WitnessAnswer> {
    if (this.#cosigner === null) throw new Error('ECONNREFUSED');
    const outcome = await this.#cosigner.addCheckpoint(Buffer.from(body));
    if (outcome.outcome === 'cosigned') {
      this.world.record.cosign(this.name, noteOf(body));
      return { status: 200, body: Buffer.from(outcome.signatureLines) };
    }
    if (outcome.outcome === 'other-size')
      return { status: 409, body: Buffer.from(formatTreeSizeLine(outcome.heldSize)) };
    return { status: STATUS[outcome.outcome] ?? 500, body: Buffer.from(outcome.reason) };
  }

  latestCheckpoint(originHash: string): Promise<WitnessAnswer> {
    if (this.#cosigner === null) return Promise.reject(new Error('ECONNREFUSED'));
    const note = this.#cosigner.latest(originHash);
    return Promise.resolve({ status: note === undefined ? 404 : 200, body: Buffer.from(note ?? '') });
  }

  protected create({ options }: Life): Promise<CheckpointCosigner> {
    return createWitness(options);
  }
}

/** What a mirror follows: the public folder of a log, where its server would be. */
export interface Source {
  readonly name: string;
  readonly vkey: string;
  /** Writes it to a real folder, altered or not. @throws FollowError while it cannot be reached */
  readonly export: (to: string) => void;
  /** Its newest checkpoint. @throws FollowError while it cannot be reached */
  readonly published: () => string;
}

/** The real follower but for HTTP: it reads a folder instead. */
class FolderFollower extends Follower {
  readonly #world: World;
  readonly #source: Source;

  constructor(log: FollowedLog, source: Source, world: World) {
    super({ log, url: 'http://writer.example/' });
    this.#world = world;
    this.#source = source;
  }

  override async pullTo(note: string): Promise<Received> {
    return this.#receive(note, false);
  }

  override async pull(): Promise<Received> {
    return this.#receive(await Promise.resolve().then(this.#source.published), true);
  }

  /** The followed folder removes folders by a call of its own. */
  #receive(note: string, show: boolean): Promise<Received> {
    const { log } = this;
    return this.#world.time.outside(async () => {
      // Of what is held nothing is read.
      if (sizeOf(note) <= log.size)
        return log.receive({ note, show, source: { kind: 'folder', path: '/nowhere' } });
      const folder = mkdtempSync(join(tmpdir(), 'vitrine-simulation-'));
      try {
        this.#source.export(folder);
        return await log.receive({ note, show, source: { kind: 'folder', path: folder } });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
}

export class HonestMirror extends HonestCosigner {
  readonly followers = new Map<string, Follower>();
  readonly #sources: readonly Source[];
  readonly #accept: (note: string) => Acceptance;

  constructor(name: string, world: World, sources: readonly Source[], accept: (note: string) => Acceptance) {
    super(name, world);
    this.#sources = sources;
    this.#accept = accept;
  }

  protected override async create({ options, isAlive }: Life): Promise<CheckpointCosigner> {
    const files = this.disk.mount(isAlive);
    for (const source of this.#sources) {
      const folders = {
        publicFolder: `/data/logs/${source.name}`,
        stateFolder: `/data/follow/${source.name}`,
      };
      const log = await FollowedLog.open({
        name: source.name,
        vkey: source.vkey,
        kind: 'registered',
        store: new FollowedFolder(folders, files),
        keepHistory: true,
        accept: this.#accept,
      });
      this.followers.set(log.origin, new FolderFollower(log, source, this.world));
    }
    return createMirror({
      ...options,
      mirrored: (origin) => {
        const follower = this.followers.get(origin);
        return follower === undefined ? undefined : { follower };
      },
    });
  }
}

function sizeOf(note: string): number {
  return parseCheckpoint(parseNote(note).text).treeSize;
}

/** One that signs anything with any time, or answers nonsense. */
export class LyingCosigner implements Answering {
  readonly name: string;
  readonly key: Ed25519Key = newKey();
  readonly #random: Random;
  readonly #notes: string[] = [];

  constructor(name: string, random: Random) {
    this.name = name;
    this.#random = random;
  }

  get vkey(): string {
    return formatVkey({ name: this.name, type: 0x04, publicKey: this.key.publicKey });
  }

  addCheckpoint(body: string): Promise<WitnessAnswer> {
    const note = noteOf(body);
    this.#notes.push(note);
    const { text } = parseNote(note);
    const nowSeconds = Math.floor(Date.now() / 1000);
    const lie = this.#random.between(0, 9);
    const aheadSeconds = this.#random.pick([0, 30, 59, 60, 600, -60, -3_600]);
    if (lie <= 5) return answer(200, this.#sign(text, nowSeconds + aheadSeconds));
    if (lie === 6) return answer(200, this.#sign(`${text}x\n`, nowSeconds));
    if (lie === 7) return answer(200, `— ${this.name} AAAA\n`);
    if (lie === 8) return answer(409, formatTreeSizeLine(this.#random.between(0, 100)));
    return answer(this.#random.pick([200, 404, 422, 500, 503]), 'nonsense');
  }

  latestCheckpoint(): Promise<WitnessAnswer> {
    const lie = this.#random.between(0, 3);
    if (lie === 0) return answer(404, '');
    if (lie === 1 || this.#notes.length === 0) return answer(200, 'log.example/root\n9\nAAAA\n\n— x y\n');
    if (lie === 2) return answer(500, 'no');
    return answer(200, this.#random.pick(this.#notes));
  }

  #sign(text: string, timeSeconds: number): string {
    const { name, key } = this;
    return formatSignatureLines([
      cosign(text, timeSeconds, { name, publicKey: key.publicKey, sign: key.sign }),
    ]);
  }
}

function answer(status: number, body: string): Promise<WitnessAnswer> {
  return Promise.resolve({ status, body: Buffer.from(body) });
}
