/** The query part of a page's address: plain text both ways, so that a version `1.0` stays one. */

export type AddressQuery = Readonly<Record<string, string | undefined>>;

/** @param text with or without its `?`. The last of repeated names counts. */
export function parseAddressQuery(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** With its `?`, or empty. Empty and undefined values are left out. */
export function formatAddressQuery(query: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (typeof value === 'string' && value !== '') params.set(name, value);
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** The page of a list that an address names. */
export function pageBoundsOf(query: AddressQuery): { readonly after?: string; readonly before?: string } {
  const { after, before } = query;
  return { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}

/** Keeps the texts among what stands in an address. */
export function textsOf(query: Readonly<Record<string, unknown>>): AddressQuery {
  return Object.fromEntries(
    Object.entries(query).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
