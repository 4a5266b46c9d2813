/** Which announced centres have cosigned a checkpoint: each signature is verified under the key that was announced. */
import { parseCheckpoint, parseNote, parseVkey, TlogError, verifyCosignature } from '@vitrine/tlog';
import type { Note } from '@vitrine/tlog';
import type { CentreKeyKind } from './tables.ts';

export interface AnnouncedKeys {
  readonly name: string;
  /** C2SP vkeys of type 0x04. */
  readonly witness: string;
  readonly mirror: string;
}

export interface CentreCosignature {
  readonly centre: string;
  readonly kind: CentreKeyKind;
  /** Milliseconds since 1970, by the centre's clock. */
  readonly cosignedAtMs: number;
}

export interface CosignedCheckpoint {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly note: Note;
}

/** A note as a checkpoint of this log, unverified; undefined when it is none. */
export function readCosigned(text: string, origin: string): CosignedCheckpoint | undefined {
  try {
    const note = parseNote(text);
    const checkpoint = parseCheckpoint(note.text);
    return checkpoint.origin === origin
      ? { size: checkpoint.treeSize, root: checkpoint.root, note }
      : undefined;
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

/** The cosignatures of centres that verify, in the order of the centres. */
export function cosignaturesBy(
  { text, signatures }: Note,
  centres: readonly AnnouncedKeys[],
): readonly CentreCosignature[] {
  return centres.flatMap((centre) =>
    (['witness', 'mirror'] as const).flatMap((kind) => {
      const key = parseVkey(centre[kind]);
      const times = signatures
        .filter(({ name, keyId }) => name === key.name && keyId === key.keyId)
        .flatMap(({ signature }) => verifyCosignature(key, text, signature)?.timeSeconds ?? []);
      return times.length === 0
        ? []
        : [{ centre: centre.name, kind, cosignedAtMs: Math.max(...times) * 1000 }];
    }),
  );
}
