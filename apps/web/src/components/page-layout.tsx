import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { apiUrl, centreQuery } from '../api-client.ts';
import { useFeedLinks } from '../feed-links.ts';
import { formatCount } from '../formats/byte-size.ts';
import { LogTime } from './log-time.tsx';
import { Notices } from './notices.tsx';
import { ReadingPreferences } from './reading-preferences.tsx';

const navigation = [
  { to: '/verify', title: 'Check a file' },
  { to: '/search', title: 'Releases' },
  { to: '/centres', title: 'Centres' },
  { to: '/logs', title: 'Logs' },
  { to: '/how', title: 'How to check' },
] as const;

function Mark() {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" width="30" height="30" className="shrink-0 text-accent">
      <path d="M6 4h20v18H6zM2 28h28M9 22v6M23 22v6" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <circle cx="16" cy="15" r="3.5" fill="currentColor" />
    </svg>
  );
}

/** Header, page and foot. After a navigation the focus goes to the new page's heading. */
export function PageLayout() {
  const { data: centre } = useQuery(centreQuery);
  const root = centre?.logs.find((log) => log.kind === 'statements');
  const pathname = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  useFeedLinks(pathname);
  const shownPath = useRef(pathname);
  useEffect(() => {
    const before = shownPath.current;
    shownPath.current = pathname;
    if (before === undefined || before === pathname) return;
    document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <div className="mx-auto flex min-h-dvh max-w-[70rem] flex-col px-5 sm:px-8">
      <a
        href="#content"
        className="sr-only rounded-sm bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:absolute focus:top-3 focus:left-3 focus:z-10"
      >
        Skip to the content
      </a>
      <header className="flex flex-wrap items-center justify-between gap-x-8 gap-y-1 border-b border-line py-4">
        <Link to="/" className="flex min-h-11 min-w-0 items-center gap-3 rounded-sm">
          <Mark />
          <span className="min-w-0 font-serif text-lg leading-tight [overflow-wrap:anywhere]">
            {centre?.name ?? 'Transparency centre'}
          </span>
        </Link>
        <nav aria-label="Main" className="-mx-2">
          <ul className="flex flex-wrap">
            {navigation.map(({ to, title }) => (
              <li key={to}>
                <Link
                  to={to}
                  data-within={
                    to === '/search' && pathname?.startsWith('/products/') === true ? '' : undefined
                  }
                  className="inline-flex min-h-11 items-center rounded-sm px-2 underline-offset-8 hover:text-accent aria-[current=page]:text-accent aria-[current=page]:underline data-within:text-accent data-within:underline sm:px-3"
                >
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      <Notices />
      <main id="content" tabIndex={-1} className="flex-1 pb-16 outline-none">
        <Outlet />
      </main>
      <footer className="flex flex-wrap items-start justify-between gap-x-10 gap-y-5 border-t border-line pt-6 pb-10 text-sm text-soft">
        <div className="min-h-12">
          {root === undefined ? null : (
            <p>
              These pages show root size {formatCount(root.size)}, log time{' '}
              <LogTime timeMs={root.publishedAt} />.
            </p>
          )}
          <p>
            <a className="link" href={apiUrl('policy')} download="vitrine-policy.txt">
              Verification policy
            </a>
            {' · '}
            <a className="link" href="/api/openapi.json">
              HTTP interface
            </a>
            {' · '}
            <Link to="/watch" className="link">
              Feeds and webhooks
            </Link>
            {' · '}
            Vitrine {centre?.version ?? ''}
          </p>
        </div>
        <ReadingPreferences />
      </footer>
    </div>
  );
}
