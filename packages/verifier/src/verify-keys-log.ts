// A keys log by itself, without a statement that it should admit: for those who administer keys.

import { type KeysEntry, type KeysState, type Verify, verifyEd25519 } from '@vitrine/statements';
import { checkAge, checkKeysLog, checkPolicy } from './checks.ts';
import type { Evidence } from './evidence.ts';

export type KeysLogVerdict =
  | {
      readonly ok: true;
      /** What all leaves came to. */
      readonly state: KeysState;
      readonly entries: readonly KeysEntry[];
      /** The time that the cosigners of the checkpoint vouch for. */
      readonly asOfMs: number;
      readonly reason: string;
      /** Who would have to act together for this to be false. */
      readonly collusion: string;
    }
  | { readonly ok: false; readonly reason: string };

/**
 * Whether this is the whole keys log of a policy: its checkpoint signed and cosigned, its root that of the leaves,
 * its entry 0 the pinned one, and no older than the policy's max-age. Never throws on bad input.
 *
 * @param policy the text of a verification policy: all that is believed
 * @param nowMs this machine's time, for the age only
 */
export function verifyKeysLog(
  keys: Evidence['keys'],
  policy: string,
  nowMs: number = Date.now(),
  verify: Verify = verifyEd25519,
): KeysLogVerdict {
  const parsed = checkPolicy(policy, undefined);
  if (!parsed.ok) return parsed;
  const checked = checkKeysLog(parsed.value, { evidence: { keys } }, verify);
  if (!checked.ok) return checked;
  const { entries, state, timeMs } = checked.value;
  const { reason, collusion } = checked;
  if (parsed.value.maxAgeMs !== undefined) {
    const age = checkAge(parsed.value, checked.value, parsed.value.maxAgeMs, nowMs);
    if (!age.ok) return age;
  }
  return { ok: true, state, entries, asOfMs: timeMs, reason, collusion };
}
