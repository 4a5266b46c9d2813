import { expect, test } from 'vitest';
import { formatAtom, tagUri } from './atom.ts';

const feed = {
  id: 'tag:acme.example,2026:statements/feeds/promises',
  title: 'a',
  subtitle: 'b',
  author: 'acme.example',
  updatedMs: 0,
  self: '/feeds/promises.atom',
  page: '/',
  entries: [],
};

test('what could be markup is text, and what XML cannot write is replaced', () => {
  const text = formatAtom({
    ...feed,
    title: `]]> </title><script>"&'\u0000\uffff\ud800`,
    self: '/feeds/x.atom?a="1"&b=<2>',
  });
  expect(text).toContain(`<title>]]&gt; &lt;/title&gt;&lt;script&gt;&quot;&amp;'\ufffd\ufffd\ufffd</title>`);
  expect(text).toContain('href="/feeds/x.atom?a=&quot;1&quot;&amp;b=&lt;2&gt;"');
});

test('a feed is as new as its newest entry, and one without any as it was told', () => {
  const entry = { id: 'tag:a,2026:x', title: 't', content: 'c', page: '/', category: 'made' };
  const entries = [
    { ...entry, updatedMs: Date.UTC(2018, 0, 1) },
    { ...entry, updatedMs: Date.UTC(2018, 2, 1) },
  ];
  expect(formatAtom({ ...feed, entries })).toContain('  <updated>2018-03-01T00:00:00.000Z</updated>');
  expect(formatAtom(feed)).toContain('<updated>1970-01-01T00:00:00.000Z</updated>');
});

test('a log’s time beyond any calendar is written as its last day', () => {
  expect(formatAtom({ ...feed, updatedMs: Number.MAX_SAFE_INTEGER })).toContain('9999-12-31T23:59:59');
});

test('names are permanent, and differ where the origins do', () => {
  expect(tagUri('acme.example/statements', '17')).toBe('tag:acme.example,2026:statements/17');
  expect(tagUri('Acme_Ltd:1/lab/statements', '17/x/kept')).toBe(
    'tag:acme-ltd-1,2026:lab/statements/17/x/kept',
  );
});
