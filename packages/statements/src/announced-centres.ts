// What an announcement of a centre must not take from those before it: a key speaks for one centre in one role, or two centres,
// or a witness and its mirror, would be one. Pure: the door, the projections and whoever recomputes them ask this function.

import { encodeHex, parseVkey } from '@vitrine/tlog';

export type CentreKeyRole = 'intake' | 'mirror' | 'witness';

/** What of an announcement in force another one is judged by. */
export interface CentreInForce {
  readonly centre: { readonly name: string };
  readonly intake: { readonly vkey: string };
  readonly mirror: string;
  readonly version: number;
  readonly witness: string;
}

/**
 * Why an announcement counts for nothing beside those in force, in words; undefined when it counts. Names of keys do not matter, and a
 * key of type 0x01 and one of type 0x04 are one when their public keys are.
 *
 * @param inForce the newest announcement of each centre, also of those that have closed
 */
export function whyNotAnnounced(
  { centre, intake, mirror, version, witness }: CentreInForce,
  inForce: Iterable<CentreInForce>,
): string | undefined {
  const keys = new Map(keysOf({ intake, mirror, witness }).map(([role, key]) => [key, role]));
  for (const other of inForce) {
    if (other.centre.name === centre.name) {
      if (other.version >= version)
        return `it is announcement ${version} of ${centre.name}, and announcement ${other.version} is in force`;
      continue;
    }
    for (const [theirs, key] of keysOf(other)) {
      const role = keys.get(key);
      if (role !== undefined)
        return `its ${role} key is the ${theirs} key of ${other.centre.name}: a key speaks for one centre in one role`;
    }
  }
  return undefined;
}

/** Of each role, the public key in hex. @throws TlogError for what is no vkey */
export function keysOf({
  intake,
  mirror,
  witness,
}: Pick<CentreInForce, 'intake' | 'mirror' | 'witness'>): readonly (readonly [CentreKeyRole, string])[] {
  return [
    ['witness', rawOf(witness)],
    ['mirror', rawOf(mirror)],
    ['intake', rawOf(intake.vkey)],
  ];
}

function rawOf(vkey: string): string {
  return encodeHex(parseVkey(vkey).publicKey);
}
