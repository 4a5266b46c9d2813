// The verification policy that follows from the witnesses that a keys log names. An entry point of its own: who only
// verifies does not carry it.

import type { WitnessEntry, WitnessesPredicate } from '@vitrine/statements';
import { formatVkey, parseVkey } from '@vitrine/tlog';
import {
  formatVerificationPolicy,
  type PolicyDraft,
  type VerificationPolicy,
} from './verification-policy.ts';

type Group = NonNullable<PolicyDraft['groups']>[number];

/**
 * The text of a policy with other witnesses: logs, pin, max-age and the operators of logs stay. Cosigners are grouped by
 * operator, so that several keys of one operator count once; where mirrors must cosign too, both kinds have a quorum of their own.
 *
 * @param policy as parsed; its own witnesses are left out
 */
export function policyWithWitnesses(
  policy: VerificationPolicy,
  { mirrorQuorum = 0, quorum, witnesses }: Pick<WitnessesPredicate, 'mirrorQuorum' | 'quorum' | 'witnesses'>,
): string {
  const groups = groupsOf('witness', quorum, witnesses);
  if (mirrorQuorum > 0) {
    groups.push(...groupsOf('mirror', mirrorQuorum, witnesses));
    groups.push({ name: 'both', threshold: 'all', members: ['witnesses', 'mirrors'] });
  }
  const operators = new Map<string, string[]>();
  for (const { key } of policy.tlog.logs) {
    const operator = policy.operators.get(key.name);
    if (operator !== undefined) operators.set(operator, [...(operators.get(operator) ?? []), key.name]);
  }
  for (const { operator, vkey } of witnesses)
    operators.set(operator, [...(operators.get(operator) ?? []), parseVkey(vkey).name]);
  return formatVerificationPolicy({
    logs: policy.tlog.logs.map(({ key, url }) => ({
      vkey: formatVkey(key),
      ...(url === undefined ? {} : { url }),
    })),
    witnesses: witnesses.map((each) => ({
      name: nameOf(each),
      vkey: each.vkey,
      ...(each.url === undefined ? {} : { url: each.url }),
    })),
    groups,
    quorum: mirrorQuorum > 0 ? 'both' : 'witnesses',
    keysEntry0: policy.keysEntry0,
    ...(policy.maxAgeMs === undefined ? {} : { maxAgeMs: policy.maxAgeMs }),
    operators: [...operators].map(([operator, keyNames]) => ({ operator, keyNames })),
  });
}

/** `witnesses 2 …`, with a group before it for each operator that has several keys of the kind. */
function groupsOf(
  kind: 'witness' | 'mirror',
  threshold: number,
  witnesses: readonly WitnessEntry[],
): Group[] {
  const plural = kind === 'witness' ? 'witnesses' : 'mirrors';
  const namesOf = new Map<string, string[]>();
  for (const each of witnesses)
    if (kindOf(each) === kind)
      namesOf.set(each.operator, [...(namesOf.get(each.operator) ?? []), nameOf(each)]);
  const groups: Group[] = [];
  const members = [...namesOf].flatMap(([operator, names]) => {
    if (names.length === 1) return names;
    const name = `${plural}:${operator}`;
    groups.push({ name, threshold: 'any', members: names });
    return [name];
  });
  return [...groups, { name: plural, threshold, members }];
}

/** Its name in the file: the key's, set apart from the names of groups. */
function nameOf(witness: WitnessEntry): string {
  return `${kindOf(witness)}:${parseVkey(witness.vkey).name}`;
}

function kindOf({ kind }: WitnessEntry): 'witness' | 'mirror' {
  return kind ?? 'witness';
}
