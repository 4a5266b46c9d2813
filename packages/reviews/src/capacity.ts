// Who a speaker is to the vendor and to the centre, from what the keys log and the root log know of their keys.

import { keyidOfSpeaker, type opinion } from '@vitrine/statements/intake';
import type { Known, ReviewSaying } from './known.ts';
import type { Organisation } from './organisations.ts';
import type { Capacity, Said, Told } from './told.ts';

/** What is known of the vendor and the centre when a statement becomes part of the view. */
export interface Surroundings {
  /** Whether a key acts for the vendor in reviews of the product, or of every product where none is given: the role `liaison`. */
  readonly isLiaison: (keyid: string, product: string | undefined) => boolean;
  /** Whether a key has been added to the vendor's keys log. */
  readonly isVendorKey: (keyid: string) => boolean;
  /** The keyid of the intake log that the statement entered, as the centre is announced. */
  readonly intakeKey: string;
}

/** In which capacity a statement is said. A liaison who is one for some products only is one in the reviews of those. */
export async function capacityOf(
  known: Known,
  { signer, statement }: Told<ReviewSaying>,
  { intakeKey, isLiaison }: Surroundings,
): Promise<Capacity> {
  const isCentre = signer === intakeKey;
  const { predicate } = statement;
  const engagement = 'engagement' in predicate ? await known.engagement(predicate.engagement) : undefined;
  if (engagement === undefined) return { isCentre, isVendor: false };
  const { product } = engagement.request;
  const isVendor =
    isLiaison(signer, product) || (await known.liaisonOf(signer)).some(({ key }) => isLiaison(key, product));
  return { isCentre, isVendor };
}

/**
 * Whether an opinion is the vendor's own: signed by a key of its keys log or by one of its liaisons, or given by an organisation of which
 * any key or person stands in the keys log.
 */
export async function isOwnOpinion(
  known: Known,
  { formerKeys, id, key, members }: Organisation,
  { signer, statement }: Told<Said<typeof opinion.predicateType>>,
  { isVendorKey }: Pick<Surroundings, 'isVendorKey'>,
): Promise<boolean> {
  const { partner } = statement.predicate;
  const signers = [signer, ...(partner === undefined ? [] : [keyidOfSpeaker(partner)])];
  if ([...signers, id, key, ...formerKeys, ...Object.keys(members)].some(isVendorKey)) return true;
  const theirs = await Promise.all(signers.map((keyid) => known.liaisonOf(keyid)));
  return theirs.flat().some((organisation) => isVendorKey(organisation.id) || isVendorKey(organisation.key));
}
