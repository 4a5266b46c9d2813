import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import {
  cosign,
  cosignatureSigner,
  decodeHex,
  type Ed25519Key,
  ed25519NoteSigner,
  encodeBase64,
  formatCheckpoint,
  formatSignatureLine,
  formatVkey,
  hashLeaf,
  openCheckpoint,
  openNote,
  parseNote,
  parsePolicy,
  parseSignatureLines,
  parseVkey,
  signNote,
  TlogError,
  verifyCheckpoint,
  verifyCosignature,
  verifyEd25519,
} from './index.ts';

function nodeKey(name: string): Ed25519Key {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    name,
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

function nobleKey(name: string): Ed25519Key {
  const { secretKey, publicKey } = ed25519.keygen();
  return { name, publicKey, sign: (message) => ed25519.sign(message, secretKey) };
}

const vkeyOf = ({ name, publicKey }: Ed25519Key, type: 1 | 4): string =>
  formatVkey({ name, type, publicKey });
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return error instanceof TlogError ? error.code : error;
  }
};

describe.each([
  ['node:crypto', nodeKey],
  ['noble', nobleKey],
])('keys of %s', (_name, makeKey) => {
  const log = makeKey('example.com/log');
  const witness = makeKey('witness.example');
  const checkpoint = { origin: log.name, treeSize: 7, root: hashLeaf(new Uint8Array()), extensions: ['x'] };
  const text = formatCheckpoint(checkpoint);
  const signed = signNote(text, [ed25519NoteSigner(log)]);

  test('sign a checkpoint that opens', () => {
    expect(openCheckpoint(signed, parseVkey(vkeyOf(log, 1))).checkpoint).toEqual(checkpoint);
    expect(openCheckpoint(new TextEncoder().encode(signed), parseVkey(vkeyOf(log, 1))).checkpoint).toEqual(
      checkpoint,
    );
  });

  test('cosign it, three ways that are one', () => {
    const verifier = parseVkey(vkeyOf(witness, 4));
    const cosignature = cosign(text, 1_700_000_000, witness);
    const added = signNote(
      text,
      [cosignatureSigner(witness, () => 1_700_000_000)],
      parseNote(signed).signatures,
    );
    expect(added).toBe(signed + formatSignatureLine(cosignature));
    expect(verifyCosignature(verifier, text, cosignature.signature)).toEqual({ timeSeconds: 1_700_000_000 });
    expect(verifyCosignature(verifier, `${text}y\n`, cosignature.signature)).toBeUndefined();
    const policy = parsePolicy(`log ${vkeyOf(log, 1)}\nwitness w ${vkeyOf(witness, 4)}\nquorum w\n`);
    expect(verifyCheckpoint(added, policy)).toMatchObject({ ok: true, timeSeconds: 1_700_000_000 });
    expect(verifyCheckpoint(signed, policy)).toMatchObject({ ok: false });
  });

  test('a new signature replaces the old one of the same key', () => {
    const at = (seconds: number, note: string): string =>
      signNote(text, [cosignatureSigner(witness, () => seconds)], parseNote(note).signatures);
    const twice = at(20, at(10, signed));
    expect(parseNote(twice).signatures).toHaveLength(2);
    expect(twice).toBe(at(20, signed));
  });
});

describe('misuse and mismatch', () => {
  const log = nodeKey('example.com/log');

  test('a checkpoint of another origin', () => {
    const text = formatCheckpoint({
      origin: 'example.com/other',
      treeSize: 0,
      root: hashLeaf(new Uint8Array()),
      extensions: [],
    });
    const signed = signNote(text, [ed25519NoteSigner(log)]);
    expect(codeOf(() => openCheckpoint(signed, parseVkey(vkeyOf(log, 1))))).toBe('origin-mismatch');
  });

  test('texts that are no note are not signed', () => {
    for (const text of ['', 'no newline', 'tab\t\n', 'cr\r\n', '\ud800\n']) {
      expect(codeOf(() => signNote(text, [ed25519NoteSigner(log)]))).toBe('malformed-note');
      expect(codeOf(() => cosign(text, 1, log))).toBe('malformed-note');
    }
    expect(codeOf(() => signNote('a\n', []))).toBe('malformed-note');
  });

  test('checkpoints that would not parse are not formatted', () => {
    const good = { origin: 'o', treeSize: 1, root: hashLeaf(new Uint8Array()), extensions: [] };
    for (const bad of [
      { ...good, origin: '' },
      { ...good, origin: 'a\nb' },
      { ...good, treeSize: -1 },
      { ...good, treeSize: 1.5 },
      { ...good, treeSize: 2 ** 53 },
      { ...good, root: new Uint8Array(31) },
      { ...good, extensions: [''] },
      { ...good, extensions: ['a\nb'] },
    ]) {
      expect(codeOf(() => formatCheckpoint(bad))).toBe('malformed-checkpoint');
    }
  });

  test('signature lines by themselves', () => {
    const signed = signNote('a\n', [ed25519NoteSigner(log)]);
    const line = signed.slice(signed.indexOf('\u2014'));
    expect(parseSignatureLines(line + line)).toHaveLength(2);
    for (const bad of [
      '',
      '\n',
      `\n${line}`,
      `${line}\n`,
      `x\n\n${line}`,
      `${line}\n${line}`,
      line.slice(0, -1),
    ]) {
      expect(codeOf(() => parseSignatureLines(bad))).toBe('malformed-note');
    }
  });

  test('keys and times', () => {
    expect(codeOf(() => ed25519NoteSigner({ ...log, name: 'a b' }))).toBe('malformed-vkey');
    expect(codeOf(() => ed25519NoteSigner({ ...log, publicKey: new Uint8Array(31) }))).toBe('malformed-vkey');
    expect(() => cosign('a\n', -1, log)).toThrow(RangeError);
    expect(() => cosign('a\n', 0.5, log)).toThrow(RangeError);
    expect(() => verifyCosignature(parseVkey(vkeyOf(log, 1)), 'a\n', new Uint8Array(72))).toThrow(TypeError);
  });

  test('a note is judged by the keys given, whatever else it carries', () => {
    const other = nodeKey('example.com/other');
    const signed = signNote('hello\n', [ed25519NoteSigner(log), ed25519NoteSigner(other)]);
    const opened = openNote(signed, [parseVkey(vkeyOf(other, 1))]);
    expect(opened.signatures.map(({ name }) => name)).toEqual(['example.com/other']);
  });

  test('parseVkey keeps its key when the caller reuses the buffer of formatVkey', () => {
    const verifier = parseVkey(vkeyOf(log, 1));
    expect(encodeBase64(verifier.publicKey)).toBe(encodeBase64(log.publicKey));
  });
});

test('Ed25519 answers as node:crypto does, on every edge case', () => {
  const path = `${import.meta.dirname}/../../../vectors/cctv/ed25519.json`;
  const schema = v.array(v.object({ number: v.number(), key: v.string(), sig: v.string(), msg: v.string() }));
  const spki = Buffer.from('302a300506032b6570032100', 'hex');
  for (const { number, key, sig, msg } of v.parse(schema, JSON.parse(readFileSync(path, 'utf8')))) {
    const publicKey = createPublicKey({
      key: Buffer.concat([spki, decodeHex(key)]),
      format: 'der',
      type: 'spki',
    });
    const expected = verify(null, Buffer.from(msg), publicKey, decodeHex(sig));
    expect(verifyEd25519(decodeHex(key), Buffer.from(msg), decodeHex(sig)), `case ${number}`).toBe(expected);
  }
});

test('Ed25519 refuses an S above the group order, and wrong lengths', () => {
  const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]);
  const privateKey = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const message = Buffer.from('message');
  const signature = sign(null, message, privateKey);
  expect(verifyEd25519(publicKey, message, signature)).toBe(true);
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = order;
  for (let i = 31; i >= 0; i--) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i);
  const malleable = Buffer.from(signature);
  for (let i = 0; i < 32; i++) malleable[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  expect(verifyEd25519(publicKey, message, malleable)).toBe(false);
  expect(verifyEd25519(publicKey, message, signature.subarray(1))).toBe(false);
  expect(verifyEd25519(publicKey.subarray(1), message, signature)).toBe(false);
});
