import { ApiError } from '@vitrine/api';
import { Link, useRouter } from '@tanstack/react-router';
import { quietAction } from '../../components/action.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { usePageTitle } from '../../page-title.ts';

function WaysOn() {
  return (
    <ul className="flex flex-wrap gap-3">
      <li>
        <Link to="/search" className={quietAction}>
          Search the releases
        </Link>
      </li>
      <li>
        <Link to="/verify" className={quietAction}>
          Check a file
        </Link>
      </li>
      <li>
        <Link to="/" className={quietAction}>
          Front page
        </Link>
      </li>
    </ul>
  );
}

/** An address that names no page. */
export function NotFoundPage() {
  usePageTitle('Nothing at this address', 'The address names no page of this transparency centre.');
  return (
    <>
      <PageHeading below="Nothing is ever taken out of the log, so the address was probably mistyped or shortened on its way to you.">
        This case is empty
      </PageHeading>
      <WaysOn />
    </>
  );
}

/** A page that could not be fetched or shown. */
export function FailedPage({ error }: { readonly error: unknown }) {
  const router = useRouter();
  const missing = error instanceof ApiError && error.problem?.status === 404;
  usePageTitle(
    missing ? 'Not in this centre' : 'This page could not be shown',
    'The page could not be shown; it says why and what to do.',
  );
  return (
    <>
      <PageHeading>{missing ? 'Not in this centre' : 'This page could not be shown'}</PageHeading>
      <div className="measure mb-8">
        <ProblemNotice error={error} />
      </div>
      <div className="flex flex-wrap gap-3">
        {missing ? null : (
          <button
            type="button"
            className={quietAction}
            onClick={() => {
              void router.invalidate();
            }}
          >
            Try again
          </button>
        )}
        <WaysOn />
      </div>
    </>
  );
}
