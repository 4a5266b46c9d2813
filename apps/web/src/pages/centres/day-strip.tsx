import type { AnnouncedCentre } from '@vitrine/api';

const STEP = 11;

function dayAndMonth(day: string): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    Date.parse(day),
  );
}

/** The last days, one mark each: filled when the centre cosigned. */
export function DayStrip({ days }: { readonly days: AnnouncedCentre['days'] }) {
  const missed = days.filter(({ cosigned }) => !cosigned).map(({ day }) => day);
  const cosigned = days.length - missed.length;
  const words =
    missed.length === 0
      ? `cosigned on each of the last ${days.length} days`
      : `cosigned on ${cosigned} of the last ${days.length} days${missed.length > 6 ? '' : `, not on ${missed.map(dayAndMonth).join(', ')}`}`;
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
      <p className="mt-1 text-sm text-soft">{days.length === 0 ? 'no day yet' : words}</p>
    </div>
  );
}
