import { useNowMs } from '../clock.ts';
import { ageInWords, formatLocal, formatUtc } from '../formats/log-time.ts';
import { useTimeZoneChoice } from '../time-zone.ts';

/** ECMA-262, 21.4.1.1: no date is further from 1970. A log chooses its times, so one may be. */
const LAST_DATE_MS = 8.64e15;

/** A log time with its zone; the other zone on hover, and by the switch at the foot of every page. */
export function LogTime({ timeMs }: { readonly timeMs: number }) {
  const zone = useTimeZoneChoice();
  if (Math.abs(timeMs) > LAST_DATE_MS) return <>a time beyond any calendar ({timeMs} ms)</>;
  const utc = formatUtc(timeMs);
  const local = formatLocal(timeMs);
  return (
    <time
      dateTime={new Date(timeMs).toISOString()}
      title={zone === 'utc' ? `Your time: ${local}` : `Log time: ${utc}`}
      className="tabular-nums lg:whitespace-nowrap"
    >
      {zone === 'utc' ? utc : local}
    </time>
  );
}

/** How long ago a log time was by the reader's clock. */
export function Age({ timeMs }: { readonly timeMs: number }) {
  return <>{ageInWords(timeMs, useNowMs())}</>;
}
