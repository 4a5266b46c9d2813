/** Which bodies come along with a statement that needs no publication. */
import {
  CLOSED_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  DISPOSAL_TYPE,
  EVENT_TYPE,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import type { Statement } from '@vitrine/statements';

/** Digests of the bodies that a statement names and that are sent with it; the bodies of other types come by a publication. */
export function namedBodies({ predicateType, predicate }: Statement): readonly string[] {
  switch (predicateType) {
    case WITHDRAWAL_TYPE:
    case COMMITMENT_WITHDRAWAL_TYPE:
    case CLOSED_TYPE:
      return [predicate.reason.digest];
    case DISPOSAL_TYPE:
      return [predicate.objects.list, predicate.reason.digest];
    case COMMITMENT_TYPE:
    case EVENT_TYPE:
      return [predicate.body.digest];
    case COMMITMENT_AMENDMENT_TYPE:
      return [predicate.body.digest, predicate.reason.digest];
    default:
      return [];
  }
}
