import { Link } from '@tanstack/react-router';
import type { LogClosing } from '@vitrine/api';
import { CheckedBody } from '../../components/checked-body.tsx';
import type { Fact } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { countOf } from '../../formats/byte-size.ts';

/** When and why a log ended, and where it goes on. `origin`: of the log that is shown, which may have ended with its root log. */
export function closingFacts(
  { closedAt, index, origin: closed, reasonDigest, size, successor }: LogClosing,
  origin: string,
): readonly Fact[] {
  return [
    {
      term: 'Closed',
      value: (
        <>
          <LogTime timeMs={closedAt} />,{' '}
          {closed === origin ? `at ${countOf(size, 'entry', 'entries')}` : `with its root log ${closed}`}, by{' '}
          <Link to="/logs/$log/$index" params={{ log: 'statements', index: String(index) }} className="link">
            entry {index} of the root log
          </Link>
        </>
      ),
    },
    {
      term: 'Goes on in',
      value:
        successor === null ? (
          'nothing: it has no successor'
        ) : (
          <span className="[overflow-wrap:anywhere]">
            {successor.origin},{' '}
            <a className="link" href={successor.url}>
              {successor.url}
            </a>
            ; its key is <code>{successor.vkey}</code>
            {successor.entry0 === null ? null : (
              <>
                , and SHA-256 of entry 0 of its keys log <code>{successor.entry0}</code>
              </>
            )}
          </span>
        ),
    },
    { term: 'Reason', value: <CheckedBody digest={reasonDigest} what="the reason" /> },
  ];
}
