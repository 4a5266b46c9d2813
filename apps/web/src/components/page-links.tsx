import { Link } from '@tanstack/react-router';
import type { PageBounds } from '../api-client.ts';
import { quietAction } from './action.ts';

const words = {
  name: { first: 'First', previous: 'Previous', next: 'Next' },
  newest: { first: 'Newest', previous: 'Newer', next: 'Older' },
} as const;

interface PageLinksProps {
  /** What the pages are of: `entries`. */
  readonly of: string;
  /** What the list begins with: the first name, or the newest. */
  readonly from: keyof typeof words;
  readonly bounds: PageBounds;
  /** Id of what the links lead to. */
  readonly target: string;
  readonly previous: string | number | null;
  readonly next: string | number | null;
}

/** Links to the pages beside this one, which keep whatever else the address says. */
export function PageLinks({ of, from, bounds, target, previous, next }: PageLinksProps) {
  const isFirst = bounds.after === undefined && bounds.before === undefined;
  if (isFirst && next === null) return null;
  const [towardsFirst, towardsLast] =
    from === 'name' ? (['before', 'after'] as const) : (['after', 'before'] as const);
  const links = [
    { name: words[from].first, bounds: isFirst ? null : {}, rel: undefined },
    {
      name: words[from].previous,
      bounds: previous === null ? null : { [towardsFirst]: String(previous) },
      rel: 'prev',
    },
    { name: words[from].next, bounds: next === null ? null : { [towardsLast]: String(next) }, rel: 'next' },
  ];
  return (
    <nav aria-label={`Pages of ${of}`} className="no-print mt-6 flex flex-wrap gap-3">
      {links.map((link) =>
        link.bounds === null ? null : (
          <Link
            key={link.name}
            to="."
            search={(now) => ({ ...now, after: undefined, before: undefined, ...link.bounds })}
            hash={target}
            rel={link.rel}
            className={quietAction}
          >
            {link.name}
          </Link>
        ),
      )}
    </nav>
  );
}
