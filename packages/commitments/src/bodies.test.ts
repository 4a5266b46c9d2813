import { describe, expect, test } from 'vitest';
import { formatCommitmentBody, formatEventBody, parseCommitmentBody, parseEventBody } from './index.ts';

const body = {
  by: 'Acme Ltd.',
  to: 'its customers',
  title: 'An independent review',
  text: 'We will have our source reviewed.\nBy the first quarter of 2018.',
  sources: [{ title: 'Announcement', url: 'https://acme.example/news?id=1' }],
};
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test('a body reads as it was written', () => {
  expect(parseCommitmentBody(formatCommitmentBody(body))).toEqual(body);
  const { by, to, ...event } = body;
  expect(parseEventBody(formatEventBody(event))).toEqual(event);
});

describe('a body is refused', () => {
  test.each([
    ['an address that runs code', { ...body, sources: [{ title: 'x', url: 'javascript:alert(1)' }] }],
    ['an address with a space', { ...body, sources: [{ title: 'x', url: 'https://a b' }] }],
    ['text that reads backwards', { ...body, title: 'x\u202ey' }],
    ['a title of several lines', { ...body, title: 'x\ny' }],
    ['no title', { ...body, title: ' ' }],
    ['an unknown member', { ...body, more: 1 }],
    ['half a character', { ...body, text: '\ud800' }],
    [
      'too much',
      { ...body, sources: Array.from({ length: 33 }, () => ({ title: 'x', url: 'https://a.example' })) },
    ],
  ])('%s', (_, value) => {
    expect(() => formatCommitmentBody(value)).toThrow(
      expect.objectContaining({ code: 'malformed-body' }) as Error,
    );
  });

  test('when it is not canonical, or too large', () => {
    expect(() => parseCommitmentBody(bytes(body))).toThrow('canonical');
    expect(() => parseCommitmentBody(new Uint8Array(64 * 1024 + 1))).toThrow('at most');
  });
});
