/** The Atom feeds that belong to a page, offered to feed readers by <link rel="alternate">. */
import { useEffect } from 'react';
import { apiUrl } from './api-client.ts';

interface FeedLink {
  readonly title: string;
  readonly href: string;
}

/** Of the page at this address: its own feed before the one of all promises. */
export function feedLinksOf(pathname: string): readonly FeedLink[] {
  const [, product] = /^\/products\/([a-z0-9][a-z0-9._-]{0,63})(?:\/|$)/.exec(pathname) ?? [];
  return [
    ...(product === undefined
      ? []
      : [
          {
            title: `Statements about ${product}`,
            href: apiUrl('productFeed', { params: { product } }),
          },
        ]),
    { title: 'Promises', href: apiUrl('promisesFeed') },
  ];
}

/** Keeps the head of the document in step with the page. */
export function useFeedLinks(pathname: string | undefined): void {
  useEffect(() => {
    const links = feedLinksOf(pathname ?? '/').map(({ href, title }) => {
      const link = document.createElement('link');
      Object.assign(link, { rel: 'alternate', type: 'application/atom+xml', title, href });
      return link;
    });
    document.head.append(...links);
    return () => {
      for (const link of links) link.remove();
    };
  }, [pathname]);
}
