/**
 * What happens before a vault is used: its format and keys are checked, the index is brought up to date with the tables, what a
 * crash left behind is cleared away. Every step can be interrupted and done again.
 */
import { OBJECTS_FILE, PACKS, type PackShelf, STAGING, TABLE_FILE } from './pack-shelf.ts';
import { isPackId } from './pack-envelope.ts';
import type { VaultIndex } from './ports.ts';
import type { VaultLogger } from './vault-contract.ts';
import { VaultError } from './vault-error.ts';

const FORMAT_FILE = 'format';

/**
 * Checks that the folder is a vault of these keys, or empty, and then makes it one.
 * @throws VaultError wrong-keys · unsupported-format
 */
export async function checkFormat(shelf: PackShelf): Promise<void> {
  const { files, secrets } = shelf;
  const expected = `vitrine-vault/v1\nrecipient ${secrets.recipientTag}\nkey-check ${secrets.keyCheck}\n`;
  const found = await files.read(FORMAT_FILE, 4096);
  if (found === undefined) {
    if ((await shelf.list()).length > 0) {
      throw new VaultError(
        'unsupported-format',
        `the vault has packs but no ${FORMAT_FILE} file: restore it from a backup`,
      );
    }
    await files.replace(FORMAT_FILE, Buffer.from(expected, 'latin1'));
    return;
  }
  const text = Buffer.from(found).toString('latin1');
  if (text === expected) return;
  if (!/^vitrine-vault\/v1\nrecipient [0-9a-f]{32}\nkey-check [0-9a-f]{64}\n$/.test(text)) {
    throw new VaultError(
      'unsupported-format',
      `the vault's ${FORMAT_FILE} file is damaged or of a newer version`,
    );
  }
  const wrong = text.includes(`recipient ${secrets.recipientTag}\n`) ? 'vault key' : 'vault identity';
  throw new VaultError('wrong-keys', `the ${wrong} given is not the one this vault was made with`);
}

/** Makes the index say of every pack what its table says. A pack that cannot be read keeps what the index knew. */
export async function reconcileIndex(
  shelf: PackShelf,
  index: VaultIndex,
  logger: VaultLogger,
): Promise<void> {
  const known = new Map(index.packs().map((pack) => [pack.packId, pack]));
  for (const packId of await shelf.list()) {
    if (!isPackId(packId)) continue;
    const indexed = known.get(packId);
    known.delete(packId);
    try {
      const fingerprint = await shelf.fingerprint(packId);
      const isCurrent =
        fingerprint !== undefined &&
        Buffer.compare(fingerprint, indexed?.tableFingerprint ?? Buffer.of()) === 0;
      const pack =
        isCurrent && indexed !== undefined
          ? indexed
          : await indexPack(shelf, index, packId, indexed?.endOffset);
      await clearLeftovers(shelf, packId, pack.endOffset);
      // A disposal of its last object was interrupted.
      if (pack.objectCount === 0) await dropPack(shelf, index, packId);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'corrupt') throw error;
      logger.error(
        { pack: packId, err: error },
        'a pack of the vault cannot be read: restore it from a backup',
      );
    }
  }
  for (const lost of known.values()) {
    if (lost.objectCount === 0) {
      index.removePack(lost.packId);
      continue;
    }
    // Kept as a pack without names, so that `check` reports it, while its objects can be put again.
    index.replacePack({ ...lost, tableFingerprint: new Uint8Array() }, []);
    logger.error(
      { pack: lost.packId, objects: lost.objectCount },
      'a pack of the vault is gone: restore it from a backup',
    );
  }
}

/**
 * Makes the index say of one pack what its table on disk says. Tables are synced before the index is told, and ciphertext only
 * grows: a table that ends before `knownEndOffset` was put back from an older time.
 * @throws VaultError corrupt
 */
export async function indexPack(
  shelf: PackShelf,
  index: VaultIndex,
  packId: string,
  knownEndOffset = 0,
): Promise<{ readonly objectCount: number; readonly endOffset: number }> {
  const { table, tableFingerprint } = await shelf.load(packId);
  if (table.endOffset < knownEndOffset) {
    throw new VaultError(
      'corrupt',
      `the table of pack ${packId} is older than the index: restore the newest, or delete the index to accept the loss`,
    );
  }
  const pack = { packId, tableFingerprint, objectCount: table.rowCount, endOffset: table.endOffset };
  const names: Uint8Array[] = [];
  for (const { digest } of table.rows()) names.push(shelf.secrets.nameOf(digest));
  index.replacePack(pack, names);
  return pack;
}

export async function dropPack(shelf: PackShelf, index: VaultIndex, packId: string): Promise<void> {
  await shelf.drop(packId);
  index.removePack(packId);
}

/** Uncommitted ciphertext, and a table that was being written. */
async function clearLeftovers(shelf: PackShelf, packId: string, endOffset: number): Promise<void> {
  const folder = `${PACKS}/${packId}`;
  await shelf.files.remove(`${folder}/${TABLE_FILE}.new`);
  const reader = await shelf.files.openForReading(`${folder}/${OBJECTS_FILE}`);
  if (reader === undefined) return;
  let sizeBytes: number;
  try {
    sizeBytes = await reader.sizeBytes();
  } finally {
    await reader.close();
  }
  if (sizeBytes <= endOffset) return;
  const file = await shelf.files.openForWriting(`${folder}/${OBJECTS_FILE}`);
  try {
    await file.truncate(endOffset);
  } finally {
    await file.close();
  }
}

export interface StagedUpload {
  /** See `uploadName`. */
  readonly name: string;
  readonly packId: string;
  readonly touchedAtMs: number;
}

const UPLOAD_FOLDER = /^upload-(([0-9a-f]{64})\.[0-9a-f]{32})\.([0-9a-f]{32})$/;

/** An upload is of one object for one purpose. @param object hex of its name @param purpose hex, 16 bytes */
export function uploadName(object: string, purpose: string): string {
  return `${object}.${purpose}`;
}

export function uploadFolder(name: string, packId: string): string {
  return `${STAGING}/upload-${name}.${packId}`;
}

/** Removes what is in staging but uploads that can go on; returns those. */
export async function clearStaging(
  shelf: PackShelf,
  mayGoOn: (object: string, touchedAtMs: number) => boolean,
): Promise<StagedUpload[]> {
  const { files } = shelf;
  const uploads = new Map<string, StagedUpload>();
  for (const entry of await files.list(STAGING)) {
    const [, name, object, packId] = UPLOAD_FOLDER.exec(entry) ?? [];
    const touchedAtMs =
      (await files.modifiedAtMs(`${STAGING}/${entry}/${OBJECTS_FILE}`)) ??
      (await files.modifiedAtMs(`${STAGING}/${entry}`)) ??
      0;
    if (
      name !== undefined &&
      object !== undefined &&
      packId !== undefined &&
      !uploads.has(name) &&
      mayGoOn(object, touchedAtMs)
    ) {
      uploads.set(name, { name, packId, touchedAtMs });
    } else {
      await files.remove(`${STAGING}/${entry}`);
    }
  }
  return [...uploads.values()];
}
