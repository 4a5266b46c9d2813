import type { AnnouncedCentre } from '@vitrine/api';

const STEP = 11;

function dayAndMonth(day: string): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    Date.parse(day),
  );
}

function daysInWords(count: number, missed: readonly string[]): string {
  if (count === 0) return 'no day yet';
  if (count === 1) return missed.length === 0 ? 'cosigned on its first day' : 'not cosigned on its first day';
  if (missed.length === 0) return `cosigned on each of the last ${count} days`;
  const which = missed.length > 6 ? '' : `, not on ${missed.map(dayAndMonth).join(', ')}`;
  return `cosigned on ${count - missed.length} of the last ${count} days${which}`;
}

/** The last days, one mark each: filled when the centre cosigned. */
export function DayStrip({ days }: { readonly days: AnnouncedCentre['days'] }) {
  const missed = days.filter(({ cosigned }) => !cosigned).map(({ day }) => day);
  const words = daysInWords(days.length, missed);
  return (
    <div>
      <svg
        aria-hidden="true"
        width={days.length * STEP}
        height="18"
        viewBox={`0 0 ${days.length * STEP} 18`}
        className="block max-w-full"
      >
        {days.map(({ day, cosigned: did }, at) => (
          <rect
            key={day}
            x={at * STEP + 1}
            y={did ? 1 : 9}
            width={STEP - 3}
            height={did ? 16 : 8}
            className={did ? 'fill-accent' : 'fill-transparent stroke-strong'}
          >
            <title>{`${day}: ${did ? 'cosigned' : 'no cosignature'}`}</title>
          </rect>
        ))}
      </svg>
      <p className="mt-1 text-sm text-soft">{words}</p>
    </div>
  );
}
