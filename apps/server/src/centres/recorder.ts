/**
 * Cosignatures stand outside of the log, and a view is a function of the log alone. So the writer says in its root log that the
 * announced centres have cosigned it: each key when it is seen first, and again when what the log holds of it is a day old.
 */
import { COSIGNED_TYPE, cosignedStatement, MAX_COSIGNED_NOTE, signStatement } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { encodeHex, formatNote, parseVkey } from '@vitrine/tlog';
import type { Note } from '@vitrine/tlog';
import type { EngineLogger } from '../log/engine-logger.ts';
import type { Log } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import { cosignaturesBy, readCosigned } from './cosignatures.ts';
import type { AnnouncedKeys } from './cosignatures.ts';
import type { CentreKeyKind } from './tables.ts';

/** What the log holds of a key is renewed after this time: half of that for which it shows that the centre is at work. */
const RENEW_AFTER_MS = 24 * 3_600_000;
/** But for keys of which it holds nothing, at most one entry in this time. */
const BETWEEN_MS = 3_600_000;

export interface RecorderOptions {
  readonly root: Pick<Log, 'append' | 'onPublished' | 'origin' | 'published' | 'vkey'>;
  readonly read: ReadDb;
  /** Calls back after each fold. */
  readonly onFolded: (listener: () => void) => void;
  /** The anchor key. */
  readonly signer: Signer;
  readonly logger: EngineLogger;
}

/** Looks at each published checkpoint, and at the newest one when a centre may have been announced. */
export function recordCosignatures({ logger, onFolded, read, root, signer }: RecorderOptions): void {
  /** By vkey, what this process has said: an entry that counts for nothing is not repeated at each publication. */
  const saidMs = new Map<string, number>();
  let lastSaidMs = Number.NEGATIVE_INFINITY;
  let looking = false;
  let again = false;
  /** A closed log holds no more of them. */
  let ended = false;

  async function look(): Promise<void> {
    const shown = root.published;
    const opened = readCosigned(shown.note, root.origin);
    if (opened === undefined) return;
    const centres = await centresAtWork(read);
    const seen = cosignaturesBy(opened.note, centres).flatMap(({ centre, cosignedAtMs, kind }) => {
      const known = centres.find(({ name }) => name === centre);
      if (known === undefined) return [];
      const heldMs = Math.max(known.loggedMs[kind] ?? 0, saidMs.get(known[kind]) ?? 0);
      return [{ vkey: known[kind], cosignedAtMs, heldMs }];
    });
    const isNews = seen.some(({ heldMs }) => heldMs === 0);
    const mayRenew = shown.cosignedAt * 1000 >= lastSaidMs + BETWEEN_MS;
    const isOld = seen.some(({ cosignedAtMs, heldMs }) => cosignedAtMs >= heldMs + RENEW_AFTER_MS);
    if (!isNews && !(isOld && mayRenew)) return;
    const note = noteOf(opened.note, [root.vkey, ...seen.map(({ vkey }) => vkey)]);
    if (note.length > MAX_COSIGNED_NOTE) {
      logger.warn({ characters: note.length }, 'the cosignatures of the centres do not fit into an entry');
      return;
    }
    const statement = cosignedStatement({ checkpoint: note, log: root.origin }, encodeHex(shown.root));
    await root.append([await signStatement(statement, [signer])]);
    for (const { cosignedAtMs, vkey } of seen) saidMs.set(vkey, cosignedAtMs);
    lastSaidMs = shown.cosignedAt * 1000;
  }

  async function lookWhileAsked(): Promise<void> {
    for (looking = true; again && !ended; ) {
      again = false;
      try {
        await look();
      } catch (err) {
        if (err instanceof LogError && err.code === 'log-closed') ended = true;
        // The next publication tries again; when the server ends there is none.
        else logger.warn({ err, type: COSIGNED_TYPE }, 'cosignatures could not be recorded');
      }
    }
    looking = false;
  }

  function lookSoon(): void {
    again = true;
    if (!looking) void lookWhileAsked();
  }

  root.onPublished(lookSoon);
  onFolded(lookSoon);
}

interface CentreAtWork extends AnnouncedKeys {
  /** When each of its keys had cosigned what the log holds of it since it was announced so. */
  readonly loggedMs: Readonly<Partial<Record<CentreKeyKind, number>>>;
}

async function centresAtWork(read: ReadDb): Promise<readonly CentreAtWork[]> {
  return snapshot(read, async (at) => {
    const centres = await at
      .selectFrom('centres')
      .select(['name', 'witness', 'mirror'])
      .where('working', '=', 1)
      .orderBy('name')
      .execute();
    const logged = await at
      .selectFrom('centre_cosignatures')
      .innerJoin('centres', 'centres.name', 'centre_cosignatures.centre')
      .select(({ fn }) => ['centre', 'key_kind as kind', fn.max('cosigned_at').as('ms')])
      // What an earlier announcement's keys signed says nothing of those of this one.
      .whereRef('centre_cosignatures.leaf_index', '>', 'centres.leaf_index')
      .groupBy(['centre', 'key_kind'])
      .execute();
    return centres.map((centre) => ({
      ...centre,
      loggedMs: Object.fromEntries(
        logged.filter((row) => row.centre === centre.name).map(({ kind, ms }) => [kind, ms]),
      ),
    }));
  });
}

/** The note with the signatures by these keys only: others’ may be many, and large. */
function noteOf({ text, signatures }: Note, vkeys: readonly string[]): string {
  const keys = vkeys.map((vkey) => parseVkey(vkey));
  return formatNote({
    text,
    signatures: signatures.filter(({ keyId, name }) =>
      keys.some((key) => key.name === name && key.keyId === keyId),
    ),
  });
}
