/** What a statement of the keys log would do to those who may speak, beyond what it says: asked before it is signed and sent. */
import { isValidAt, policyAt, whyNoHeads } from '@vitrine/statements';
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
  const refusal = stopsAnchoring(before, after);
  return { warnings, ...(refusal === undefined ? {} : { refusal }) };
}

/**
 * The centre signs its heads with one of the keys that may say them now, which it read when it started; which one, only it knows, and
 * it refuses by itself what would end that one. Here it is refused before anybody signs it, where none of them would be left.
 */
function stopsAnchoring(before: KeysState, after: KeysState): string | undefined {
  const anchors = [...before.keys.keys()].filter((keyid) => whyNoHeads(before, keyid) === undefined);
  const reasons = anchors.map((keyid) => whyNoHeads(after, keyid));
  if (anchors.length === 0 || reasons.includes(undefined)) return undefined;
  return `the centre could not anchor its logs any more: ${[...new Set(reasons)].join('; ')}. To replace an anchor key, first add the new one (vitrine keys add), put it in place of keys/anchor.pem and restart the server; then end the old one`;
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
