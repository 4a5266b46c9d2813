import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { field } from '../../components/action.ts';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { usePageTitle } from '../../page-title.ts';
import { choiceOf, feedOf, watchedOf } from './watched-choice.ts';
import type { WatchedKind } from './watched-choice.ts';
import { WebhookForm } from './webhook-form.tsx';

const route = getRouteApi('/watch');

const kinds: readonly { readonly kind: WatchedKind; readonly title: string }[] = [
  { kind: 'product', title: 'Anything about a product' },
  { kind: 'key', title: 'Anything signed with a key' },
  { kind: 'promises', title: 'What becomes of the promises' },
];

const names = {
  product: { title: 'Product', hint: 'As its page is called, for example larder.' },
  key: { title: 'Key ID', hint: '64 hex digits: the SHA-256 of the public key (SPKI).' },
} as const;

/** How to be told of what is published: by a feed reader, or by a request to an address of one's own. */
export function WatchPage() {
  const [choice, setChoice] = useState(choiceOf(route.useSearch()));
  const watched = watchedOf(choice);
  const { kind, name } = choice;
  usePageTitle('Watch', 'Be told of anything signed with a key, about a product, or of the promises.');
  return (
    <>
      <PageHeading
        below={
          <p>
            Whoever has a key finds here what they did not say. Every centre shows the same; watch at more
            than one, and silence is harder to keep.
          </p>
        }
      >
        Watch
      </PageHeading>
      <Section id="what" title="What you want to be told of">
        <div className="grid max-w-3xl gap-x-5 gap-y-4 sm:grid-cols-[minmax(0,15rem)_minmax(0,1fr)]">
          <div className="min-w-0">
            <label htmlFor="watched-kind" className="mb-1 block text-sm text-soft">
              Tell me of
            </label>
            <select
              id="watched-kind"
              className={field}
              value={kind}
              onChange={({ target }) => {
                const chosen = kinds.find((one) => one.kind === target.value)?.kind ?? 'product';
                setChoice({ kind: chosen, name: '' });
              }}
            >
              {kinds.map((one) => (
                <option key={one.kind} value={one.kind}>
                  {one.title}
                </option>
              ))}
            </select>
          </div>
          {kind === 'promises' ? null : (
            <div className="min-w-0">
              <label htmlFor="watched-name" className="mb-1 block text-sm text-soft">
                {names[kind].title}
              </label>
              <input
                id="watched-name"
                type="text"
                maxLength={80}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                aria-describedby="watched-hint"
                aria-invalid={name !== '' && watched === null}
                className={`${field} ${kind === 'key' ? 'font-mono text-sm' : ''}`}
                value={name}
                onChange={({ target }) => setChoice({ kind, name: target.value })}
              />
              <p id="watched-hint" className="mt-1 text-sm text-soft">
                {names[kind].hint}
              </p>
            </div>
          )}
        </div>
      </Section>
      <Section id="feed" title="By feed reader">
        {watched === null ? (
          <p className="text-soft">Its Atom feed stands here once you have said of what.</p>
        ) : (
          <p className="measure">
            <a className="link [overflow-wrap:anywhere]" href={feedOf(watched)}>
              {feedOf(watched)}
            </a>
            , an Atom feed, without any account.
          </p>
        )}
      </Section>
      <Section id="webhook" title="By webhook">
        <p className="measure mb-5">
          The centre posts to an address of yours, signed with a secret that only the two of you have
          (Standard Webhooks). First it posts a challenge; the address must answer 200 with the challenge
          alone. What is told is no evidence: it says where the evidence is.
        </p>
        <WebhookForm watched={watched} />
      </Section>
    </>
  );
}
