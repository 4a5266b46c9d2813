/** `vitrine keys list`: who may say what at a centre, since when, and until when. */
import {
  formatPublicKey,
  isValidAt,
  type KeyRecord,
  type KeysEntry,
  policyAt,
  ROOT_KEYS_TYPE,
} from '@vitrine/statements';
import { connect } from '../centre-connection.ts';
import { grantInWords, shortType } from '../key-statement-in-words.ts';
import { readKeysLog } from '../keys-log-source.ts';
import type { ServedKeysLog } from '../keys-log-source.ts';
import { printable } from '../printable.ts';
import { styled } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { readPolicy } from './verify.ts';
import { waiting } from '../waiting.ts';

export interface KeysListOptions {
  readonly server: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** @returns the exit code: 1 when nothing counts under the log, verified or not @throws Failure when the log is refused under the policy; ApiError */
export async function keysList(options: KeysListOptions, terminal: Terminal): Promise<0 | 1> {
  connect(options.server);
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const served = await readKeysLog(options.server, waiting(terminal), policy === undefined ? {} : { policy });
  if (options.json === true) terminal.print(`${JSON.stringify(forPrograms(served))}\n`);
  else terminal.print(`${printable(forPeople(served, options).join('\n'))}\n`);
  if (options.json !== true && served.verified === undefined)
    terminal.note(
      styled(terminal, 'red', 'Nothing was verified.') +
        ' This is what the server says; with --policy FILE its checkpoint and entry 0 are checked.',
    );
  return served.state.unsound === undefined && served.state.rootKeys !== undefined ? 0 : 1;
}

/** Times in milliseconds since 1970. */
function forPrograms({ origin, leaves, state, entries, verified }: ServedKeysLog) {
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
            witnesses: state.witnesses.witnesses,
          },
    keys: [...state.keys.values()].map((key) => ({
      keyid: key.keyid,
      spki: formatPublicKey(key),
      roles: key.roles,
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
      `  ${witnesses.quorum} of these operators must cosign; version ${witnesses.version}`,
      ...witnesses.witnesses.map(({ operator, vkey }) => `  ${operator}  ${vkey}`),
    );
  lines.push(
    '',
    'Keys',
    ...[...state.keys.values()].flatMap((key) => keyLines(key, state.lastRegisteredAtMs)),
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

function keyLines(key: KeyRecord, atMs: number): string[] {
  const state = isValidAt(key, atMs) ? 'valid' : `${key.endedBy ?? 'ended'} ${time(key.endedAtMs)}`;
  return [
    `  ${key.keyid}  ${state}`,
    `    ${key.roles.map(grantInWords).join('; ')}`,
    `    since ${time(key.addedAtMs)}`,
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
