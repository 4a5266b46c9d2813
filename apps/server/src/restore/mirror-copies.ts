/**
 * Where copies of a log can be had: at a centre (its address, or its data folder), or at one mirror of one log (a URL
 * prefix, or a folder laid out like it). Whoever serves them is believed nothing: a checkpoint counts by its signatures.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { FsckError, locateSource, openSource, type SourceLocation } from '@vitrine/fsck';
import { MAX_NOTE_BYTES, type NoteVerifier, openCheckpoint, TlogError } from '@vitrine/tlog';
import { FollowError } from '../witnessing/follow-error.ts';
import { httpLocation } from '../witnessing/follower.ts';

/** A checkpoint that the log has signed, and where what it covers should be. */
export interface Copy {
  /** The mirror as it was named. */
  readonly from: string;
  readonly source: SourceLocation;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly note: string;
}

export interface CopiesFound {
  readonly copies: readonly Copy[];
  /** What stands in the place of a copy, and why it is none; in words. */
  readonly problems: readonly string[];
}

export interface LookedFor {
  /** By which a centre that writes or follows it names it in URLs. */
  readonly name: string;
  /** Its key; the name is the origin. */
  readonly verifier: NoteVerifier;
}

/** Looks wherever a mirror may have it. */
export async function findCopies(mirror: string, log: LookedFor): Promise<CopiesFound> {
  const copies: Copy[] = [];
  const problems: string[] = [];
  for (const place of placesAt(mirror, log)) {
    try {
      const note = await readNote(place);
      if (note === null || isOfAnother(note, place, log)) continue;
      const { checkpoint } = openCheckpoint(note, log.verifier);
      copies.push({
        from: mirror,
        source: place.source,
        size: checkpoint.treeSize,
        root: checkpoint.root,
        note,
      });
    } catch (error) {
      if (!(error instanceof TlogError || error instanceof FsckError || error instanceof FollowError))
        throw error;
      problems.push(`${mirror}: ${error.message}`);
    }
  }
  return { copies, problems: [...new Set(problems)] };
}

interface Place {
  readonly source: SourceLocation;
  /** Where its checkpoint is, if not beside the tiles. */
  readonly checkpointAt?: { readonly folder: SourceLocation; readonly file: string };
  /** Whether nothing but this log belongs here. */
  readonly isOfThisLog: boolean;
}

function placesAt(mirror: string, { name, verifier }: LookedFor): Place[] {
  const hash = createHash('sha256').update(verifier.name).digest('hex');
  if (/^https?:\/\//i.test(mirror)) {
    const url = mirror.replace(/\/+$/, '');
    return [
      { source: httpLocation(`${url}/copies/${hash}`), isOfThisLog: true },
      { source: httpLocation(`${url}/logs/${name}`), isOfThisLog: false },
      { source: httpLocation(url), isOfThisLog: false },
    ];
  }
  locateSource(mirror, 0);
  const folder = (...parts: string[]): SourceLocation => ({ kind: 'folder', path: join(mirror, ...parts) });
  // As a data folder names what it follows.
  const short = hash.slice(0, 32);
  return [
    { source: folder('followed', short), isOfThisLog: true },
    {
      source: folder('followed', short),
      checkpointAt: { folder: folder('followed-state', short), file: 'held' },
      isOfThisLog: true,
    },
    { source: folder(short), isOfThisLog: true },
    { source: folder('logs', name), isOfThisLog: false },
    { source: folder(), isOfThisLog: false },
  ];
}

/** null where there is none. @throws FsckError `unreachable` @throws TlogError */
async function readNote({ source, checkpointAt }: Place): Promise<string | null> {
  const content = await openSource(checkpointAt?.folder ?? source).read(
    checkpointAt?.file ?? 'checkpoint',
    MAX_NOTE_BYTES,
  );
  if ('fault' in content) {
    if (content.missing) return null;
    throw new FollowError('bad-checkpoint', `the checkpoint is ${content.fault}`);
  }
  return Buffer.from(content.bytes).toString('utf8');
}

/** A page, or the checkpoint of another log, where this one need not be. */
function isOfAnother(note: string, { isOfThisLog }: Place, { verifier }: LookedFor): boolean {
  return !isOfThisLog && !note.startsWith(`${verifier.name}\n`);
}
