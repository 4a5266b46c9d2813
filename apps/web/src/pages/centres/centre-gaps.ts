/** What is missing among the centres, so that nobody takes their number for more than it is. */
import type { AnnouncedCentre } from '@vitrine/api';
import { countOf, formatCount } from '../../formats/byte-size.ts';
import { DAY_MS } from '../../formats/calendar-day.ts';

/** A centre that cosigned within this time counts as at work. */
const AT_WORK_MS = 2 * DAY_MS;

export function isCosigning({ lastCosigned, working }: AnnouncedCentre, asOfMs: number): boolean {
  const newest = Math.max(lastCosigned.witness?.atMs ?? 0, lastCosigned.mirror?.atMs ?? 0);
  return working && newest > asOfMs - AT_WORK_MS;
}

/** `all 12 entries`, of the `here` that the centre that answers shows. */
export function verifiedInWords(size: number, here: number): string {
  const entries = countOf(here, 'entry', 'entries');
  if (size === here) return `all ${entries}`;
  return size < here
    ? `${formatCount(size)} of ${entries}, ${formatCount(here - size)} behind`
    : `${countOf(size, 'entry', 'entries')}, ${formatCount(size - here)} more than are shown here`;
}

/** Of one centre. */
export function gapsOf(centre: AnnouncedCentre, asOfMs: number): readonly string[] {
  const { lastCosigned, working } = centre;
  if (!working) return ['It is announced as closed.'];
  const isOld = (one: { readonly atMs: number } | null): boolean =>
    one !== null && one.atMs <= asOfMs - AT_WORK_MS;
  return [
    ...(lastCosigned.witness === null
      ? ['It has not cosigned as a witness: nothing shows that it saw the same history as others.']
      : isOld(lastCosigned.witness)
        ? ['Its witness has not cosigned for two days.']
        : []),
    ...(lastCosigned.mirror === null
      ? ['It has not cosigned as a mirror: nothing shows that it holds a copy of the entries.']
      : isOld(lastCosigned.mirror)
        ? ['Its mirror has not cosigned for two days.']
        : []),
  ];
}

/** Of all of them together. */
export function gapsOfAll(centres: readonly AnnouncedCentre[], asOfMs: number): readonly string[] {
  const cosigning = centres.filter((centre) => isCosigning(centre, asOfMs));
  const operators = new Set(cosigning.map(({ operator }) => operator));
  const others = cosigning.filter(({ self }) => !self);
  if (centres.length === 0) return [];
  return [
    ...(cosigning.length === 0 ? ['No announced centre has cosigned within two days.'] : []),
    ...(cosigning.length > 1 && operators.size === 1
      ? ['All centres at work are run by one operator: they count as one.']
      : []),
    ...(cosigning.length > 0 && others.length === 0
      ? ['No centre but this one cosigns: nobody else confirms that everyone is shown the same log.']
      : []),
  ];
}
