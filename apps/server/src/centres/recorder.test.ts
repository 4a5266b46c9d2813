/** When the writer says in its log that centres have cosigned it: what is new, what is old, and that it never answers itself. */
import { generateKeyPairSync } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { centreStatement, COSIGNED_TYPE, emptyKeysState, parseStatementEnvelope } from '@vitrine/statements';
import type { RootStatement } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { testSigner } from '../../../../packages/statements/test/test-signer.ts';
import { Cosigner } from '../log/checkpoint-signing.ts';
import { ed25519Key } from '../log/ed25519-key.ts';
import { silent } from '../log/engine-logger.ts';
import type { Appended, PublishedCheckpoint } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { ReadModels } from '../projection/schema.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { TestLog } from '../witnessing/test-log.ts';
import { readCosigned } from './cosignatures.ts';
import { centresProjection } from './projection.ts';
import { recordCosignatures } from './recorder.ts';

const KEYS = emptyKeysState('acme.example/keys');
const HOUR = 3_600_000;
const ORIGIN = 'acme.example/statements';
const START = Date.UTC(2026, 0, 1);

const cosigner = (name: string): Cosigner =>
  new Cosigner(name, ed25519Key(generateKeyPairSync('ed25519').privateKey));
const zurich = { witness: cosigner('zurich.example/witness'), mirror: cosigner('zurich.example/mirror') };
const singapore = {
  witness: cosigner('singapore.example/witness'),
  mirror: cosigner('singapore.example/mirror'),
};
const stranger = cosigner('stranger.example/witness');

const centres = { zurich, singapore };
type City = keyof typeof centres;

let read: Kysely<ReadModels>;
beforeEach(() => {
  read = openSqlite<ReadModels>(':memory:');
});
afterEach(() => read.destroy());

/** A root log whose publications the test decides; what is said in it is folded by the real projection. */
class Scene {
  readonly #log = new TestLog(ORIGIN);
  readonly #published: (() => void)[] = [];
  readonly #folded: (() => void)[] = [];
  readonly #projection = centresProjection((size) => Promise.resolve(encodeHex(this.#log.root(size))));
  readonly recorded: { readonly size: number; readonly by: readonly string[] }[] = [];
  shown = this.#note(0, []);
  /** Whether an append fails, and whether what is said counts for nothing. */
  full = false;
  deaf = false;

  static async begin(...cities: readonly City[]): Promise<Scene> {
    const scene = new Scene();
    await read.transaction().execute((tx) => scene.#projection.createTables(tx));
    for (const city of cities) await scene.announce(city);
    scene.start();
    return scene;
  }

  /** As the server does when it starts. */
  start(): void {
    const shown = (): PublishedCheckpoint => this.shown;
    recordCosignatures({
      root: {
        origin: ORIGIN,
        vkey: this.#log.vkey,
        get published() {
          return shown();
        },
        append: (entries) => this.#append(entries),
        onPublished: (listener) => {
          this.#published.push(() => listener(this.shown));
          return () => undefined;
        },
      },
      read,
      onFolded: (listener) => void this.#folded.push(listener),
      signer: testSigner('anchor'),
      logger: silent,
    });
  }

  async announce(city: City, version = 1): Promise<void> {
    const { mirror, witness } = centres[city];
    const name = `${city}.example`;
    const statement = centreStatement({
      centre: { city, country: 'XX', name, operator: name, region: 'Asia', url: `https://${name}` },
      intake: { origin: `${name}/intake`, vkey: new TestLog(`${name}/intake`).vkey },
      log: ORIGIN,
      mirror: mirror.vkey,
      version,
      witness: witness.vkey,
      working: true,
    });
    await this.#fold(statement, START);
    for (const listener of this.#folded) listener();
    await settled();
  }

  /** Publishes what there is, and everything that follows from it, cosigned by these at that time. */
  async publish(atMs: number, cosigners: readonly Cosigner[]): Promise<void> {
    for (let before = -1; before !== this.recorded.length; ) {
      before = this.recorded.length;
      this.#log.grow(1);
      this.shown = this.#note(atMs, cosigners);
      for (const listener of this.#published) listener();
      await settled();
    }
  }

  #note(atMs: number, cosigners: readonly Cosigner[]): PublishedCheckpoint {
    const cosignedAt = Math.floor(atMs / 1000);
    const note = cosigners.reduce((text, by) => by.cosign(text, cosignedAt), this.#log.note());
    return { size: this.#log.size, root: this.#log.root(), note, cosignedAt, companions: {} };
  }

  async #append(entries: readonly Uint8Array[]): Promise<Appended[]> {
    if (this.full) throw new LogError('disk-full', 'the disk is full');
    for (const entry of entries) {
      const { statement } = parseStatementEnvelope(entry);
      if (statement.predicateType !== COSIGNED_TYPE) throw new TypeError(statement.predicateType);
      const cosigned = readCosigned(statement.predicate.checkpoint, ORIGIN);
      this.recorded.push({
        size: cosigned?.size ?? -1,
        by: (cosigned?.note.signatures ?? []).map(({ name }) => name),
      });
      if (!this.deaf) await this.#fold(statement, this.shown.cosignedAt * 1000);
      this.#log.grow(1);
    }
    const at = { leafIndex: this.#log.size - 1, registeredAt: START, duplicate: false };
    return entries.map(() => ({ ...at, leafHash: new Uint8Array(32) }));
  }

  async #fold(statement: RootStatement, registeredAt: number): Promise<void> {
    const told = {
      leafIndex: this.#log.size,
      registeredAt,
      digest: '',
      signers: [],
      statement,
      keys: KEYS,
    };
    this.#log.grow(1);
    await read.transaction().execute(async (tx) => {
      const folded = await this.#projection.fold(tx, told);
      if ('refusal' in folded) throw new Error(folded.refusal);
      for (const fact of folded.facts) await this.#projection.record(tx, fact);
    });
  }
}

/** Until what the recorder does is over: it waits for nothing but turns of the event loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await setImmediate();
}

test('each key once when it is seen first, and never because of its own entry', async () => {
  const scene = await Scene.begin('zurich', 'singapore');
  await scene.publish(START, [stranger]);
  expect(scene.recorded).toEqual([]);
  await scene.publish(START + 1_000, [stranger, zurich.witness]);
  expect(scene.recorded).toEqual([{ size: 4, by: [ORIGIN, 'zurich.example/witness'] }]);
  await scene.publish(START + 2_000, [zurich.witness]);
  expect(scene.recorded).toHaveLength(1);
  await scene.publish(START + 3_000, [zurich.witness, zurich.mirror, singapore.witness]);
  expect(scene.recorded).toHaveLength(2);
  expect(scene.recorded[1]?.by).toEqual([
    ORIGIN,
    'zurich.example/witness',
    'zurich.example/mirror',
    'singapore.example/witness',
  ]);
});

test('again after a day, and then once for all of them', async () => {
  const scene = await Scene.begin('zurich');
  const both = [zurich.witness, zurich.mirror];
  await scene.publish(START, both);
  await scene.publish(START + 24 * HOUR - 1_000, both);
  expect(scene.recorded).toHaveLength(1);
  await scene.publish(START + 24 * HOUR, both);
  expect(scene.recorded).toHaveLength(2);
  scene.start();
  await scene.publish(START + 25 * HOUR, both);
  expect(scene.recorded).toHaveLength(2);
});

test('a renewal at most once an hour', async () => {
  const scene = await Scene.begin('zurich', 'singapore');
  await scene.publish(START, [zurich.witness]);
  await scene.publish(START + 600_000, [singapore.witness]);
  const later = START + 24 * HOUR;
  await scene.publish(later, [zurich.witness]);
  await scene.publish(later + 600_000, [singapore.witness]);
  expect(scene.recorded).toHaveLength(3);
  await scene.publish(later + HOUR, [singapore.witness]);
  expect(scene.recorded).toHaveLength(4);
});

test('what counts for nothing is not repeated, what failed is', async () => {
  const scene = await Scene.begin('zurich');
  scene.full = true;
  await scene.publish(START, [zurich.witness]);
  expect(scene.recorded).toEqual([]);
  scene.full = false;
  scene.deaf = true;
  await scene.publish(START + 1_000, [zurich.witness]);
  await scene.publish(START + 2_000, [zurich.witness]);
  expect(scene.recorded).toHaveLength(1);
});

test('a centre that is announced after it cosigned is seen without another publication', async () => {
  const scene = await Scene.begin();
  await scene.publish(START, [zurich.mirror]);
  expect(scene.recorded).toEqual([]);
  await scene.announce('zurich');
  expect(scene.recorded).toHaveLength(1);
});
