import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { centreStatement, cosignedStatement } from '@vitrine/statements';
import {
  cosign,
  type Ed25519Key,
  encodeHex,
  formatCheckpoint,
  formatNote,
  formatVkey,
  hashLeaf,
} from '@vitrine/tlog';
import { describe, expect, test } from 'vitest';
import { LOG, ms, Teller, VENDOR_KEY } from '../test/told.ts';
import {
  advanceCentres,
  type Centres,
  centreEnd,
  cosignedTreeSize,
  cosigningDocuments,
} from './centre-cosigning.ts';

const NAME = 'singapore.example';
const root = hashLeaf(new Uint8Array([1]));

function key(name: string): Ed25519Key {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const secret = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return {
    name,
    publicKey: new Uint8Array(raw),
    sign: (message) => new Uint8Array(sign(null, message, secret)),
  };
}

const keysOf = (name: string) => ({
  witness: key(`${name}/witness`),
  mirror: key(`${name}/mirror`),
  intake: key(`${name}/intake`),
});

const own = keysOf(NAME);
const { witness, mirror } = own;

const announce = (version: number, working = true, name = NAME, { witness, mirror, intake } = own) =>
  centreStatement({
    centre: {
      city: 'Singapore',
      country: 'SG',
      name,
      operator: 'merlion',
      region: 'Asia',
      url: 'https://singapore.example',
    },
    intake: { origin: intake.name, vkey: formatVkey({ ...intake, type: 0x01 }) },
    log: LOG,
    mirror: formatVkey({ ...mirror, type: 0x04 }),
    version,
    witness: formatVkey({ ...witness, type: 0x04 }),
    working,
  });

const cosigned = (keys: readonly Ed25519Key[], at: string, origin = LOG) => {
  const text = formatCheckpoint({ origin, treeSize: 1, root, extensions: [] });
  const signatures = keys.map((one) => cosign(text, ms(at) / 1000, one));
  return cosignedStatement({ checkpoint: formatNote({ text, signatures }), log: LOG }, encodeHex(root));
};

describe('a centre that is cosigning', () => {
  const teller = new Teller();
  const announced = teller.at('2026-01-01', announce(1));
  const centres = advanceCentres(new Map(), announced);

  test('is shown by each of its keys whose cosignature stands in a checkpoint of this log', () => {
    const statement = cosigned([witness, mirror], '2026-01-02');
    expect(cosignedTreeSize(statement)).toBe(1);
    const documents = cosigningDocuments(teller.at('2026-01-02', statement), centres, root);
    expect(documents.map(({ data, expiresAtMs }) => [data['kind'], data['region'], expiresAtMs])).toEqual([
      ['witness', 'Asia', ms('2026-01-04')],
      ['mirror', 'Asia', ms('2026-01-04')],
    ]);
    expect(documents.every(({ by }) => !by.vendor && by.keyids[0] !== VENDOR_KEY)).toBe(true);
  });

  test('is the vendor’s when who runs it also runs the centre that bears the name of the instance', () => {
    const both = advanceCentres(
      centres,
      teller.at('2026-01-01', announce(1, true, 'acme.example', keysOf('acme.example'))),
    );
    const told = teller.at('2026-01-02', cosigned([mirror], '2026-01-02'));
    expect(cosigningDocuments(told, both, root).map(({ by }) => by.vendor)).toEqual([true]);
  });

  test('is not shown by a cosignature that does not verify, of another log, of another root', () => {
    const forged = cosigned([{ ...witness, sign: (message) => mirror.sign(message) }], '2026-01-02');
    expect(cosigningDocuments(teller.at('2026-01-02', forged), centres, root)).toEqual([]);
    const elsewhere = cosigned([witness], '2026-01-02', 'other.example/statements');
    expect(cosignedTreeSize(elsewhere)).toBeUndefined();
    expect(cosigningDocuments(teller.at('2026-01-02', elsewhere), centres, root)).toEqual([]);
    const other = hashLeaf(new Uint8Array([2]));
    expect(
      cosigningDocuments(teller.at('2026-01-02', cosigned([witness], '2026-01-02')), centres, other),
    ).toEqual([]);
  });

  test('is not kept at work by a cosignature that it gave long ago', () => {
    const old = cosigned([witness], '2026-01-02');
    const expiry = (at: string) =>
      cosigningDocuments(teller.at(at, old), centres, root).map(({ expiresAtMs }) => expiresAtMs);
    expect(expiry('2026-01-03')).toEqual([ms('2026-01-04')]);
    expect(expiry('2026-01-04')).toEqual([]);
  });

  test('is none before it is announced, nor once it has closed; an older announcement changes nothing', () => {
    const statement = cosigned([witness], '2026-01-02');
    expect(cosigningDocuments(teller.at('2026-01-02', statement), new Map(), root)).toEqual([]);
    const told = teller.at('2026-01-02', announce(2, false));
    const closed: Centres = advanceCentres(centres, told);
    expect(centreEnd(centres, closed, told)).toMatchObject({
      name: `centre ${NAME}`,
      atMs: ms('2026-01-02'),
    });
    expect(centreEnd(centres, centres, told)).toBeUndefined();
    expect(cosigningDocuments(teller.at('2026-01-02', statement), closed, root)).toEqual([]);
    expect(advanceCentres(closed, announced)).toBe(closed);
  });

  test('is not shown twice by a key that a second centre claims', () => {
    const name = 'zurich.example';
    const others = { ...keysOf(name), mirror: { ...witness, name: `${name}/mirror` } };
    const told = teller.at('2026-01-02', announce(1, true, name, others));
    expect(advanceCentres(centres, told)).toBe(centres);
    const free = teller.at('2026-01-02', announce(1, true, name, keysOf(name)));
    expect([...advanceCentres(centres, free).keys()]).toEqual([NAME, name]);
  });
});
