/** `vitrine keys list`: who may say what at a centre, since when, and until when. */
import {
  formatPublicKey,
  isValidAt,
  type KeyRecord,
  type KeysEntry,
  policyAt,
  ROOT_KEYS_TYPE,
} from '@vitrine/statements';
import { parseVerificationPolicy } from '@vitrine/verifier';
import { policyWithWitnesses } from '@vitrine/verifier/witnesses-policy';
import { connect } from '../centre-connection.ts';
import { couldNotRun, refused } from '../failure.ts';
import { cosignersInWords, grantInWords, shortType } from '../key-statement-in-words.ts';
import { readHolder } from '../key-holder-file.ts';
import type { ReadHolder } from '../key-holder-file.ts';
import { readKeysLog } from '../keys-log-source.ts';
import type { ServedKeysLog } from '../keys-log-source.ts';
import { createFile } from '../new-file.ts';
import { readPolicy } from '../policy-option.ts';
import { printable } from '../printable.ts';
import { styled } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface KeysListOptions {
  readonly server: string;
  readonly policy?: string;
  /** Where the policy goes that follows from `policy` and the witnesses that the log names. */
  readonly policyOut?: string;
  /** Files that say who stands behind keys of this log. */
  readonly holder?: readonly string[];
  readonly json?: boolean;
}

/** @returns the exit code: 1 when nothing counts under the log, verified or not @throws Failure when the log is refused under the policy; ApiError */
export async function keysList(options: KeysListOptions, terminal: Terminal): Promise<0 | 1> {
  connect(options.server);
  if (options.policyOut !== undefined && options.policy === undefined)
    throw couldNotRun(
      '--policy-out needs --policy FILE: the new policy says what the old one says, but for the witnesses',
    );
  const holders = await Promise.all((options.holder ?? []).map(readHolder));
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const served = await readKeysLog(options.server, waiting(terminal), policy === undefined ? {} : { policy });
  const heldBy = whoHolds(served, holders);
  if (options.json === true) terminal.print(`${JSON.stringify(forPrograms(served, heldBy))}\n`);
  else terminal.print(`${printable(forPeople(served, heldBy, options).join('\n'))}\n`);
  if (policy !== undefined && options.policyOut !== undefined) {
    await createFile(options.policyOut, new TextEncoder().encode(nextPolicy(policy, served)), 0o644);
    terminal.note(
      `${printable(options.policyOut)} is written. Who must cosign is what the root keys of the vendor say: compare it with what the witnesses themselves say, before you use it or hand it out.`,
    );
  }
  if (options.json !== true && served.verified === undefined)
    terminal.note(
      styled(terminal, 'red', 'Nothing was verified.') +
        ' This is what the server says; with --policy FILE its checkpoint and entry 0 are checked.',
    );
  return served.state.unsound === undefined && served.state.rootKeys !== undefined ? 0 : 1;
}

/** Who stands behind keys, by the commitment of the keys. @throws Failure when a file is about no key of this log */
function whoHolds(
  { origin, state }: ServedKeysLog,
  holders: readonly ReadHolder[],
): ReadonlyMap<string, string> {
  const committed = new Set([...state.keys.values()].map(({ holder }) => holder));
  for (const { holder, commitment } of holders)
    if (!committed.has(commitment))
      throw refused(`no key of ${origin} commits to “${holder}” (${commitment})`);
  return new Map(holders.map(({ holder, commitment }) => [commitment, holder]));
}

/** @throws Failure */
function nextPolicy(policy: string, { origin, state }: ServedKeysLog): string {
  if (state.witnesses === undefined) throw refused(`${origin} names no witnesses`);
  return policyWithWitnesses(parseVerificationPolicy(policy), state.witnesses);
}

/** Times in milliseconds since 1970. */
function forPrograms(
  { origin, leaves, state, entries, verified }: ServedKeysLog,
  heldBy: ReadonlyMap<string, string>,
) {
  const policy = policyAt(state, state.lastRegisteredAtMs);
  return {
    log: origin,
    size: leaves.length,
    entry0: state.entry0 ?? null,
    verified:
      verified === undefined
        ? null
        : { asOf: verified.asOfMs, reason: verified.reason, collusion: verified.collusion },
    unsound: state.unsound?.reason ?? null,
    rootKeys:
      state.rootKeys === undefined
        ? null
        : {
            version: state.rootKeys.version,
            threshold: state.rootKeys.threshold,
            since: sinceOfRoot(entries) ?? null,
            keys: state.rootKeys.keys.map((key) => ({ keyid: key.keyid, spki: formatPublicKey(key) })),
          },
    policy:
      policy === undefined ? null : { version: policy.version, since: policy.fromMs, rules: policy.rules },
    witnesses:
      state.witnesses === undefined
        ? null
        : {
            version: state.witnesses.version,
            quorum: state.witnesses.quorum,
            mirrorQuorum: state.witnesses.mirrorQuorum ?? 0,
            witnesses: state.witnesses.witnesses.map(({ kind = 'witness', operator, url = null, vkey }) => ({
              kind,
              operator,
              url,
              vkey,
            })),
          },
    keys: [...state.keys.values()].map((key) => ({
      keyid: key.keyid,
      spki: formatPublicKey(key),
      roles: key.roles,
      holder: key.holder ?? null,
      heldBy: heldBy.get(key.holder ?? '') ?? null,
      since: key.addedAtMs,
      ended: key.endedAtMs === undefined ? null : { at: key.endedAtMs, by: key.endedBy ?? null },
      successor: key.successor ?? null,
      voidFrom: key.voidFrom ?? null,
    })),
    refused: entries
      .filter((entry) => !entry.counts)
      .map(({ index, code, reason }) => ({ index, code, reason })),
  };
}

function forPeople(
  { origin, leaves, state, entries, verified }: ServedKeysLog,
  heldBy: ReadonlyMap<string, string>,
  { policy: file, server }: KeysListOptions,
): string[] {
  const policy = policyAt(state, state.lastRegisteredAtMs);
  const { rootKeys, witnesses, unsound } = state;
  const lines = [`${origin}, ${leaves.length} entries`];
  if (verified === undefined) lines.push(`not verified: as ${server} says`);
  else lines.push(`verified under ${file ?? ''}: ${verified.reason}`, `false only if: ${verified.collusion}`);
  if (unsound !== undefined) lines.push(`NOT SOUND: ${unsound.reason}. Nothing counts under it.`);
  lines.push('', 'Root keys');
  if (rootKeys === undefined) lines.push('  none: entry 0 established none');
  else
    lines.push(
      `  ${rootKeys.threshold} of ${rootKeys.keys.length} must sign; version ${rootKeys.version}, since ${time(sinceOfRoot(entries))}`,
      ...rootKeys.keys.map(({ keyid }) => `  ${keyid}`),
    );
  lines.push('', 'Registration policy');
  if (policy === undefined) lines.push('  none: nothing may be said');
  else
    lines.push(
      `  version ${policy.version}, since ${time(policy.fromMs)}`,
      ...policy.rules.map(
        ({ predicateType, role, threshold }) =>
          `  ${shortType(predicateType).padEnd(16)} ${threshold} × ${role}`,
      ),
    );
  lines.push('', 'Witnesses');
  if (witnesses === undefined) lines.push('  none');
  else
    lines.push(
      `  version ${witnesses.version}; a checkpoint counts once it was cosigned`,
      ...cosignersInWords(witnesses).map((line) => `  ${line}`),
    );
  lines.push(
    '',
    'Keys',
    ...[...state.keys.values()].flatMap((key) => keyLines(key, heldBy, state.lastRegisteredAtMs)),
  );
  const idle = entries.filter((entry) => !entry.counts);
  if (idle.length > 0)
    lines.push(
      '',
      'Entries that count for nothing',
      ...idle.map(({ index, reason }) => `  ${index}  ${reason}`),
    );
  return lines;
}

function keyLines(key: KeyRecord, heldBy: ReadonlyMap<string, string>, atMs: number): string[] {
  const { holder } = key;
  const state = isValidAt(key, atMs) ? 'valid' : `${key.endedBy ?? 'ended'} ${time(key.endedAtMs)}`;
  return [
    `  ${key.keyid}  ${state}`,
    `    ${key.roles.map(grantInWords).join('; ')}`,
    `    since ${time(key.addedAtMs)}`,
    ...(holder === undefined
      ? []
      : [`    held by ${heldBy.get(holder) ?? `somebody to whom ${holder} commits`}`]),
    ...(key.successor === undefined ? [] : [`    succeeded by ${key.successor}`]),
    ...(key.voidFrom === undefined
      ? []
      : [`    compromised: its signatures from entry ${key.voidFrom} of the root log on are void`]),
  ];
}

function sinceOfRoot(entries: readonly KeysEntry[]): number | undefined {
  return entries
    .flatMap((entry) =>
      entry.counts && entry.statement.predicateType === ROOT_KEYS_TYPE ? [entry.registeredAtMs] : [],
    )
    .at(-1);
}

function time(ms: number | undefined): string {
  // A hostile log may name a time that no calendar has.
  return ms === undefined || ms > 8.64e15 ? 'a date that does not exist' : new Date(ms).toISOString();
}
