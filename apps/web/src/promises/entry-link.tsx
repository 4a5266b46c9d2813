import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { EntryAddress } from '@vitrine/commitments';
import { centreQuery } from '../api-client.ts';

/** Where an entry stands, with its proof one click away when this centre has the log. */
export function EntryLink({ entry, children }: { readonly entry: EntryAddress; readonly children?: string }) {
  const { data: centre } = useQuery(centreQuery);
  const log = centre?.logs.find(({ origin }) => origin === entry.origin);
  const words = children ?? `entry ${entry.leafIndex}`;
  if (log === undefined)
    return (
      <>
        {words} of {entry.origin}
      </>
    );
  return (
    <Link to="/logs/$log/$index" params={{ log: log.name, index: String(entry.leafIndex) }} className="link">
      {words}
    </Link>
  );
}
