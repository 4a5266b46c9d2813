// Who would have to act together for a line of a verdict to be false.

import type { CheckpointVerdict, PolicyCosignature, PolicyWitness, QuorumMember } from '@vitrine/tlog';
import { list } from './plain-text.ts';
import { isVendorKey, operatorOf, type VerificationPolicy } from './verification-policy.ts';

export type VerifiedCheckpoint = Extract<CheckpointVerdict, { readonly ok: true }>;

/** The operators, the vendor apart, that would have to lie with it about a checkpoint. */
export interface Cosigners {
  /** Operators who cosigned and are not the vendor, each once. */
  readonly others: readonly string[];
  /** The fewest of them without whom the quorum is not met; 0 if the vendor meets it alone. */
  readonly needed: number;
  /** Those of `others` whom the policy does not name: a key's name stands for them. */
  readonly unnamed: readonly string[];
}

// Beyond this many operators subsets grow too many: one is then said to suffice, which claims no more than is so.
const MAX_ENUMERATED_OPERATORS = 12;

/** Counts the cosignatures by operator: several keys of one operator are one party. */
export function cosignersOf(policy: VerificationPolicy, { cosignatures }: VerifiedCheckpoint): Cosigners {
  const operatorByWitness = new Map(cosignatures.map(({ witness }) => [witness, partyOf(policy, witness)]));
  const others = [...new Set(operatorByWitness.values())].filter((party) => party !== undefined).sort();
  return {
    others,
    needed: fewest(policy.tlog.quorum, cosignatures, operatorByWitness, others),
    unnamed: cosignatures
      .filter(({ witness: { key } }) => operatorOf(policy, key.name) === undefined)
      .map(({ witness: { key } }) => key.name)
      .filter((name) => !isVendorKey(policy, name)),
  };
}

/** Who could have made a false checkpoint, in words. */
export function whoCouldFork({ instance }: VerificationPolicy, { needed, others }: Cosigners): string {
  const vendor = `whoever holds the log and cosigner keys of ${instance}`;
  if (needed === 0) return `${vendor}, alone`;
  if (needed === others.length) return `${vendor}, together with ${list(others)}`;
  return `${vendor}, together with ${needed} of the operators ${list(others)}`;
}

/** Undefined for the vendor itself. */
function partyOf(policy: VerificationPolicy, { key }: PolicyWitness): string | undefined {
  return isVendorKey(policy, key.name) ? undefined : (operatorOf(policy, key.name) ?? key.name);
}

function fewest(
  quorum: QuorumMember | 'none',
  cosignatures: readonly PolicyCosignature[],
  operatorByWitness: ReadonlyMap<PolicyWitness, string | undefined>,
  others: readonly string[],
): number {
  if (quorum === 'none') return 0;
  const suffice = (operators: ReadonlySet<string>): boolean => {
    const witnesses = cosignatures
      .map(({ witness }) => witness)
      .filter((witness) => {
        const operator = operatorByWitness.get(witness);
        return operator === undefined || operators.has(operator);
      });
    return isMet(quorum, new Set(witnesses));
  };
  if (suffice(new Set())) return 0;
  if (others.length > MAX_ENUMERATED_OPERATORS) return 1;
  const sizes = Array.from({ length: 2 ** others.length }, (_, subset) =>
    others.filter((_operator, i) => (subset >> i) % 2 === 1),
  )
    .filter((subset) => suffice(new Set(subset)))
    .map(({ length }) => length);
  return Math.min(...sizes, others.length);
}

function isMet(member: QuorumMember, witnesses: ReadonlySet<PolicyWitness>): boolean {
  if (member.kind === 'witness') return witnesses.has(member);
  return member.members.filter((each) => isMet(each, witnesses)).length >= member.threshold;
}
