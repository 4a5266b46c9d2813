/** Who may copy the encrypted packs of this vault: centres, by a key that the keys log gives the role. Nobody else is told even that there are any. */
import { CENTRE_ROLE, isValidAt } from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import { CentreError } from '../error.ts';

/** The role counts for all products only, since packs hold objects of any. @throws CentreError `forbidden` */
export function requireCentre(keys: KeysState, keyid: string, nowMs: number): void {
  const atMs = Math.max(nowMs, keys.lastRegisteredAtMs);
  const key = keys.keys.get(keyid);
  const isCentre =
    key?.roles.some(({ role, products }) => role === CENTRE_ROLE && products.includes('*')) === true;
  if (key !== undefined && isCentre && key.voidFrom === undefined && isValidAt(key, atMs)) return;
  throw new CentreError(
    'forbidden',
    'This is for other centres: the key of the session needs the role centre, for all products (“vitrine keys add --role centre”).',
  );
}
