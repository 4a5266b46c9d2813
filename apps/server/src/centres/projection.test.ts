/** What counts of announcements and cosignatures: only what verifies, under the keys that were announced, of this very log. */
import { generateKeyPairSync } from 'node:crypto';
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SeenCentre } from '@vitrine/api';
import { centreStatement, cosignedStatement, emptyKeysState } from '@vitrine/statements';
import type { CentrePredicate, RootStatement } from '@vitrine/statements';
import { encodeHex, formatVkey, parseVkey } from '@vitrine/tlog';
import { Cosigner } from '../log/checkpoint-signing.ts';
import { ed25519Key } from '../log/ed25519-key.ts';
import type { ReadModels } from '../projection/schema.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { TestLog } from '../witnessing/test-log.ts';
import { centresProjection } from './projection.ts';
import { listCentres } from './queries.ts';

const ORIGIN = 'acme.example/statements';
const NAME = 'zurich.example';
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 10, 12);

const cosigner = (name: string): Cosigner =>
  new Cosigner(name, ed25519Key(generateKeyPairSync('ed25519').privateKey));
const witness = cosigner(`${NAME}/witness`);
const mirror = cosigner(`${NAME}/mirror`);
const intake = new TestLog(`${NAME}/intake`);
/** Another key under the name of the witness. */
const impostor = cosigner(`${NAME}/witness`);

let read: Kysely<ReadModels>;
let log: TestLog;
let leafIndex: number;
const projection = centresProjection((size) => Promise.resolve(encodeHex(log.root(size))));

beforeEach(async () => {
  read = openSqlite<ReadModels>(':memory:');
  log = new TestLog(ORIGIN).grow(20);
  leafIndex = 20;
  await read.transaction().execute((tx) => projection.createTables(tx));
});
afterEach(() => read.destroy());

const ZURICH: CentrePredicate['centre'] = {
  city: 'Zurich',
  country: 'CH',
  name: NAME,
  operator: 'ETH',
  region: 'Europe',
  url: `https://${NAME}`,
};

function announcement(more: Partial<CentrePredicate> = {}): RootStatement {
  return centreStatement({
    centre: ZURICH,
    intake: { origin: intake.origin, vkey: intake.vkey },
    log: ORIGIN,
    mirror: mirror.vkey,
    version: 1,
    witness: witness.vkey,
    working: true,
    ...more,
  });
}

interface Cosigned {
  readonly by: readonly Cosigner[];
  readonly atMs?: number;
  readonly of?: TestLog;
  readonly size?: number;
}

function cosigned({ by, atMs = START_MS, of = log, size = 10 }: Cosigned): RootStatement {
  const checkpoint = by.reduce((note, one) => one.cosign(note, Math.floor(atMs / 1000)), of.note(size));
  return cosignedStatement({ checkpoint, log: ORIGIN }, encodeHex(of.root(size)));
}

/** Folds one statement and records its facts. @returns why it counts for nothing, null when it counts */
function fold(statement: RootStatement, registeredAt = START_MS): Promise<string | null> {
  return read.transaction().execute(async (tx) => {
    const folded = await projection.fold(tx, {
      leafIndex: leafIndex++,
      registeredAt,
      digest: '',
      signers: [],
      statement,
      keys: emptyKeysState('acme.example/keys'),
    });
    if ('refusal' in folded) return folded.refusal;
    for (const fact of folded.facts) await projection.record(tx, fact);
    return null;
  });
}

async function shown(asOfMs = START_MS, note = log.note(), seen: readonly SeenCentre[] = []) {
  const [centre] = await listCentres(read, 'washington.example', { origin: ORIGIN, note, asOfMs }, seen);
  return centre;
}

describe('cosignatures', () => {
  beforeEach(async () => {
    expect(await fold(announcement(), START_MS - 72 * HOUR_MS)).toBeNull();
  });

  test('count for the key that made them, with the size and the time', async () => {
    expect(await fold(cosigned({ by: [witness], atMs: START_MS - HOUR_MS }))).toBeNull();
    expect(await shown()).toMatchObject({
      name: NAME,
      self: false,
      working: true,
      leafIndex: 20,
      announcedAt: START_MS - 72 * HOUR_MS,
      lastCosigned: { witness: { size: 10, atMs: START_MS - HOUR_MS }, mirror: null },
      days: [
        { day: '2026-01-07', cosigned: false },
        { day: '2026-01-08', cosigned: false },
        { day: '2026-01-09', cosigned: false },
        { day: '2026-01-10', cosigned: true },
      ],
    });
  });

  test('by another key under the same name count for nothing', async () => {
    expect(await fold(cosigned({ by: [impostor] }))).toBeNull();
    expect((await shown())?.lastCosigned).toEqual({ witness: null, mirror: null });
  });

  test('of another history are refused, and so are of another log and of the future', async () => {
    const fork = log.fork(5).grow(15, 'other');
    expect(await fold(cosigned({ by: [witness], of: fork }))).toContain('another root at 10 entries');
    const stranger = new TestLog('other.example/statements').grow(20);
    expect(await fold(cosigned({ by: [witness], of: stranger }))).toContain('no checkpoint of this log');
    log.grow(30);
    expect(await fold(cosigned({ by: [witness], size: 40 }))).toContain('entries that come after it');
    expect((await shown())?.lastCosigned.witness).toBeNull();
  });

  test('under a subject that is not their checkpoint’s root are refused', async () => {
    const checkpoint = witness.cosign(log.note(10), START_MS / 1000);
    const statement = cosignedStatement({ checkpoint, log: ORIGIN }, encodeHex(log.root(9)));
    expect(await fold(statement)).toContain('its subject is not the root');
  });

  test('that are no note at all are refused', async () => {
    const statement = cosignedStatement({ checkpoint: 'x', log: ORIGIN }, encodeHex(log.root(10)));
    expect(await fold(statement)).toContain('no checkpoint of this log');
  });

  test('dated ahead of the log count from when the log has them', async () => {
    await fold(cosigned({ by: [mirror], atMs: START_MS + 1000 * HOUR_MS }));
    expect((await shown())?.lastCosigned.mirror).toEqual({ size: 10, atMs: START_MS });
  });

  test('on the published checkpoint are newer than those in the log', async () => {
    await fold(cosigned({ by: [witness, mirror] }));
    const laterMs = START_MS + 5 * HOUR_MS;
    const note = impostor.cosign(mirror.cosign(log.note(20), laterMs / 1000), laterMs / 1000);
    expect((await shown(laterMs, note))?.lastCosigned).toEqual({
      witness: { size: 10, atMs: START_MS },
      mirror: { size: 20, atMs: laterMs },
    });
  });
});

describe('announcements', () => {
  test('the highest version holds, and an older one appended again changes nothing', async () => {
    await fold(announcement());
    const moved = {
      city: 'Bern',
      country: 'CH',
      name: NAME,
      operator: 'ETH',
      region: 'Europe',
      url: 'https://b.example',
    };
    expect(await fold(announcement({ version: 3, centre: { ...moved, region: 'Europe' } }))).toBeNull();
    expect(await fold(announcement({ version: 2 }))).toContain('announcement 3 is in force');
    expect(await fold(announcement({ version: 3 }))).toContain('announcement 3');
    expect(await shown()).toMatchObject({ city: 'Bern', leafIndex: 21 });
  });

  test('with a key of another centre, in whatever role and under whatever name, count for nothing', async () => {
    await fold(announcement());
    const name = 'geneva.example';
    const own = {
      witness: cosigner(`${name}/witness`).vkey,
      mirror: cosigner(`${name}/mirror`).vkey,
      intake: new TestLog(`${name}/intake`).vkey,
    };
    const centre = { ...ZURICH, name, url: `https://${name}` };
    const taken = [witness.vkey, mirror.vkey, intake.vkey].map((vkey) => parseVkey(vkey).publicKey);
    const roles = ['witness', 'mirror', 'intake'] as const;
    for (const role of roles)
      for (const [at, publicKey] of taken.entries()) {
        const stolen = formatVkey({ name: `${name}/${role}`, type: role === 'intake' ? 1 : 4, publicKey });
        const keys = { ...own, [role]: stolen };
        const refusal = await fold(
          announcement({
            centre,
            witness: keys.witness,
            mirror: keys.mirror,
            intake: { origin: `${name}/intake`, vkey: keys.intake },
          }),
        );
        expect(refusal).toBe(
          `its ${role} key is the ${roles[at] ?? ''} key of ${NAME}: a key speaks for one centre in one role`,
        );
      }
    expect(await read.selectFrom('centres').select('name').execute()).toEqual([{ name: NAME }]);
    // A centre that has closed keeps its keys; and each may change its own.
    expect(await fold(announcement({ version: 2, working: false }))).toBeNull();
    expect(
      await fold(
        announcement({
          centre,
          ...own,
          mirror: mirror.vkey,
          intake: { origin: `${name}/intake`, vkey: own.intake },
        }),
      ),
    ).toContain(`key of ${NAME}`);
    expect(
      await fold(announcement({ centre, ...own, intake: { origin: `${name}/intake`, vkey: own.intake } })),
    ).toBeNull();
    expect(await fold(announcement({ version: 3, witness: mirror.vkey, mirror: impostor.vkey }))).toBeNull();
  });

  test('of one that has closed end what it cosigns', async () => {
    await fold(announcement());
    await fold(cosigned({ by: [witness] }));
    await fold(announcement({ version: 2, working: false }));
    await fold(cosigned({ by: [witness], atMs: START_MS + HOUR_MS }), START_MS + HOUR_MS);
    expect(await shown(START_MS + HOUR_MS)).toMatchObject({
      working: false,
      lastCosigned: { witness: { size: 10, atMs: START_MS } },
    });
  });
});

test('what was seen of a centre stands beside what the log says of it, found by its address', async () => {
  expect(await fold(announcement())).toBeNull();
  expect(await shown()).toMatchObject({ seen: null });
  const seen = {
    answeredAtMs: START_MS,
    unreachableSinceMs: null,
    verified: [{ origin: ORIGIN, size: 9, checkpointAtMs: START_MS - 5, atMs: START_MS, staleSinceMs: null }],
    otherView: null,
  };
  const elsewhere = { ...seen, name: NAME, url: 'https://elsewhere.example' };
  expect(await shown(START_MS, log.note(), [elsewhere])).toMatchObject({ seen: null });
  const there = { ...seen, name: 'as the operator calls it', url: `https://${NAME}` };
  expect((await shown(START_MS, log.note(), [elsewhere, there]))?.seen).toEqual(seen);
});
