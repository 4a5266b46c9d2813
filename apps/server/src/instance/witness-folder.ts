/** Where everything of a witness that stands alone lies, and its key: made at the first start. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { formatVkey, parseVkey, TlogError } from '@vitrine/tlog';
import { ConfigError } from '../config.ts';
import { type Ed25519Key, ed25519Key } from '../log/ed25519-key.ts';
import { createKeyFile, readKeyFile } from './key-files.ts';

export interface WitnessFolder {
  readonly dir: string;
  readonly lock: string;
  /** A folder: what was cosigned. */
  readonly state: string;
  readonly key: string;
  /** The verifier key, for people to read; it holds the name. */
  readonly vkey: string;
}

/** @param dir absolute or relative to the working directory */
export function witnessFolder(dir: string): WitnessFolder {
  const at = (name: string): string => join(resolve(dir), name);
  return {
    dir: at(''),
    lock: at('lock.sqlite'),
    state: at('state'),
    key: at('witness.pem'),
    vkey: at('vkey.txt'),
  };
}

/** The key of a witness, and the name that it has for good. */
export interface WitnessIdentity {
  readonly name: string;
  readonly key: Ed25519Key;
}

/** Whether the witness has a key, so that it may have signed. */
export function hasWitnessKey(folder: WitnessFolder): boolean {
  return existsSync(folder.key) || existsSync(folder.vkey);
}

/**
 * Reads the witness's key and name, and makes them, durably, where there are none. Call it with the folder locked.
 *
 * @param name wanted; by default `witness.` and the first 8 hex digits of the public key's SHA-256
 * @throws ConfigError when the name cannot be one, is not the one that the key was made with, or the key is lost
 */
export function openWitnessIdentity(folder: WitnessFolder, name: string | undefined): WitnessIdentity {
  if (!hasWitnessKey(folder)) makeKey(folder);
  const key = ed25519Key(readKeyFile(folder.key));
  if (!existsSync(folder.vkey)) {
    const given = name ?? defaultName(key);
    const vkey = vkeyOf(given, key);
    writeDurably(folder.dir, folder.vkey, (path) => writeFileSync(path, `${vkey}\n`, { flag: 'wx' }));
  }
  const known = readFileSync(folder.vkey, 'utf8').trim();
  const before = nameOf(known, folder.vkey);
  if (vkeyOf(before, key) !== known) {
    throw new ConfigError(
      `${folder.vkey} is not of the key in ${folder.key}: put the one back that belongs to the other`,
    );
  }
  if (name !== undefined && name !== before) {
    throw new ConfigError(
      `this witness is “${before}”, not “${name}”: a key keeps its name, since cosignatures do not sign it. Another name needs another folder`,
    );
  }
  return { name: before, key };
}

function makeKey(folder: WitnessFolder): void {
  writeDurably(folder.dir, folder.key, createKeyFile);
}

/** Whole or not at all: the next start would not know what to make of half a key. */
function writeDurably(dir: string, target: string, write: (path: string) => void): void {
  const temporary = `${target}.new`;
  rmSync(temporary, { force: true });
  write(temporary);
  syncPath(temporary);
  renameSync(temporary, target);
  syncPath(dir);
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function defaultName({ publicKey }: Ed25519Key): string {
  return `witness.${createHash('sha256').update(publicKey).digest('hex').slice(0, 8)}`;
}

function vkeyOf(name: string, { publicKey }: Ed25519Key): string {
  try {
    return formatVkey({ name, type: 0x04, publicKey });
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new ConfigError(`“${name}” cannot be the name of a witness: ${cause.message}`, { cause });
  }
}

function nameOf(vkey: string, file: string): string {
  try {
    return parseVkey(vkey).name;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new ConfigError(`${file} is damaged: ${cause.message}`, { cause });
  }
}
