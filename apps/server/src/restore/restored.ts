/** What `vitrine restore` believes, and what it says at its end. */
import { type Policy, verifyCheckpoint } from '@vitrine/tlog';
import type { Acceptance } from '../witnessing/followed-log.ts';
import type { Restored } from './restore-command.ts';

/** The logs that a policy names need its quorum; of the others their own signature is all there is. */
export function acceptanceUnder(policy: Policy): (origin: string) => (note: string) => Acceptance {
  return (origin) => (note) => {
    if (!policy.logs.some(({ key }) => key.name === origin)) return { ok: true, cosignedAt: 0 };
    const verdict = verifyCheckpoint(note, policy);
    return verdict.ok ? { ok: true, cosignedAt: verdict.timeSeconds ?? 0 } : verdict;
  };
}

/** For people. */
export function describeRestored({ logs, before, newCosigners }: Restored): string {
  const width = Math.max(...logs.map(({ origin }) => origin.length));
  const lines = logs.map(({ origin, outcome, size, sizeBefore, from }) => {
    const had = sizeBefore === null ? 'what was here could not be read' : `${sizeBefore} were here`;
    const how = outcome === 'kept' ? 'as they were here' : `from ${String(from)}; ${had}`;
    return `${origin.padEnd(width)}  ${size} entries, ${how}`;
  });
  const warnings = new Set(logs.flatMap((log) => log.warnings));
  for (const warning of warnings) lines.push(`note: ${warning}`);
  if (before !== null) lines.push(`what was here before is in ${before}`);
  if (newCosigners)
    lines.push(
      'the witness and the mirror of this centre have new keys: “vitrine centre describe” prints them. Announce the centre again, and put them into every policy',
    );
  lines.push(
    '',
    'What no mirror can bring back: entries that were accepted and that nobody had copied. Whoever has an acceptance of such an entry has proof that it was not kept: say publicly what was lost.',
    'Also not in the logs: the vault (docs/operating.md, “Loss of the writer’s vault”), publications under way, checkpoints by older sizes that this folder had not.',
    '',
  );
  if (logs.some(({ outcome, sizeBefore }) => outcome === 'restored' && sizeBefore !== 0) && !newCosigners)
    lines.push(
      'If witness-state/ came out of a backup too, this centre’s witness and mirror have forgotten: run this again with --new-cosigners before you start it.',
    );
  lines.push(
    'Now “vitrine serve”: it asks the witnesses what they hold, and signs nothing if one of them holds more than this.',
    '',
  );
  return lines.join('\n');
}
