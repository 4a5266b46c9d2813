// ML-DSA-44 cosignatures (type 0x06) of checkpoints and of subtrees: c2sp.org/tlog-cosignature. An entry point of its
// own, `@vitrine/tlog/ml-dsa`: its arithmetic is as large as the rest of the package, and few who verify need it.
//
// Unlike the Ed25519 kind, the signature covers the cosigner's name, but not a checkpoint's extension lines. Like
// FiloSottile/torchwood, we neither sign nor accept one on a checkpoint that has any: whoever holds an opened note may
// rely on all of its text.

import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeHex } from './base64.ts';
import { decodeUtf8, equalBytes } from './bytes.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import {
  formatTimestampedSignature,
  ML_DSA_44_COSIGNATURE_BYTES,
  requireTime,
  timeOfTimestampedSignature,
} from './cosignature-message.ts';
import { TlogError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, isSubtree, type Subtree } from './merkle.ts';
import {
  checkKey,
  computeKeyId,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  noteVerifier,
  readVkey,
} from './note.ts';

/** Whether `signature` (2,420 bytes) over `message` verifies under `publicKey` (1,312 bytes). Must not throw. */
export type VerifyMlDsa44 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** An ML-DSA-44 key whose private half stays with the caller: node:crypto on a server, mlDsa44Key elsewhere. */
export interface MlDsa44Key {
  readonly name: string;
  /** 1,312 bytes. */
  readonly publicKey: Uint8Array;
  /** The 2,420-byte ML-DSA-44 signature of `message`, with an empty context (FIPS 204, section 5.2). */
  sign(message: Uint8Array): Uint8Array;
}

/** A subtree of the log named `origin`, and its Merkle Tree Hash (32 bytes). */
export interface LogSubtree extends Subtree {
  readonly origin: string;
  readonly hash: Uint8Array;
}

const LABEL = utf8ToBytes('subtree/v1\n\0');
const MAX_NAME_BYTES = 255;

/**
 * Parses a verifier key as the core's parseVkey does, and type 0x06 too: pass it to parsePolicy.
 *
 * @throws TlogError `malformed-vkey`, or `unsupported-key-type` for a type other than 0x01, 0x04 and 0x06
 * @see c2sp.org/signed-note, "Verifier keys"
 */
export function parseVkey(vkey: string): NoteVerifier {
  const { name, type, publicKey } = readVkey(vkey);
  return type === 0x06 ? mlDsa44Verifier(name, publicKey) : noteVerifier(name, type, publicKey);
}

/**
 * A verifier of type 0x06 for openNote, openCheckpoint and policies. A note verifies if it is a checkpoint without
 * extension lines, cosigned as the tree from 0 to its size. `verifySignature` stands in for verifyMlDsa44, to the same
 * answers: node:crypto is many times faster.
 *
 * @throws TlogError `malformed-vkey` on an invalid name or key
 */
export function mlDsa44Verifier(
  name: string,
  publicKey: Uint8Array,
  verifySignature: VerifyMlDsa44 = verifyMlDsa44,
): NoteVerifier {
  checkCosigner(name, publicKey);
  return {
    name,
    type: 0x06,
    publicKey,
    keyId: computeKeyId(name, 0x06, publicKey),
    verify: (message, signature) => {
      const tree = readTree(message);
      return (
        tree !== undefined &&
        verifySubtreeBytes(name, publicKey, tree, signature, verifySignature) !== undefined
      );
    },
  };
}

/**
 * A note signer of type 0x06; `nowSeconds` is asked for the time (POSIX seconds) at every signature. It signs the text
 * of checkpoints without extension lines, and throws TlogError `malformed-checkpoint` on any other.
 *
 * @throws TlogError `malformed-vkey` on an invalid name or key
 */
export function mlDsa44CosignatureSigner(key: MlDsa44Key, nowSeconds: () => number): NoteSigner {
  const { name, publicKey } = key;
  checkCosigner(name, publicKey);
  return {
    name,
    keyId: computeKeyId(name, 0x06, publicKey),
    sign: (message) => {
      const timeSeconds = nowSeconds();
      requireTime(timeSeconds);
      return signSubtree(key, requireTree(message), timeSeconds);
    },
  };
}

/**
 * Cosigns a subtree, without a time: it is consistent with all that the cosigner has seen of the log, which need not
 * be the latest.
 *
 * @throws RangeError unless isSubtree(start, end) and the hash has 32 bytes, those of EMPTY_ROOT if it is empty
 * @throws TlogError `malformed-vkey` on an invalid name or key, `malformed-checkpoint` on an origin that is empty,
 * holds a newline or is longer than 255 bytes
 */
export function cosignSubtree(subtree: LogSubtree, key: MlDsa44Key): NoteSignature {
  const { name, publicKey } = key;
  checkCosigner(name, publicKey);
  return {
    name,
    keyId: computeKeyId(name, 0x06, publicKey),
    signature: signSubtree(key, subtree, 0),
  };
}

/**
 * The time that a cosignature of a subtree states (POSIX seconds; 0 is none), or undefined if it does not verify. Only
 * a subtree that starts at 0 can have a time. Never throws on bad evidence.
 *
 * @throws TypeError if the verifier's key is not of type 0x06
 */
export function verifySubtreeCosignature(
  verifier: NoteVerifier,
  subtree: LogSubtree,
  signature: Uint8Array,
  verifySignature: VerifyMlDsa44 = verifyMlDsa44,
): { readonly timeSeconds: number } | undefined {
  const { name, type, publicKey } = verifier;
  if (type !== 0x06) throw new TypeError(`the key of ${name} is not an ML-DSA-44 cosigner's (0x06)`);
  const timeSeconds = verifySubtreeBytes(name, publicKey, subtree, signature, verifySignature);
  return timeSeconds === undefined ? undefined : { timeSeconds };
}

/** ML-DSA.Verify of FIPS 204 with an empty context. Never throws: anything malformed does not verify. */
export function verifyMlDsa44(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { lengths } = ml_dsa44;
  if (publicKey.length !== lengths.publicKey || signature.length !== lengths.signature) return false;
  return ml_dsa44.verify(signature, message, publicKey);
}

/**
 * The key that FIPS 204's KeyGen_internal makes of a secret seed of 32 bytes. Its signatures are hedged with fresh
 * randomness. JavaScript cannot promise constant time: on a server, sign with node:crypto.
 *
 * @throws RangeError unless the seed has 32 bytes
 */
export function mlDsa44Key(name: string, seed: Uint8Array): MlDsa44Key {
  if (seed.length !== 32) throw new RangeError(`an ML-DSA-44 seed has 32 bytes, not ${seed.length}`);
  const { publicKey, secretKey } = ml_dsa44.keygen(seed);
  return { name, publicKey, sign: (message) => ml_dsa44.sign(message, secretKey) };
}

function signSubtree(key: MlDsa44Key, subtree: LogSubtree, timeSeconds: number): Uint8Array {
  const { start, end, hash, origin } = subtree;
  if (!canBeSubtree(subtree)) {
    const hex = encodeHex(hash);
    throw new RangeError(`no tree has the leaves ${start} to ${end} as a subtree with the hash ${hex}`);
  }
  if (origin.includes('\n')) throw new TlogError('malformed-checkpoint', 'the origin holds a newline');
  const message = cosignedMessage(key.name, subtree, timeSeconds);
  if (message === undefined) {
    throw new TlogError('malformed-checkpoint', `the origin has not 1 to ${MAX_NAME_BYTES} bytes of UTF-8`);
  }
  return formatTimestampedSignature(timeSeconds, key.sign(message));
}

function verifySubtreeBytes(
  name: string,
  publicKey: Uint8Array,
  subtree: LogSubtree,
  signature: Uint8Array,
  verifySignature: VerifyMlDsa44,
): number | undefined {
  if (signature.length !== ML_DSA_44_COSIGNATURE_BYTES) return undefined;
  const timeSeconds = timeOfTimestampedSignature(signature);
  if (timeSeconds === undefined || (subtree.start !== 0 && timeSeconds !== 0)) return undefined;
  if (!canBeSubtree(subtree)) return undefined;
  const message = cosignedMessage(name, subtree, timeSeconds);
  if (message === undefined) return undefined;
  return verifySignature(publicKey, message, signature.subarray(8)) ? timeSeconds : undefined;
}

function canBeSubtree({ start, end, hash }: LogSubtree): boolean {
  if (!isSubtree(start, end) || hash.length !== HASH_BYTES) return false;
  return start !== end || equalBytes(hash, EMPTY_ROOT);
}

/** The structure `cosigned_message`; undefined if a name does not fit. */
function cosignedMessage(
  cosignerName: string,
  { origin, start, end, hash }: LogSubtree,
  timeSeconds: number,
): Uint8Array | undefined {
  const name = utf8ToBytes(cosignerName);
  const log = utf8ToBytes(origin);
  if (![name, log].every(fitsOctetLength) || !origin.isWellFormed()) return undefined;
  return concatBytes(
    LABEL,
    Uint8Array.of(name.length),
    name,
    uint64(timeSeconds),
    Uint8Array.of(log.length),
    log,
    uint64(start),
    uint64(end),
    hash,
  );
}

function fitsOctetLength(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= MAX_NAME_BYTES;
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** The tree that a checkpoint's text names, as the subtree that is cosigned. */
function requireTree(noteText: Uint8Array): LogSubtree {
  const text = decodeUtf8(noteText);
  if (text === undefined) throw new TlogError('malformed-checkpoint', 'the checkpoint is not UTF-8');
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.extensions.length > 0) {
    throw new TlogError(
      'malformed-checkpoint',
      'the checkpoint has extension lines, which an ML-DSA-44 cosignature does not cover',
    );
  }
  return treeOf(checkpoint);
}

function readTree(noteText: Uint8Array): LogSubtree | undefined {
  try {
    return requireTree(noteText);
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

function treeOf({ origin, treeSize, root }: Checkpoint): LogSubtree {
  return { origin, start: 0, end: treeSize, hash: root };
}

function checkCosigner(name: string, publicKey: Uint8Array): void {
  checkKey(name, 0x06, publicKey);
  if (utf8ToBytes(name).length > MAX_NAME_BYTES) {
    throw new TlogError(
      'malformed-vkey',
      `malformed verifier key: its name is longer than ${MAX_NAME_BYTES} bytes`,
    );
  }
}
