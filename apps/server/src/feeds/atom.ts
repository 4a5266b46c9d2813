/** Atom feeds (RFC 4287). */

export interface AtomEntry {
  /** Permanent, an IRI: see {@link tagUri}. */
  readonly id: string;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly updatedMs: number;
  /** Plain text. */
  readonly content: string;
  /** Path of the page about it. */
  readonly page: string;
  readonly category: string;
}

export interface AtomFeed {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  /** Whose name stands under it. */
  readonly author: string;
  /** Milliseconds since 1970, of a feed without entries. */
  readonly updatedMs: number;
  /** Path of the feed itself, with its query. */
  readonly self: string;
  /** Path of the page that it belongs to. */
  readonly page: string;
  /** Path of the part with the older entries (RFC 5005, section 3). */
  readonly older?: string;
  /** Newest first. */
  readonly entries: readonly AtomEntry[];
}

/** References are relative: a feed stands wherever its centre is reached, and readers resolve them against its address (RFC 3986, 5.1.3). */
export function formatAtom(feed: AtomFeed): string {
  const { author, entries, id, older, page, self, subtitle, title } = feed;
  const updatedMs = Math.max(
    ...entries.map((entry) => entry.updatedMs),
    entries.length === 0 ? feed.updatedMs : 0,
  );
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">',
    `  <id>${xmlText(id)}</id>`,
    `  <title>${xmlText(title)}</title>`,
    `  <subtitle>${xmlText(subtitle)}</subtitle>`,
    `  <updated>${rfc3339(updatedMs)}</updated>`,
    `  <author><name>${xmlText(author)}</name></author>`,
    `  <link rel="self" type="application/atom+xml" href="${xmlText(self)}"/>`,
    `  <link rel="alternate" type="text/html" href="${xmlText(page)}"/>`,
    ...(older === undefined
      ? []
      : [`  <link rel="next" type="application/atom+xml" href="${xmlText(older)}"/>`]),
    ...entries.map(formatEntry),
    '</feed>',
    '',
  ].join('\n');
}

function formatEntry({ category, content, id, page, title, updatedMs }: AtomEntry): string {
  return [
    '  <entry>',
    `    <id>${xmlText(id)}</id>`,
    `    <title>${xmlText(title)}</title>`,
    `    <updated>${rfc3339(updatedMs)}</updated>`,
    `    <category term="${xmlText(category)}"/>`,
    `    <link rel="alternate" type="text/html" href="${xmlText(page)}"/>`,
    `    <content type="text">${xmlText(content)}</content>`,
    '  </entry>',
  ].join('\n');
}

/** What XML 1.0 (section 2.2) has no way to write; a lone surrogate is among it. */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Text for element content and for attribute values in double quotes. */
function xmlText(text: string): string {
  return text
    .replace(NOT_IN_XML, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
}

/** ECMA-262, 21.4.1.1: no date is further from 1970. A log chooses its times; RFC 3339 ends with the year 9999. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

function rfc3339(timeMs: number): string {
  return new Date(Math.min(timeMs, LAST_MS)).toISOString();
}

/**
 * A permanent name (RFC 4151) of something in a log. The year is one in which the instance has its name, and never changes.
 *
 * @param path `17` for an entry, with more behind it where one entry brought several things
 */
export function tagUri(origin: string, path: string): string {
  const [instance = '', ...log] = origin.split('/');
  // What the name of an instance may have and a DNS name not.
  const authority = instance.toLowerCase().replace(/[^a-z0-9.-]/g, '-');
  return `tag:${authority},2026:${log.join('/')}/${path}`;
}
