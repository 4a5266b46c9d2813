// What a verification comes to: never a bare yes.

import type { PredicateType } from '@vitrine/statements';

/** The checks, in the order in which they are listed. docs/formats/evidence.md says when each holds. */
export const CHECK_NAMES = [
  'policy',
  'evidence',
  'keys-log',
  'root-checkpoint',
  'keys-current',
  'inclusion',
  'admitted',
  'file',
  'release',
  'not-withdrawn',
  'age',
] as const;

export type CheckName = (typeof CHECK_NAMES)[number];

export interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  /** Why it holds, why it does not, or because of which other check it was not made. */
  readonly reason: string;
  /** Who would have to lie, together, for this line to be false; null where the check does not hold. */
  readonly collusion: string | null;
}

/** The statement that the evidence is about, as read: believe it only if the verdict is ok. */
export interface VerdictSubject {
  readonly type: PredicateType;
  /** NAME of the policy's logs. */
  readonly instance: string;
  readonly leafIndex: number;
  readonly registeredAtMs: number;
  readonly payloadDigest: string;
  readonly product?: string;
  readonly version?: string;
  /** Of an artifact. */
  readonly name?: string;
  /** Of an artifact, hex. */
  readonly sha256?: string;
  /** Of an artifact. */
  readonly sizeBytes?: number;
}

export interface Verdict {
  /** Whether every check holds. */
  readonly ok: boolean;
  /** The verdict in one sentence, for people who read nothing else. */
  readonly sentence: string;
  readonly checks: readonly Check[];
  /** What a reader might take to be shown, and is not. */
  readonly notShown: readonly string[];
  /** The view that the verdict holds for; null if the root log's checkpoint does not stand. */
  readonly asOf: {
    readonly rootSize: number;
    /** RFC 3339, UTC: the time that the quorum vouches for. */
    readonly logTime: string;
  } | null;
  /** Null if the evidence or the policy could not be read. */
  readonly about: VerdictSubject | null;
}

/** What every verdict says, whatever was judged. */
export interface DescribedVerdict extends Pick<Verdict, 'ok' | 'sentence' | 'notShown' | 'asOf'> {
  readonly checks: readonly (Omit<Check, 'name'> & { readonly name: string })[];
}

/** A verdict as plain text for a terminal or a page that shows nothing else. Ends in a newline. */
export function describe(verdict: DescribedVerdict): string {
  const { asOf, checks, notShown, sentence } = verdict;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = [sentence, ''];
  for (const { collusion, name, ok, reason } of checks) {
    lines.push(`${ok ? '✓' : '✗'} ${name.padEnd(width)}  ${reason}`);
    if (collusion !== null) lines.push(`  ${''.padEnd(width)}  Would have to lie: ${collusion}`);
  }
  if (notShown.length > 0) lines.push('', 'Not shown:', ...notShown.map((line) => `– ${line}`));
  if (asOf !== null) lines.push('', `As of root size ${asOf.rootSize}, log time ${asOf.logTime}.`);
  return `${lines.join('\n')}\n`;
}
