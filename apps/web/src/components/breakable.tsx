import { Fragment } from 'react';

/** A name that is broken, where it must be, between its parts. */
export function Breakable({ children }: { readonly children: string }) {
  const parts = children.split(/(?<=[_-])|(?=\.[a-z])/);
  return parts.map((part, at) => (
    // Parts of one name have no other identity than their place.
    <Fragment key={at}>
      {at === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ));
}
