/** What this instance signs: the log's own signature on each committed checkpoint, its cosignature on each published one. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  cosign,
  cosignatureTime,
  ed25519NoteSigner,
  formatCheckpoint,
  formatNote,
  formatVkey,
  type NoteSigner,
  type NoteVerifier,
  noteVerifier,
  openNote,
  parseCheckpoint,
  parseNote,
  signNote,
  TlogError,
} from '@vitrine/tlog';
import type { Ed25519Key } from './ed25519-key.ts';
import { LogError } from './log-error.ts';

/** A checkpoint that the log has signed. `root`: 32 bytes. */
export type SignedCheckpoint = { readonly size: number; readonly root: Uint8Array; readonly note: string };

/** The key of one log. Its name is the log's origin (c2sp.org/tlog-checkpoint). */
export class LogSigner {
  readonly origin: string;
  readonly vkey: string;
  readonly #signer: NoteSigner;
  readonly #verifier: NoteVerifier;

  constructor(origin: string, key: Ed25519Key) {
    this.origin = origin;
    this.vkey = formatVkey({ name: origin, type: 0x01, publicKey: key.publicKey });
    this.#signer = ed25519NoteSigner({ name: origin, publicKey: key.publicKey, sign: key.sign });
    this.#verifier = nativeVerifier(noteVerifier(origin, 0x01, key.publicKey));
  }

  sign(size: number, root: Uint8Array): SignedCheckpoint {
    const text = formatCheckpoint({ origin: this.origin, treeSize: size, root, extensions: [] });
    return { size, root, note: signNote(text, [this.#signer]) };
  }

  /**
   * Reads back a checkpoint that this log signed; `where` goes into the message.
   * @throws LogError `wrong-key` if it carries no signature by this key, `corrupt` for everything else
   */
  open(note: string, where: string): SignedCheckpoint {
    try {
      const { text } = openNote(note, [this.#verifier]);
      const { origin, treeSize, root } = parseCheckpoint(text);
      if (origin !== this.origin) {
        throw new LogError('wrong-key', `${where} is of the log ${origin}, not ${this.origin}`);
      }
      return { size: treeSize, root, note };
    } catch (cause) {
      if (!(cause instanceof TlogError)) throw cause;
      if (cause.code === 'no-known-signature') {
        throw new LogError('wrong-key', `${where} is not signed by ${this.vkey}: ${cause.message}`, {
          cause,
        });
      }
      throw new LogError('corrupt', `${where}: ${cause.message}`, { cause });
    }
  }
}

/** The instance's own cosigner (c2sp.org/tlog-cosignature, type 0x04). */
export class Cosigner {
  readonly name: string;
  readonly vkey: string;
  readonly #key: Ed25519Key;
  readonly #keyId: number;

  constructor(name: string, key: Ed25519Key) {
    this.name = name;
    this.#key = key;
    this.vkey = formatVkey({ name, type: 0x04, publicKey: key.publicKey });
    this.#keyId = noteVerifier(name, 0x04, key.publicKey).keyId;
  }

  /** The note with this cosigner's signature dated `timeSeconds` as its last; an older one of it is replaced. */
  cosign(note: string, timeSeconds: number): string {
    const { text, signatures } = parseNote(note);
    const others = signatures.filter(({ name, keyId }) => name !== this.name || keyId !== this.#keyId);
    const mine = cosign(text, timeSeconds, {
      name: this.name,
      publicKey: this.#key.publicKey,
      sign: this.#key.sign,
    });
    return formatNote({ text, signatures: [...others, mine] });
  }

  /** The time (POSIX seconds) stated by this cosigner's signature on a note that this server stored, or null. */
  timeOf(note: string): number | null {
    const mine = parseNote(note).signatures.find(
      ({ name, keyId }) => name === this.name && keyId === this.#keyId,
    );
    return mine === undefined ? null : cosignatureTime(mine.signature);
  }
}

/**
 * A verifier of a log's key (0x01) or a cosigner's (0x04) with the same answers as the package's own (both follow ref10),
 * many times faster: recovery and cosigning need it.
 * @throws TypeError for another type of key
 */
export function nativeVerifier(verifier: NoteVerifier): NoteVerifier {
  const publicKey = publicKeyObject(verifier.publicKey);
  if (verifier.type === 0x01) {
    return {
      ...verifier,
      verify: (message, signature) => signature.length === 64 && verify(null, message, publicKey, signature),
    };
  }
  if (verifier.type !== 0x04) throw new TypeError(`the key of ${verifier.name} is not an Ed25519 key`);
  return {
    ...verifier,
    verify: (message, signature) => {
      if (signature.length !== COSIGNATURE_BYTES) return false;
      const timeSeconds = Buffer.from(signature.buffer, signature.byteOffset, 8).readBigUInt64BE();
      if (timeSeconds > MAX_TIME) return false;
      // c2sp.org/tlog-cosignature, "Ed25519 signed message".
      const signed = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n`), message]);
      return verify(null, signed, publicKey, signature.subarray(8));
    },
  };
}

/** A u64 time and an Ed25519 signature. */
const COSIGNATURE_BYTES = 72;
const MAX_TIME = BigInt(Number.MAX_SAFE_INTEGER);

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  });
}
