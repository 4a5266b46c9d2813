import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Notice } from '@vitrine/api';
import { centresQuery } from '../api-client.ts';
import { LogTime } from './log-time.tsx';

const TITLES: Readonly<Record<Notice['kind'], string>> = {
  fork: 'Two different histories of this log are known',
  'fork-resolved': 'This log had two histories; its root keys said which one goes on',
  'view-differs': 'Two centres show different things of the same entries',
  'centre-stale': 'A centre shows an old state of this log',
  'centre-unreachable': 'A centre does not answer',
  'head-left-out': 'A centre’s intake log is left out',
  'log-closed': 'This log has ended',
  'quorum-missing': 'New entries wait for cosignatures',
};

/** Nobody may overlook these. */
const GRAVE: readonly Notice['kind'][] = ['fork', 'view-differs'];

/** What everyone who reads here must know, above every page: a fork most of all. */
export function Notices() {
  const { data } = useQuery(centresQuery);
  if (data === undefined || data.notices.length === 0) return null;
  return (
    <div className="mt-4 space-y-3">
      {data.notices.map(({ evidence, kind, sinceMs, text }) => (
        <section
          key={`${kind} ${sinceMs} ${text}`}
          aria-label={TITLES[kind]}
          className={
            GRAVE.includes(kind) ? 'border-2 border-refuse bg-refuse-wash p-5' : 'border border-refuse p-4'
          }
        >
          <p className="font-serif text-lg text-refuse">{TITLES[kind]}</p>
          <p className="measure mt-1">{text}</p>
          <p className="mt-1 text-sm text-soft">
            Since <LogTime timeMs={sinceMs} />
            {evidence === undefined ? null : (
              <>
                {' · '}
                <Link to="/forks" hash={evidence.replace('/api/forks/', 'fork-')} className="link">
                  Both checkpoints and the proof
                </Link>
                {' · '}
                <a className="link" href={evidence} download>
                  the evidence file
                </a>
                , which anyone can check with <code>vitrine evidence verify</code>
              </>
            )}
          </p>
        </section>
      ))}
    </div>
  );
}
