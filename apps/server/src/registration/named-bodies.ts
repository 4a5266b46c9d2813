/** Which bodies come along with a statement that needs no publication. */
import { DISPOSAL_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import type { Statement } from '@vitrine/statements';

/** Digests of the bodies that a statement names and that are sent with it; the bodies of other types come by a publication. */
export function namedBodies({ predicateType, predicate }: Statement): readonly string[] {
  if (predicateType === WITHDRAWAL_TYPE) return [predicate.reason.digest];
  if (predicateType === DISPOSAL_TYPE) return [predicate.objects.list, predicate.reason.digest];
  return [];
}
