// Centres that are cosigning: a fact that follows from two statements, the announcement of a centre (centre/v1) and a checkpoint of the
// root log with its cosignatures (cosigned/v1). It holds for two days, so it lapses when a centre stops.

import {
  CENTRE_TYPE,
  type CentrePredicate,
  COSIGNED_TYPE,
  type CosignedStatement,
  publicKeyFromRaw,
  StatementError,
  whyNotAnnounced,
} from '@vitrine/statements';
import {
  encodeHex,
  equalBytes,
  type Note,
  parseCheckpoint,
  parseNote,
  parseVkey,
  TlogError,
  verifyCosignature,
} from '@vitrine/tlog';
import { DAY_MS } from './calendar.ts';
import type { EvidenceDocument, EvidenceEnd, Told } from './evidence.ts';

export const CENTRE_COSIGNING_TYPE = 'https://vitrine.dev/centre-cosigning/v1';

/** How long a cosignature shows that its centre is at work. */
const COSIGNING_EXPIRES_MS = 2 * DAY_MS;

/** What of a centre's announcement matters here. */
export type AnnouncedCentre = Pick<
  CentrePredicate,
  'intake' | 'mirror' | 'version' | 'witness' | 'working'
> & {
  readonly centre: Pick<CentrePredicate['centre'], 'city' | 'country' | 'name' | 'operator'> & {
    readonly region: string;
  };
};

/** The newest announcement of each centre, by name. */
export type Centres = ReadonlyMap<string, AnnouncedCentre>;

/**
 * The centres as a statement leaves them; the same object when it says nothing new of one. An announcement that is not newer than the
 * one known, or that claims the key of another centre, changes nothing.
 */
export function advanceCentres(centres: Centres, { statement }: Told): Centres {
  if (statement.predicateType !== CENTRE_TYPE) return centres;
  const { predicate } = statement;
  if (whyNotAnnounced(predicate, centres.values()) !== undefined) return centres;
  return new Map(centres).set(predicate.centre.name, predicate);
}

/** What the announcement of a centre ends: all that rests on its being at work, when it says that it closed. */
export function centreEnd(
  before: Centres,
  after: Centres,
  { entry, registeredAtMs, statement }: Told,
): EvidenceEnd | undefined {
  if (before === after || statement.predicateType !== CENTRE_TYPE || statement.predicate.working)
    return undefined;
  return { name: nameOf(statement.predicate.centre.name), atMs: registeredAtMs, entry };
}

/** The size of the root log that a `cosigned/v1` speaks of; undefined when its checkpoint is none of this log. */
export function cosignedTreeSize({ predicate }: CosignedStatement): number | undefined {
  return open(predicate.checkpoint, predicate.log)?.treeSize;
}

/**
 * The centres that a `cosigned/v1` shows to be cosigning: those at work whose cosignature, by witness or mirror key, verifies.
 *
 * @param root the root hash of the root log at {@link cosignedTreeSize}, 32 bytes: a checkpoint of another log shows nothing
 */
export function cosigningDocuments(
  told: Told,
  centres: Centres,
  root: Uint8Array,
): readonly EvidenceDocument[] {
  const { entry, registeredAtMs: atMs, statement } = told;
  if (statement.predicateType !== COSIGNED_TYPE) return [];
  const { checkpoint, log } = statement.predicate;
  const opened = open(checkpoint, log);
  if (opened === undefined || !equalBytes(opened.root, root)) return [];
  if (statement.subject[0].digest.sha256 !== encodeHex(root)) return [];
  // The vendor's own centre bears the name of the instance whose root log this is.
  const own = centres.get(log.slice(0, log.lastIndexOf('/')))?.centre.operator;
  return [...centres.values()]
    .filter(({ working }) => working)
    .flatMap((announced) =>
      (['witness', 'mirror'] as const).flatMap((kind) => {
        const cosigned = cosignedBy(opened.note, announced[kind]);
        if (cosigned === undefined) return [];
        // From when the centre cosigned, not from when that was logged: nobody keeps a dead centre at work with what it signed long ago.
        const expiresAtMs = Math.min(atMs, cosigned.timeSeconds * 1000) + COSIGNING_EXPIRES_MS;
        if (expiresAtMs <= atMs) return [];
        const { city, country, name, operator, region } = announced.centre;
        return {
          type: CENTRE_COSIGNING_TYPE,
          atMs,
          by: { keyids: [cosigned.keyid], vendor: operator === own },
          data: { city, country, kind, name, operator, region },
          expiresAtMs,
          entry,
          restsOn: [nameOf(name)],
        };
      }),
    );
}

function cosignedBy(
  { signatures, text }: Note,
  vkey: string,
): { readonly timeSeconds: number; readonly keyid: string } | undefined {
  const key = parseVkey(vkey);
  const times = signatures.flatMap(({ keyId, name, signature }) =>
    keyId === key.keyId && name === key.name
      ? (verifyCosignature(key, text, signature)?.timeSeconds ?? [])
      : [],
  );
  if (times.length === 0) return undefined;
  try {
    return { timeSeconds: Math.max(...times), keyid: publicKeyFromRaw(key.publicKey).keyid };
  } catch (error) {
    // A point under which anything verifies.
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

function open(
  checkpoint: string,
  origin: string,
): { readonly note: Note; readonly treeSize: number; readonly root: Uint8Array } | undefined {
  try {
    const note = parseNote(checkpoint);
    const { origin: own, root, treeSize } = parseCheckpoint(note.text);
    return own === origin ? { note, treeSize, root } : undefined;
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

function nameOf(centre: string): string {
  return `centre ${centre}`;
}
