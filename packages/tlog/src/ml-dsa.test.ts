import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { build } from 'vite';
import { describe, expect, test } from 'vitest';
import {
  cosignatureTime,
  EMPTY_ROOT,
  formatCheckpoint,
  formatVkey,
  hashLeaf,
  openCheckpoint,
  openCosignatures,
  openNote,
  parsePolicy,
  parseVkey as parseCoreVkey,
  signNote,
  TlogError,
  verifyCheckpoint,
} from './index.ts';
import {
  cosignSubtree,
  type LogSubtree,
  mlDsa44CosignatureSigner,
  mlDsa44Key,
  mlDsa44Verifier,
  parseVkey,
  verifyMlDsa44,
  verifySubtreeCosignature,
} from './ml-dsa.ts';

const witnessKey = mlDsa44Key('witness.example/w1', new Uint8Array(32).fill(1));
const logKey = mlDsa44Key('log.example', new Uint8Array(32).fill(2));
const witness = mlDsa44Verifier(witnessKey.name, witnessKey.publicKey);
const log = mlDsa44Verifier(logKey.name, logKey.publicKey);
const root = hashLeaf(new Uint8Array(0));
const text = formatCheckpoint({ origin: 'log.example', treeSize: 7, root, extensions: [] });
const note = signNote(text, [
  mlDsa44CosignatureSigner(logKey, () => 0),
  mlDsa44CosignatureSigner(witnessKey, () => 1_700_000_000),
]);

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    if (error instanceof TlogError) return error.code;
    throw error;
  }
  return undefined;
};

test('the core entry point holds no ML-DSA', async () => {
  const modulesOf = async (entry: string): Promise<string> => {
    const result = await build({
      configFile: false,
      logLevel: 'error',
      resolve: { conditions: ['@vitrine/source'] },
      build: { write: false, lib: { entry: `${import.meta.dirname}/${entry}`, formats: ['es'] } },
    });
    const output = Array.isArray(result) ? result[0] : result;
    const chunk = output !== undefined && 'output' in output ? output.output[0] : undefined;
    return Object.keys(chunk?.modules ?? {}).join('\n');
  };
  expect(await modulesOf('ml-dsa.ts')).toContain('post-quantum');
  const core = await modulesOf('index.ts');
  expect(core).toContain('note.ts');
  expect(core).not.toContain('post-quantum');
});

describe('ML-DSA-44 and node:crypto agree', () => {
  const seed = new Uint8Array(32).fill(7);
  const key = mlDsa44Key('k', seed);
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from('3034020100300b060960864801650304031104228020', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(privateKey);
  const message = new TextEncoder().encode('message');

  test('on the public key of a seed', () => {
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    expect(Uint8Array.from(spki.subarray(-1312))).toEqual(key.publicKey);
  });

  test("on each other's signatures, and on spoilt ones", () => {
    const theirs = sign(null, message, privateKey);
    expect(verifyMlDsa44(key.publicKey, message, theirs)).toBe(true);
    const ours = key.sign(message);
    expect(verify(null, message, publicKey, ours)).toBe(true);
    for (let at = 0; at < ours.length; at += 97) {
      const spoilt = ours.with(at, (ours[at] ?? 0) ^ 1);
      expect(verifyMlDsa44(key.publicKey, message, spoilt)).toBe(verify(null, message, publicKey, spoilt));
      expect(verifyMlDsa44(key.publicKey, message, spoilt)).toBe(false);
    }
  });

  test('signatures are hedged', () => {
    expect(key.sign(message)).not.toEqual(key.sign(message));
  });
});

describe('keys of type 0x06', () => {
  test('parse and format, in this entry point only', () => {
    const vkey = formatVkey(witness);
    const parsed = parseVkey(vkey);
    expect([parsed.name, parsed.type, parsed.keyId]).toEqual([witness.name, 0x06, witness.keyId]);
    expect(parsed.publicKey).toEqual(witnessKey.publicKey);
    expect(codeOf(() => parseCoreVkey(vkey))).toBe('unsupported-key-type');
    const ed25519 = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(parseVkey(ed25519).keyId).toBe(parseCoreVkey(ed25519).keyId);
  });

  test('are refused when their ID, their length or their name is not right', () => {
    const vkey = formatVkey(witness);
    expect(codeOf(() => parseVkey(vkey.replace('w1', 'w2')))).toBe('malformed-vkey');
    expect(codeOf(() => parseVkey(vkey.slice(0, -4)))).toBe('malformed-vkey');
    const short = witnessKey.publicKey.subarray(1);
    expect(codeOf(() => mlDsa44Verifier('w', short))).toBe('malformed-vkey');
    expect(codeOf(() => mlDsa44Verifier('n'.repeat(256), witnessKey.publicKey))).toBe('malformed-vkey');
    expect(codeOf(() => mlDsa44Verifier('a b', witnessKey.publicKey))).toBe('malformed-vkey');
    expect(() => mlDsa44Key('k', new Uint8Array(31))).toThrow(RangeError);
  });
});

describe('cosignatures of a checkpoint', () => {
  test('open as those of any other key, with their times', () => {
    const { signatures } = openNote(note, [log, witness]);
    expect(signatures.map(({ name }) => name)).toEqual(['log.example', 'witness.example/w1']);
    expect(signatures.map(({ signature }) => cosignatureTime(signature))).toEqual([0, 1_700_000_000]);
    expect(openCheckpoint(note, log).checkpoint.treeSize).toBe(7);
  });

  test('hold for that origin, size, root, name and time', () => {
    const [signature] = openNote(note, [witness]).signatures;
    const bytes = signature?.signature ?? new Uint8Array();
    const utf8 = (each: string): Uint8Array => new TextEncoder().encode(each);
    expect(witness.verify(utf8(text), bytes)).toBe(true);
    const others = [
      formatCheckpoint({ origin: 'log2.example', treeSize: 7, root, extensions: [] }),
      formatCheckpoint({ origin: 'log.example', treeSize: 8, root, extensions: [] }),
      formatCheckpoint({ origin: 'log.example', treeSize: 7, root: EMPTY_ROOT, extensions: [] }),
      'no checkpoint\n',
      '',
    ];
    for (const other of others) expect(witness.verify(utf8(other), bytes)).toBe(false);
    expect(witness.verify(Uint8Array.of(0xff), bytes)).toBe(false);
    expect(witness.verify(utf8(text), bytes.with(7, 1))).toBe(false);
    expect(witness.verify(utf8(text), bytes.with(0, 0x80))).toBe(false);
    expect(witness.verify(utf8(text), bytes.subarray(1))).toBe(false);
    const renamed = mlDsa44Verifier('witness.example/w2', witnessKey.publicKey);
    expect(renamed.verify(utf8(text), bytes)).toBe(false);
  });

  test('are neither made nor accepted over extension lines, which they do not cover', () => {
    const extended = formatCheckpoint({ origin: 'log.example', treeSize: 7, root, extensions: ['more'] });
    const signer = mlDsa44CosignatureSigner(witnessKey, () => 1);
    expect(codeOf(() => signNote(extended, [signer]))).toBe('malformed-checkpoint');
    expect(codeOf(() => openNote(note.replace(text, extended), [witness]))).toBe('bad-signature');
  });

  test('of an empty tree are of its one root', () => {
    const empty = formatCheckpoint({ origin: 'log.example', treeSize: 0, root: EMPTY_ROOT, extensions: [] });
    const signer = mlDsa44CosignatureSigner(witnessKey, () => 1);
    expect(openNote(signNote(empty, [signer]), [witness]).signatures).toHaveLength(1);
    const wrong = formatCheckpoint({ origin: 'log.example', treeSize: 0, root, extensions: [] });
    expect(() => signNote(wrong, [signer])).toThrow(RangeError);
  });

  test('refuse a time or an origin that does not fit', () => {
    for (const time of [-1, 0.5, 2 ** 53]) {
      expect(() => signNote(text, [mlDsa44CosignatureSigner(witnessKey, () => time)])).toThrow(RangeError);
    }
    const origin = 'o'.repeat(256);
    const long = formatCheckpoint({ origin, treeSize: 7, root, extensions: [] });
    const signer = mlDsa44CosignatureSigner(witnessKey, () => 1);
    expect(codeOf(() => signNote(long, [signer]))).toBe('malformed-checkpoint');
  });

  test('may be verified by another implementation', () => {
    const seen: number[][] = [];
    const injected = mlDsa44Verifier(witness.name, witness.publicKey, (key, message, signature) => {
      seen.push([key.length, message.length, signature.length]);
      return true;
    });
    openNote(note, [injected]);
    expect(seen).toEqual([[1312, 12 + 1 + 18 + 8 + 1 + 11 + 8 + 8 + 32, 2420]]);
  });
});

describe('cosignatures of a subtree', () => {
  const subtree: LogSubtree = { origin: 'log.example', start: 8, end: 13, hash: root };

  test('verify, without a time', () => {
    const { name, keyId, signature } = cosignSubtree(subtree, witnessKey);
    expect([name, keyId, signature.length]).toEqual([witness.name, witness.keyId, 2428]);
    expect(verifySubtreeCosignature(witness, subtree, signature)).toEqual({ timeSeconds: 0 });
    const others: LogSubtree[] = [
      { ...subtree, start: 0 },
      { ...subtree, end: 14 },
      { ...subtree, hash: EMPTY_ROOT },
      { ...subtree, hash: root.subarray(1) },
      { ...subtree, origin: 'log2.example' },
      { ...subtree, origin: '' },
      { ...subtree, origin: '\ud800' },
      { ...subtree, start: 9 },
      { ...subtree, start: -8 },
    ];
    for (const other of others) expect(verifySubtreeCosignature(witness, other, signature)).toBeUndefined();
    // A time on a subtree that starts elsewhere is refused before any arithmetic.
    const timed = signature.with(7, 1);
    expect(verifySubtreeCosignature(witness, subtree, timed, () => true)).toBeUndefined();
  });

  test('are the same statement as those of a checkpoint without a time', () => {
    const { signature } = cosignSubtree({ origin: 'log.example', start: 0, end: 7, hash: root }, witnessKey);
    expect(witness.verify(new TextEncoder().encode(text), signature)).toBe(true);
    const timed = openNote(note, [witness]).signatures[0]?.signature ?? new Uint8Array();
    const tree = { origin: 'log.example', start: 0, end: 7, hash: root };
    expect(verifySubtreeCosignature(witness, tree, timed)).toEqual({ timeSeconds: 1_700_000_000 });
  });

  test('misuse is refused', () => {
    expect(() => cosignSubtree({ ...subtree, start: 9 }, witnessKey)).toThrow(RangeError);
    expect(() => cosignSubtree({ ...subtree, hash: new Uint8Array(31) }, witnessKey)).toThrow(RangeError);
    expect(() => cosignSubtree({ ...subtree, start: 13 }, witnessKey)).toThrow(RangeError);
    for (const origin of ['', 'a\nb', '\ud800', 'o'.repeat(256)]) {
      expect(codeOf(() => cosignSubtree({ ...subtree, origin }, witnessKey))).toBe('malformed-checkpoint');
    }
    const ed25519 = parseCoreVkey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    expect(() => verifySubtreeCosignature(ed25519, subtree, new Uint8Array(2428))).toThrow(TypeError);
  });
});

describe('a policy with keys of type 0x06', () => {
  const policyText = `log ${formatVkey(log)}\nwitness w ${formatVkey(witness)}\nquorum w\n`;

  test('is met by their cosignatures, and dated by the witness alone', () => {
    const verdict = verifyCheckpoint(note, parsePolicy(policyText, parseVkey));
    expect(verdict.ok && verdict.timeSeconds).toBe(1_700_000_000);
    const alone = signNote(text, [mlDsa44CosignatureSigner(logKey, () => 5)]);
    expect(verifyCheckpoint(alone, parsePolicy(policyText, parseVkey)).ok).toBe(false);
  });

  test('is refused by a reader that knows no such keys', () => {
    expect(() => parsePolicy(policyText)).toThrow(/line 1: .*0x06/);
  });

  test('is refused when one key would be both the log and its witness', () => {
    const both = `log ${formatVkey(log)}\nwitness w ${formatVkey(log)}\nquorum w\n`;
    expect(() => parsePolicy(both, parseVkey)).toThrow(/line 2: two keys share the name log\.example/);
  });
});

describe("a witness's answer", () => {
  const answer = note.slice(note.indexOf(`\u2014 ${witness.name}`));

  test('opens over the text of the checkpoint', () => {
    const [signature] = openCosignatures(text, answer, [witness]);
    expect(signature?.verifier).toBe(witness);
  });

  test('is refused without a time, over another text, by nobody known, or with a text of its own', () => {
    const untimed = signNote(text, [mlDsa44CosignatureSigner(witnessKey, () => 0)]);
    const line = untimed.slice(text.length + 1);
    expect(codeOf(() => openCosignatures(text, line, [witness]))).toBe('bad-signature');
    expect(codeOf(() => openCosignatures(text.replace('7', '8'), answer, [witness]))).toBe('bad-signature');
    expect(codeOf(() => openCosignatures(text, answer, [log]))).toBe('no-known-signature');
    expect(codeOf(() => openCosignatures(text, `x\n\n${answer}`, [witness]))).toBe('malformed-note');
    expect(codeOf(() => openCosignatures(text, '', [witness]))).toBe('malformed-note');
    const ed25519 = parseCoreVkey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    expect(() => openCosignatures(text, answer, [ed25519])).toThrow(TypeError);
  });
});
