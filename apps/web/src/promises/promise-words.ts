/** How a promise stands, in the words of these pages. */
import type { ChangeKind, CommitmentState, Standing } from '@vitrine/commitments';

/** How a state is shown beside its words: it holds, it does not, it is open. */
export type Tone = 'holds' | 'fails' | 'open';

export const STATE_WORDS: Readonly<Record<CommitmentState, { readonly words: string; readonly tone: Tone }>> =
  {
    kept: { words: 'Kept', tone: 'holds' },
    'kept-late': { words: 'Kept late', tone: 'holds' },
    'not-yet-due': { words: 'Not yet due', tone: 'open' },
    'due-soon': { words: 'Due soon', tone: 'open' },
    'no-date': { words: 'No date given', tone: 'open' },
    'no-evidence': { words: 'No evidence recorded here', tone: 'open' },
    late: { words: 'Late', tone: 'fails' },
    lapsed: { words: 'Lapsed', tone: 'fails' },
    withdrawn: { words: 'Withdrawn', tone: 'fails' },
  };

/** The clock beside the words, when it says more than they do. */
export function clockBeside({ clock, state }: Standing): string | undefined {
  return clock.toLowerCase() === STATE_WORDS[state].words.toLowerCase() ? undefined : clock;
}

export function changeInWords(kind: ChangeKind, standing: Standing): string {
  switch (kind) {
    case 'made':
      return 'Promised';
    case 'amended':
      return 'Amended';
    case 'withdrawn':
      return 'Withdrawn';
    case 'recorded':
      return 'Evidence recorded';
    case 'kept':
      return standing.state === 'kept-late' ? 'Kept late' : 'Kept';
    case 'lapsed':
      return 'Lapsed';
    case 'overdue':
      return standing.state === 'no-evidence' ? 'Date passed, no evidence recorded' : 'Date passed';
  }
}

/** `2 kept, 1 late, 2 not yet due`: in a fixed order, of the states that there are. */
export function tally(states: readonly CommitmentState[]): string {
  const parts = Object.entries(TALLY_WORDS).flatMap(([words, counted]) => {
    const count = states.filter((state) => counted.includes(state)).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

const TALLY_WORDS: Readonly<Record<string, readonly CommitmentState[]>> = {
  kept: ['kept'],
  'kept late': ['kept-late'],
  late: ['late'],
  lapsed: ['lapsed'],
  'due by now with no evidence recorded here': ['no-evidence'],
  'due soon': ['due-soon'],
  'not yet due': ['not-yet-due'],
  'without a date': ['no-date'],
  withdrawn: ['withdrawn'],
};
