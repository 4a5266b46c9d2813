/** What a statement of the keys log would do to those who may speak, beyond what it says: asked before it is signed and sent. */
import { HEAD_TYPE, isValidAt, policyAt } from '@vitrine/statements';
import type { KeyRecord, KeysState, RegistrationRule } from '@vitrine/statements';
import { shortType } from './key-statement-in-words.ts';

export interface Consequences {
  /** The centre could not go on: it must not be sent. */
  readonly refusal?: string;
  /** What somebody should know. */
  readonly warnings: readonly string[];
}

/** Compares the state before a statement with the one after it. */
export function consequencesOf(before: KeysState, after: KeysState): Consequences {
  const atMs = after.lastRegisteredAtMs;
  const rulesBefore = policyAt(before, atMs)?.rules ?? [];
  const rulesAfter = policyAt(after, atMs)?.rules ?? [];
  const warnings: string[] = [];
  for (const rule of rulesBefore) {
    const next = rulesAfter.find(({ predicateType }) => predicateType === rule.predicateType);
    if (next === undefined) warnings.push(`nobody may say ${shortType(rule.predicateType)} any more`);
    else if (enough(before, rule, atMs) && !enough(after, next, atMs))
      warnings.push(
        `${shortType(rule.predicateType)} needs ${next.threshold} valid ${next.threshold === 1 ? 'key' : 'keys'} with the role ${next.role}, and there would be ${holders(after, next, atMs).length}`,
      );
  }
  for (const { predicateType, role } of rulesAfter)
    if (!rulesBefore.some((rule) => rule.predicateType === predicateType) && !anyHolds(after, role, atMs))
      warnings.push(`no valid key has the role ${role}, which ${shortType(predicateType)} would need`);
  const refusal = stopsAnchoring(before, after, atMs);
  return { warnings, ...(refusal === undefined ? {} : { refusal }) };
}

/**
 * The server signs the heads of its logs with one anchor key, which it reads when it starts. Once that key may not say them, the
 * statement that ended it is itself never anchored, and nothing after it.
 */
function stopsAnchoring(before: KeysState, after: KeysState, atMs: number): string | undefined {
  const rule = policyAt(after, atMs)?.rules.find(({ predicateType }) => predicateType === HEAD_TYPE);
  if (rule === undefined)
    return 'the rules leave out head/v1: the centre could not anchor its logs any more. Keep the rule for it';
  if (rule.threshold > 1)
    return 'the rules want more than one signature on head/v1, but the centre signs its heads with one key: it could not anchor its logs any more';
  const survivors = holders(after, rule, atMs).filter((key) => {
    const then = before.keys.get(key.keyid);
    return (
      then !== undefined &&
      isValidAt(then, atMs) &&
      key.roles.some(({ role, products }) => role === rule.role && products.includes('*'))
    );
  });
  return survivors.length > 0
    ? undefined
    : `no key with the role ${rule.role} would be left that is in force now, and the centre could not anchor its logs any more. First add the new one (vitrine keys add --role ${rule.role}), put it in place of keys/anchor.pem and restart the server; then end the old one`;
}

function enough(state: KeysState, rule: RegistrationRule, atMs: number): boolean {
  return holders(state, rule, atMs).length >= rule.threshold;
}

function holders(
  state: KeysState,
  { role }: Pick<RegistrationRule, 'role'>,
  atMs: number,
): readonly KeyRecord[] {
  return [...state.keys.values()].filter(
    (key) => isValidAt(key, atMs) && key.roles.some((grant) => grant.role === role),
  );
}

function anyHolds(state: KeysState, role: string, atMs: number): boolean {
  return holders(state, { role }, atMs).length > 0;
}
