/** Where a text comes from, as its author names it. The links lead away from this centre. */
export function Sources({
  sources,
}: {
  readonly sources: readonly { readonly title: string; readonly url: string }[];
}) {
  if (sources.length === 0) return <p className="text-sm text-soft">No source is named.</p>;
  return (
    <p className="text-sm text-soft">
      {sources.length === 1 ? 'Source: ' : 'Sources: '}
      {sources.map(({ title, url }, at) => (
        <span key={url}>
          {at === 0 ? '' : '; '}
          <a className="link [overflow-wrap:anywhere]" href={url} rel="noreferrer">
            {title}
          </a>
        </span>
      ))}
    </p>
  );
}
