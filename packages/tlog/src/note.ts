// Signed notes and verifier keys: c2sp.org/signed-note.

import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from './base64.ts';
import { decodeUtf8, equalBytes } from './bytes.ts';
import { COSIGNATURE_BYTES, verifyCosignatureBytes } from './cosignature-message.ts';
import { verifyEd25519 } from './ed25519.ts';
import { TlogError } from './error.ts';

/** The largest note accepted, in bytes: room for 100 post-quantum signatures, and Go's limit too. */
export const MAX_NOTE_BYTES = 1_000_000;

/** The most signatures accepted on one note (the specification asks for at least 16). */
export const MAX_NOTE_SIGNATURES = 100;

/** The signature types this entry point verifies: 1 is Ed25519, 4 a timestamped Ed25519 cosignature. */
export type Ed25519KeyType = 0x01 | 0x04;

/** And 6, a timestamped ML-DSA-44 cosignature, which `@vitrine/tlog/ml-dsa` verifies: its code is large. */
export type KeyType = Ed25519KeyType | 0x06;

/** How a reader of keys is passed in: parseVkey of this entry point, or that of `@vitrine/tlog/ml-dsa`. */
export type ParseVkey = (vkey: string) => NoteVerifier;

const PUBLIC_KEY_BYTES: Readonly<Record<KeyType, number>> = { 0x01: 32, 0x04: 32, 0x06: 1312 };

export interface NoteSignature {
  readonly name: string;
  /** The first four bytes of the key's hash, as an unsigned 32-bit integer. */
  readonly keyId: number;
  /** What follows the key ID: 64 bytes for Ed25519, 72 or (ML-DSA-44) 2,428 for a timestamped cosignature. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** The signed text, with its final newline and without the blank line that follows. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  readonly type: KeyType;
  /** 32 bytes, or (0x06) 1,312. */
  readonly publicKey: Uint8Array;
  /** `message` is the note's text in UTF-8, for every type. Never throws. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** `message` is the note's text in UTF-8; the result is what follows the key ID on the signature line. */
  sign(message: Uint8Array): Uint8Array;
}

/** An Ed25519 key whose private half stays with the caller: node:crypto on a server, noble or a device elsewhere. */
export interface Ed25519Key {
  readonly name: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The 64-byte Ed25519 signature of `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** A signature whose key is known and that verified. */
export interface VerifiedSignature<V extends NoteVerifier = NoteVerifier> extends NoteSignature {
  readonly verifier: V;
}

export interface OpenedNote<V extends NoteVerifier = NoteVerifier> extends Note {
  /** Only those that verified under one of the given verifiers, in the note's order. */
  readonly signatures: readonly VerifiedSignature<V>[];
}

/**
 * Parses a signed note without verifying anything: its text MUST NOT be used before a signature is.
 *
 * @throws TlogError `malformed-note`: not UTF-8, control characters, no signature, a malformed signature line,
 * more than MAX_NOTE_SIGNATURES signatures or MAX_NOTE_BYTES bytes
 * @see c2sp.org/signed-note, "Format"
 */
export function parseNote(note: Uint8Array | string): Note {
  const whole = decodeNote(note);
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw malformedNote('no blank line between text and signatures');
  const text = whole.slice(0, split + 1);
  return { text, signatures: parseSignatureBlock(whole.slice(split + 2)) };
}

/**
 * Parses signature lines that travel without their note, as a witness answers them: one or more, each with its
 * newline.
 *
 * @throws TlogError `malformed-note`
 * @see c2sp.org/tlog-witness, "add-checkpoint"
 */
export function parseSignatureLines(lines: Uint8Array | string): readonly NoteSignature[] {
  return parseSignatureBlock(decodeNote(lines));
}

function parseSignatureBlock(block: string): NoteSignature[] {
  if (!block.endsWith('\n')) {
    throw malformedNote(block === '' ? 'it carries no signature' : 'its last line does not end in a newline');
  }
  const lines = block.slice(0, -1).split('\n', MAX_NOTE_SIGNATURES + 1);
  if (lines.length > MAX_NOTE_SIGNATURES) throw malformedNote(`more than ${MAX_NOTE_SIGNATURES} signatures`);
  return lines.map(parseSignatureLine);
}

function decodeNote(note: Uint8Array | string): string {
  if (note.length > MAX_NOTE_BYTES) throw malformedNote(`larger than ${MAX_NOTE_BYTES} bytes`);
  const text = typeof note === 'string' ? note : decodeUtf8(note);
  if (text === undefined) throw malformedNote('not UTF-8');
  checkCharacters(text);
  return text;
}

function parseSignatureLine(line: string, index: number): NoteSignature {
  const where = `signature line ${index + 1}`;
  const [dash, name, base64, ...rest] = line.split(' ', 4);
  if (dash !== '\u2014' || name === undefined || base64 === undefined || rest.length > 0) {
    throw malformedNote(`${where} is not "\u2014 name base64"`);
  }
  if (!isKeyName(name)) throw malformedNote(`${where} has an invalid key name`);
  const bytes = decodeSignature(base64, where);
  if (bytes.length < 5) throw malformedNote(`${where} is too short for a key ID and a signature`);
  return { name, keyId: readKeyId(bytes), signature: bytes.subarray(4) };
}

function decodeSignature(base64: string, where: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw malformedNote(`${where} is not canonical Base 64`, { cause });
  }
}

/**
 * The inverse of parseNote.
 *
 * @throws TlogError `malformed-note` if the result would not parse
 */
export function formatNote(note: Note): string {
  const { text, signatures } = note;
  checkNoteText(text);
  if (signatures.length === 0) throw malformedNote('it carries no signature');
  if (signatures.length > MAX_NOTE_SIGNATURES) {
    throw malformedNote(`more than ${MAX_NOTE_SIGNATURES} signatures`);
  }
  const whole = `${text}\n${signatures.map(formatSignatureLine).join('')}`;
  if (utf8ToBytes(whole).length > MAX_NOTE_BYTES) throw malformedNote(`larger than ${MAX_NOTE_BYTES} bytes`);
  return whole;
}

/**
 * One signature line with its newline, as a witness answers it.
 *
 * @throws TlogError `malformed-note` on an invalid name or an empty signature
 */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw malformedNote('a signature has an invalid key name');
  if (signature.length === 0) throw malformedNote('a signature is empty');
  return `\u2014 ${name} ${encodeBase64(concatBytes(writeKeyId(keyId), signature))}\n`;
}

/**
 * Signs `text` with every signer. A signature in `existing` by one of the same keys (name and ID) is replaced.
 *
 * @throws TlogError `malformed-note` if `text` is not a note's text, or nothing would sign it
 */
export function signNote(
  text: string,
  signers: readonly NoteSigner[],
  existing: readonly NoteSignature[] = [],
): string {
  checkNoteText(text);
  const message = utf8ToBytes(text);
  const kept = existing.filter((old) => !signers.some((signer) => sameKey(signer, old)));
  const added = signers.map((signer) => ({
    name: signer.name,
    keyId: signer.keyId,
    signature: signer.sign(message),
  }));
  return formatNote({ text, signatures: [...kept, ...added] });
}

/**
 * Parses a note and verifies every signature whose key is among `verifiers`; signatures of other keys are
 * ignored. One bad signature by a known key condemns the whole note.
 *
 * @throws TlogError `malformed-note`, `bad-signature`, `no-known-signature`; `ambiguous-key` if two verifiers
 * share the name and the ID of a signature
 * @see c2sp.org/signed-note, "Signatures"
 */
export function openNote<V extends NoteVerifier>(
  note: Uint8Array | string,
  verifiers: readonly V[],
): OpenedNote<V> {
  const { text, signatures } = parseNote(note);
  const message = utf8ToBytes(text);
  const verified: VerifiedSignature<V>[] = [];
  for (const signature of signatures) {
    const [verifier, ...others] = verifiers.filter((candidate) => sameKey(candidate, signature));
    if (verifier === undefined) continue;
    const key = describeKey(signature);
    if (others.length > 0) throw new TlogError('ambiguous-key', `two verifiers are named ${key}`);
    // A repeated line says nothing new, and must not cost a second verification.
    if (
      verified.some((seen) => sameKey(seen, signature) && equalBytes(seen.signature, signature.signature))
    ) {
      continue;
    }
    if (!verifier.verify(message, signature.signature)) {
      throw new TlogError('bad-signature', `the signature of ${key} does not verify over this note`);
    }
    verified.push({ ...signature, verifier });
  }
  if (verified.length === 0) {
    const known = verifiers.map(describeKey).join(', ') || 'none';
    throw new TlogError('no-known-signature', `no signature by a known key (known: ${known})`);
  }
  return { text, signatures: verified };
}

/**
 * Parses a verifier key, `name+hex8+base64(type ‖ public key)`, and checks that its ID is that of its content.
 *
 * @throws TlogError `malformed-vkey`, or `unsupported-key-type` for a type other than 0x01 and 0x04
 * @see c2sp.org/signed-note, "Verifier keys"
 */
export function parseVkey(vkey: string): NoteVerifier {
  const { name, type, publicKey } = readVkey(vkey);
  if (type === 0x06) throw unsupportedKey(name, type, '0x06 (ML-DSA-44) is not, in this place');
  return noteVerifier(name, type, publicKey);
}

/** The content of a verifier key of any type whose ID can be checked. @throws TlogError as parseVkey */
export function readVkey(vkey: string): {
  readonly name: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
} {
  // The Base 64 may itself hold a plus: only the first two separate.
  const first = vkey.indexOf('+');
  const second = vkey.indexOf('+', first + 1);
  if (first < 0 || second < 0) throw malformedVkey('it is not "name+hex+base64"');
  const name = vkey.slice(0, first);
  if (!isKeyName(name)) throw malformedVkey('its name is empty or holds a space or a control character');
  const id = decodeVkeyPart('key ID', decodeHex, vkey.slice(first + 1, second));
  const key = decodeVkeyPart('key', decodeBase64, vkey.slice(second + 1));
  const [type] = key;
  if (id.length !== 4) throw malformedVkey('its key ID is not eight hexadecimal digits');
  if (type === undefined) throw malformedVkey('its key is empty');
  // Type 0x02 hashes something else, so the type is told before the ID.
  if (type !== 0x01 && type !== 0x04 && type !== 0x06) {
    throw unsupportedKey(name, type, 'and 0x06 (ML-DSA-44 cosignature) where it says so');
  }
  const publicKey = key.subarray(1);
  checkKey(name, type, publicKey);
  if (readKeyId(id) !== computeKeyId(name, type, publicKey)) {
    throw malformedVkey('its key ID is not that of its key');
  }
  return { name, type, publicKey };
}

/** A verifier for a key that is known in parts. @throws TlogError `malformed-vkey` on an invalid name or key */
export function noteVerifier(name: string, type: Ed25519KeyType, publicKey: Uint8Array): NoteVerifier {
  checkKey(name, type, publicKey);
  return {
    name,
    type,
    publicKey,
    keyId: computeKeyId(name, type, publicKey),
    verify: (message, signature) =>
      type === 0x01
        ? verifyEd25519(publicKey, message, signature)
        : signature.length === COSIGNATURE_BYTES &&
          verifyCosignatureBytes(publicKey, message, signature) !== undefined,
  };
}

/** The inverse of parseVkey. @throws TlogError `malformed-vkey` on an invalid name or key */
export function formatVkey(key: {
  readonly name: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
}): string {
  const { name, type, publicKey } = key;
  checkKey(name, type, publicKey);
  const id = encodeHex(writeKeyId(computeKeyId(name, type, publicKey)));
  return `${name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** A signer of type 0x01. @throws TlogError `malformed-vkey` on an invalid name or key */
export function ed25519NoteSigner(key: Ed25519Key): NoteSigner {
  const { name, publicKey } = key;
  checkKey(name, 0x01, publicKey);
  return { name, keyId: computeKeyId(name, 0x01, publicKey), sign: (message) => key.sign(message) };
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4], as an unsigned integer (c2sp.org/signed-note, "Signatures"). */
export function computeKeyId(name: string, type: KeyType, publicKey: Uint8Array): number {
  return readKeyId(sha256(concatBytes(utf8ToBytes(name), Uint8Array.of(0x0a, type), publicKey)));
}

/** @throws TlogError `malformed-note` unless `text` can stand above the blank line of a note */
export function checkNoteText(text: string): void {
  checkCharacters(text);
  if (!text.endsWith('\n')) throw malformedNote('its text does not end in a newline');
}

function checkCharacters(text: string): void {
  if (!text.isWellFormed()) throw malformedNote('not UTF-8');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) {
      throw malformedNote(`control character 0x${code.toString(16).padStart(2, '0')} at position ${i}`);
    }
  }
}

function isKeyName(name: string): boolean {
  if (name === '' || !name.isWellFormed() || /[\p{White_Space}+]/u.test(name)) return false;
  return !Array.from(name).some((character) => character.charCodeAt(0) < 0x20);
}

/** @throws TlogError `malformed-vkey` unless a key of this type can have this name and this length */
export function checkKey(name: string, type: KeyType, publicKey: Uint8Array): void {
  if (!isKeyName(name)) {
    throw malformedVkey('its name is empty or holds a space, a plus or a control character');
  }
  const expected = PUBLIC_KEY_BYTES[type];
  if (publicKey.length !== expected) {
    throw malformedVkey(`its public key has ${publicKey.length} bytes, not ${expected}`);
  }
}

function sameKey(a: { name: string; keyId: number }, b: { name: string; keyId: number }): boolean {
  return a.keyId === b.keyId && a.name === b.name;
}

function describeKey(key: { name: string; keyId: number }): string {
  return `${key.name}+${encodeHex(writeKeyId(key.keyId))}`;
}

function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

function writeKeyId(keyId: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return bytes;
}

function decodeVkeyPart(what: string, decode: (text: string) => Uint8Array, text: string): Uint8Array {
  try {
    return decode(text);
  } catch (cause) {
    throw new TlogError('malformed-vkey', `malformed verifier key: its ${what} does not decode`, { cause });
  }
}

function malformedNote(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-note', `malformed note: ${why}`, options);
}

function unsupportedKey(name: string, type: number, also: string): TlogError {
  const hex = type.toString(16).padStart(2, '0');
  return new TlogError(
    'unsupported-key-type',
    `the key of ${name} is of type 0x${hex}; supported are 0x01 (Ed25519) and 0x04 (Ed25519 cosignature); ${also}`,
  );
}

function malformedVkey(why: string): TlogError {
  return new TlogError('malformed-vkey', `malformed verifier key: ${why}`);
}
