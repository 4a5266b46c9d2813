import type { ReactNode } from 'react';

interface PageHeadingProps {
  readonly children: ReactNode;
  /** Where the page stands, above its title. */
  readonly above?: ReactNode;
  /** The answer in a sentence, below the title. */
  readonly below?: ReactNode;
}

/** The page's one h1, which takes the focus after a navigation. */
export function PageHeading({ children, above, below }: PageHeadingProps) {
  return (
    <div className="pt-10 pb-8 sm:pt-16 sm:pb-10">
      {above === undefined ? null : <p className="mb-3 text-soft">{above}</p>}
      <h1 tabIndex={-1} className="[overflow-wrap:anywhere]">
        {children}
      </h1>
      {below === undefined ? null : <div className="measure mt-5 text-lg text-soft">{below}</div>}
    </div>
  );
}

/** A titled part of a page that can be linked to. */
export function Section({
  id,
  title,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <section id={id} aria-labelledby={`${id}-title`} className="pt-8 pb-8">
      <h2 id={`${id}-title`} className="mb-5">
        {title}
      </h2>
      {children}
    </section>
  );
}
