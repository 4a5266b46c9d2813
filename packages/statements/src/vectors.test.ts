import { createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, decodeHex } from '@vitrine/tlog';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { admissionCases, envelopeCases, JSON_CASES, keysLogCases } from '../test/statement-cases.ts';
import { VECTORS, vectorFiles } from '../test/vector-files.ts';
import {
  admit,
  admitEnvelope,
  foldKeys,
  formatCanonicalJson,
  formatEnvelope,
  parseCanonicalJson,
  parseLeaf,
  parseSpki,
  parseStatementEnvelope,
  preAuthEncoding,
  StatementError,
  verifyEd25519,
} from './index.ts';

function readVectors<Schema extends v.GenericSchema>(path: string, schema: Schema): v.InferOutput<Schema> {
  const text = readFileSync(resolve(import.meta.dirname, '../../../vectors', path), 'utf8');
  return v.parse(schema, JSON.parse(text));
}

function codeOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof StatementError) return error.code;
    throw error;
  }
}

const limits = { maxBytes: 100_000 };

const envelopes = await envelopeCases();
const keysLogs = await keysLogCases();
const admissions = await admissionCases();

describe('ours', () => {
  test('vectors/statements/ holds exactly the cases of this test', async () => {
    const written = new Map(
      readdirSync(VECTORS).map((name) => [name, readFileSync(resolve(VECTORS, name), 'utf8')]),
    );
    expect(written).toEqual(await vectorFiles());
  });

  test.each(JSON_CASES.map((each) => [each.name, each] as const))('JSON: %s', (_name, { code, json }) => {
    const bytes = utf8ToBytes(json);
    expect(codeOf(() => parseCanonicalJson(bytes, limits))).toBe(code);
    if (code === null) expect(formatCanonicalJson(parseCanonicalJson(bytes, limits))).toEqual(bytes);
  });

  test.each(envelopes.map((each) => [each.name, each] as const))(
    'envelope: %s',
    (_name, { code, envelope }) => {
      const bytes = utf8ToBytes(envelope);
      expect(codeOf(() => parseStatementEnvelope(bytes))).toBe(code);
      if (code === null) expect(formatEnvelope(parseStatementEnvelope(bytes).envelope)).toEqual(bytes);
    },
  );

  test.each(keysLogs.map((each) => [each.name, each] as const))('keys log: %s', (_name, each) => {
    const { entries, state } = foldKeys(each.origin, each.leaves.map(decodeBase64));
    expect(entries.map((entry) => (entry.counts ? null : entry.code))).toEqual(each.codes);
    expect(state.unsound === undefined).toBe(each.sound);
    expect(state.size).toBe(each.leaves.length);
  });

  test.each(admissions.map((each) => [each.name, each] as const))('admission: %s', (_name, each) => {
    const { state } = foldKeys('acme.example/keys', each.keysLeaves.map(decodeBase64));
    const { leafIndex, origin } = each;
    const leaf = decodeBase64(each.leaf);
    const admission = admit(state, { origin, leafIndex, leaf });
    expect(admission.admitted ? null : admission.code).toBe(each.code);
    const { envelope, registeredAtMs: atMs } = parseLeaf(leaf);
    const atTheDoor = admitEnvelope(state, { origin, atMs, envelope });
    // The door does not know the index: a key that is known to be compromised counts nowhere.
    const expected = each.name === 'compromised, below' ? 'threshold-not-met' : each.code;
    expect(atTheDoor.admitted ? null : atTheDoor.code).toBe(expected);
  });
});

describe('RFC 8785 (cyberphone/json-canonicalization)', () => {
  const cases = readVectors(
    'json-canonicalization/jcs.json',
    v.array(v.object({ name: v.string(), input: v.string(), output: v.string() })),
  );

  test.each(cases.map((each) => [each.name, each] as const))('%s', (name, { input, output }) => {
    const value = JSON.parse(input) as Parameters<typeof formatCanonicalJson>[0];
    // It holds fractions, which are not in our subset.
    if (name === 'values') {
      expect(() => formatCanonicalJson(value)).toThrow(RangeError);
      return;
    }
    expect(formatCanonicalJson(value)).toEqual(utf8ToBytes(output));
    expect(parseCanonicalJson(utf8ToBytes(output), limits)).toEqual(value);
    expect(codeOf(() => parseCanonicalJson(utf8ToBytes(input), limits))).toBe('not-canonical-json');
  });
});

describe('DSSE (secure-systems-lab/dsse, protocol.md)', () => {
  const vector = readVectors(
    'dsse/protocol.json',
    v.object({
      payload: v.string(),
      payloadType: v.string(),
      pae: v.string(),
      key: v.object({ x: v.string(), y: v.string() }),
      envelope: v.object({ payload: v.string(), signatures: v.tuple([v.object({ sig: v.string() })]) }),
    }),
  );

  test('the pre-authentication encoding is what its signature covers', () => {
    const message = preAuthEncoding(vector.payloadType, utf8ToBytes(vector.payload));
    expect(message).toEqual(utf8ToBytes(vector.pae));
    expect(decodeBase64(vector.envelope.payload)).toEqual(utf8ToBytes(vector.payload));
    const coordinate = (decimal: string): string =>
      Buffer.from(BigInt(decimal).toString(16).padStart(64, '0'), 'hex').toString('base64url');
    const key = createPublicKey({
      key: { kty: 'EC', crv: 'P-256', x: coordinate(vector.key.x), y: coordinate(vector.key.y) },
      format: 'jwk',
    });
    const [{ sig }] = vector.envelope.signatures;
    const signed = { key, dsaEncoding: 'ieee-p1363' as const };
    expect(verify('sha256', message, signed, decodeBase64(sig))).toBe(true);
    expect(verify('sha256', utf8ToBytes(vector.payload), signed, decodeBase64(sig))).toBe(false);
  });

  test('lengths are counted in bytes', () => {
    expect(preAuthEncoding('é', utf8ToBytes('\u20ac'))).toEqual(utf8ToBytes('DSSEv1 2 é 3 \u20ac'));
    expect(preAuthEncoding('', new Uint8Array(0))).toEqual(utf8ToBytes('DSSEv1 0  0 '));
  });
});

describe('Ed25519 edge cases (C2SP/CCTV)', () => {
  const cases = readVectors(
    'cctv/ed25519.json',
    v.array(
      v.object({
        key: v.string(),
        sig: v.string(),
        msg: v.string(),
        flags: v.pipe(
          v.nullable(v.array(v.string())),
          v.transform((flags) => flags ?? []),
        ),
      }),
    ),
  );
  const spkiOf = (raw: string): Uint8Array => decodeHex(`302a300506032b6570032100${raw}`);
  const unusable = ['low_order_A', 'non_canonical_A'];

  test('keys of small order or in a second spelling are no keys', () => {
    const refused = new Map(
      cases.map(({ key, flags }) => [key, flags.some((flag) => unusable.includes(flag))]),
    );
    for (const [key, expected] of refused) {
      expect([key, codeOf(() => parseSpki(spkiOf(key)))]).toEqual([key, expected ? 'malformed-key' : null]);
    }
    expect([...refused.values()].filter((each) => !each).length).toBeGreaterThan(0);
  });

  test('JavaScript and OpenSSL give the same answers', () => {
    for (const { key, msg, sig } of cases) {
      const spki = spkiOf(key);
      const message = utf8ToBytes(msg);
      const signature = decodeHex(sig);
      const nodeKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      expect(verifyEd25519(spki, message, signature)).toBe(verify(null, message, nodeKey, signature));
    }
    expect(cases.length).toBeGreaterThan(100);
  });
});
