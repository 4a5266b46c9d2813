/** `vitrine evidence refresh FILE --server URL`: the newest evidence about the same statement, in the place of the old, if the log only grew. */
import { verifyEvidence } from '@vitrine/verifier';
import type { Verdict } from '@vitrine/verifier';
import { verifyWithOpenssl } from '../ed25519.ts';
import { renew } from '../evidence-renewal.ts';
import type { View } from '../evidence-renewal.ts';
import { refused } from '../failure.ts';
import { replaceFile } from '../local-file.ts';
import { readPolicy } from '../policy-option.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface EvidenceRefreshOptions {
  readonly server: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** @returns the exit code @throws Failure, ApiError */
export async function evidenceRefresh(
  file: string,
  options: EvidenceRefreshOptions,
  terminal: Terminal,
): Promise<0 | 1> {
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const { old, fresh } = await renew(file, options.server, waiting(terminal));
  const verdict =
    policy === undefined
      ? undefined
      : verifyEvidence({ evidence: fresh.bytes, policy, verify: verifyWithOpenssl });
  const unsound = verdict?.checks.find(({ name, ok }) => !ok && name !== 'not-withdrawn' && name !== 'age');
  if (unsound !== undefined)
    throw refused(
      `the centre's answer does not verify (${unsound.name}: ${unsound.reason}); the file was left as it is`,
    );
  await replaceFile(file, fresh.bytes);
  report(file, old, fresh, verdict, options.json === true, terminal);
  return verdict === undefined || verdict.ok ? 0 : 1;
}

function report(
  file: string,
  old: View,
  fresh: View,
  verdict: Verdict | undefined,
  json: boolean,
  terminal: Terminal,
): void {
  if (json) {
    terminal.print(
      `${JSON.stringify({ file, from: old.treeSize, to: fresh.treeSize, verdict: verdict ?? null })}\n`,
    );
    return;
  }
  terminal.print(
    `${printable(file)}: renewed from root size ${old.treeSize} to ${fresh.treeSize}; the log only grew in between.\n`,
  );
  if (verdict !== undefined) terminal.print(`${printable(verdict.sentence)}\n`);
  else
    terminal.note(
      'No policy was given, so no signature was checked: vitrine evidence verify, vitrine verify.',
    );
}
