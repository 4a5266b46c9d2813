import type { Standing } from '@vitrine/commitments';
import { ResultSign } from '../components/check-list.tsx';
import { clockBeside, STATE_WORDS } from './promise-words.ts';

/** How a promise stands: a sign, the words that it repeats, and the clock. */
export function StateLabel({
  standing,
  large = false,
}: {
  readonly standing: Standing;
  readonly large?: boolean;
}) {
  const { tone, words } = STATE_WORDS[standing.state];
  const clock = clockBeside(standing);
  return (
    <div className="flex gap-2.5">
      <span className={large ? 'mt-2' : 'mt-1'}>
        <ResultSign ok={tone === 'holds' ? true : tone === 'fails' ? false : null} />
      </span>
      <div className="min-w-0">
        <p
          className={`font-serif leading-snug ${large ? 'text-2xl' : 'text-lg'} ${tone === 'holds' ? 'text-accent' : tone === 'fails' ? 'text-refuse' : ''}`}
        >
          {words}
        </p>
        {clock === undefined ? null : <p className="text-sm text-soft">{clock}</p>}
      </div>
    </div>
  );
}
