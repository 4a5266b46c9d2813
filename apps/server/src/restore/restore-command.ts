/** `vitrine restore`: a centre's own logs, brought back from the copies that others have of them. */
import { EMPTY_ROOT, noteVerifier } from '@vitrine/tlog';
import { LogSigner, nativeVerifier } from '../log/checkpoint-signing.ts';
import type { LogSpec } from '../log/log.ts';
import type { Acceptance } from '../witnessing/followed-log.ts';
import { readKeptLog } from './kept-log.ts';
import { type CopiesFound, findCopies } from './mirror-copies.ts';
import { RestoreError } from './restore-error.ts';
import { hasAll, type LogToRestore, newestCopy, type RestoredLog, restoreLog } from './restore-log.ts';
import type { RestoreStorage } from './restore-storage.ts';

export interface RestoreOptions {
  /** Those that the centre writes. */
  readonly logs: readonly LogSpec[];
  /** Published as one, where there are such two: of the second no copy may be older than that of the first. */
  readonly pair: { readonly lead: string; readonly companion: string } | undefined;
  /** URLs and folders. */
  readonly mirrors: readonly string[];
  /** Logs that never took an entry, so that nobody has a copy: they begin again, empty. */
  readonly begin: readonly string[];
  readonly storage: RestoreStorage;
  /** Whether a checkpoint of this log may be shown, the log's own signature aside. */
  readonly acceptanceOf: (origin: string) => (note: string) => Acceptance;
  /** Whether the centre cosigns. */
  readonly cosigns: boolean;
  /** Ends the keys of its two cosigners, which then begin with new ones. */
  readonly newCosigners: boolean;
  /** Told of each log that is taken, before it is. */
  readonly onTaking?: (origin: string, from: string, size: number) => void;
}

export interface Restored {
  readonly logs: readonly RestoredLog[];
  /** The folder of what was there before; null if nothing was replaced. */
  readonly before: string | null;
  readonly newCosigners: boolean;
}

/**
 * Looks at every mirror, takes the newest copy of each log that the data folder has less of, and puts all of them in
 * their places at once. If it throws, or ends in the middle, the data folder is as it was.
 *
 * @throws RestoreError; LogError `disk-full`, `wrong-key`, `corrupt`; FsckError `unreachable` for a folder that is not there
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { storage, pair, newCosigners } = options;
  if (options.cosigns && !newCosigners && !(await storage.hasCosigners()))
    throw new RestoreError(
      'cosigners-lost',
      'what this centre’s witness and mirror have cosigned is lost (witness-state/), so their keys must never sign again: what they do not remember, they would contradict. ' +
        'Add --new-cosigners: they get new keys, which have to be announced and to stand in everybody’s policy',
    );
  const logs: LogToRestore[] = [];
  // The lead is read first, so what is read of its companion is no older.
  for (const spec of options.logs) logs.push(await look(spec, options));
  const companions = pair === undefined ? {} : companionsOf(logs, pair);
  const outcomes: RestoredLog[] = [];
  for (const log of logs) outcomes.push(await restoreOne(log, options, companions));
  if (newCosigners) await storage.stageCosigners();
  const isChanged = newCosigners || outcomes.some(({ outcome }) => outcome === 'restored');
  return { logs: outcomes, before: isChanged ? await storage.commit() : null, newCosigners };
}

async function look(
  spec: LogSpec,
  { mirrors, storage, acceptanceOf, begin }: RestoreOptions,
): Promise<LogToRestore> {
  const verifier = nativeVerifier(noteVerifier(spec.origin, 0x01, spec.key.publicKey));
  const found = await Promise.all(mirrors.map((mirror) => findCopies(mirror, { name: spec.name, verifier })));
  const copies = found.flatMap((each) => each.copies);
  const kept = await readKeptLog(spec, storage.kept(spec.name));
  return {
    spec,
    kept,
    found: {
      copies: copies.length > 0 || !begin.includes(spec.name) ? copies : [emptyCopy(spec)],
      problems: found.flatMap(({ problems }) => problems),
    },
    accept: acceptanceOf(spec.origin),
  };
}

/** What the log had signed when it was made. */
function emptyCopy({ origin, key }: LogSpec): CopiesFound['copies'][number] {
  const { note } = new LogSigner(origin, key).sign(0, EMPTY_ROOT);
  return { from: 'nobody', source: { kind: 'folder', path: '' }, size: 0, root: EMPTY_ROOT, note };
}

/** @throws RestoreError `stale-keys`, `not-offered` */
function companionsOf(
  logs: readonly LogToRestore[],
  { lead, companion }: { readonly lead: string; readonly companion: string },
): Readonly<Record<string, string>> {
  const [first, second] = [lead, companion].map((name) => {
    const log = logs.find(({ spec }) => spec.name === name);
    return log === undefined || log.found.copies.length === 0 ? undefined : newestCopy(log);
  });
  if (first === undefined || second === undefined) return {};
  if (second.cosignedAt >= first.cosignedAt) return { [companion]: second.note };
  throw new RestoreError(
    'stale-keys',
    `the newest copy of ${companion} (${second.from}) was cosigned ${first.cosignedAt - second.cosignedAt} s before that of ${lead} (${first.from}), with which it is published: a mirror shows an old one. Name another mirror`,
  );
}

async function restoreOne(
  log: LogToRestore,
  { storage, pair, onTaking }: RestoreOptions,
  companions: Readonly<Record<string, string>>,
): Promise<RestoredLog> {
  const { spec, kept, found } = log;
  const isOfPair = pair !== undefined && [pair.lead, pair.companion].includes(spec.name);
  // Every centre follows these two; of another log it may be that nobody does.
  const isMissing = isOfPair && found.copies.length === 0;
  if (kept.state === 'readable' && !isMissing && (await hasAll(log))) {
    const { size } = kept.checkpoint;
    return {
      name: spec.name,
      origin: spec.origin,
      outcome: 'kept',
      size,
      sizeBefore: size,
      from: null,
      warnings: [
        ...found.problems,
        ...(found.copies.length === 0 ? [`no mirror has a copy of ${spec.origin}: it stays as it is`] : []),
      ],
    };
  }
  const { from, size } = newestCopy(log);
  onTaking?.(spec.origin, from, size);
  return restoreLog(log, await storage.stage(spec.name), companions);
}
