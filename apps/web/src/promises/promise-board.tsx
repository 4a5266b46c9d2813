import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { dueInWords, inForce, stateAt } from '@vitrine/commitments';
import type { CommitmentFacts, CommitmentVersion, Standing } from '@vitrine/commitments';
import { useState } from 'react';
import { CheckedBody } from '../components/checked-body.tsx';
import { Disclosure } from '../components/disclosure.tsx';
import { countOf } from '../formats/byte-size.ts';
import { commitmentBodyQuery } from './commitment-body.ts';
import { RequirementList } from './requirement-list.tsx';
import { StateLabel } from './state-label.tsx';
import { VersionsSideBySide } from './versions-side-by-side.tsx';

/** A promise as it stood at a time. */
export interface StandingPromise {
  readonly facts: CommitmentFacts;
  readonly standing: Standing;
  readonly version: CommitmentVersion;
}

/** Those that had been made by then, each with how it stood: computed here, from the facts. */
export function promisesAt(
  commitments: readonly CommitmentFacts[],
  asOfMs: number,
): readonly StandingPromise[] {
  return commitments.flatMap((facts) => {
    const standing = stateAt(facts, asOfMs);
    if (standing === undefined) return [];
    const version = facts.versions.find((one) => one.version === standing.version) ?? inForce(facts);
    return [{ facts, standing, version }];
  });
}

function firstSentence(text: string): string {
  const [sentence = ''] = /^[^\n]{0,280}?[.!?”](?=\s|$)/u.exec(text) ?? [];
  return sentence === '' ? `${text.slice(0, 240).trimEnd()}…` : sentence;
}

function evidenceInWords({ standing, version }: StandingPromise, asOfMs: number): string {
  const pieces = version.evidence.flat().filter(({ atMs }) => atMs <= asOfMs);
  const { have, of } = standing.progress;
  const entries = new Set(pieces.map(({ entry }) => `${entry.origin} ${entry.leafIndex}`)).size;
  if (version.acceptance === undefined) return 'Evidence: it was not said what would show this';
  if (pieces.length === 0) return 'Evidence: none recorded here';
  return of === 1
    ? `Evidence: ${countOf(entries, 'entry', 'entries')}`
    : `Evidence: ${have} of ${of} shown, in ${countOf(entries, 'entry', 'entries')}`;
}

/** Where some of what is asked for is shown: the rest, in its author's words. */
function missingOf({ standing, version }: StandingPromise): readonly string[] {
  if (standing.progress.have === 0) return [];
  return (version.acceptance?.all ?? [])
    .filter((_, at) => standing.requirements[at]?.have === 0)
    .map(({ words }) => words);
}

function PromiseRow({ promise, asOfMs }: { readonly promise: StandingPromise; readonly asOfMs: number }) {
  const { facts, standing, version } = promise;
  const { data: read } = useQuery(commitmentBodyQuery(version.body));
  const [opened, setOpened] = useState(false);
  const [compared, setCompared] = useState(false);
  const before = facts.versions.find((one) => one.version === version.version - 1);
  const body = read?.body ?? undefined;
  const missing = missingOf(promise);
  const titleId = `promise-${facts.id}`;
  return (
    <li className="border-t border-line pt-6 pb-4 break-inside-avoid">
      <article aria-labelledby={titleId} className="grid gap-x-10 gap-y-3 md:grid-cols-[14rem_minmax(0,1fr)]">
        <StateLabel standing={standing} />
        <div className="min-w-0">
          <h3 id={titleId} className="text-xl">
            <Link to="/promises/$id" params={{ id: facts.id }} className="link [overflow-wrap:anywhere]">
              {body?.title ?? facts.id}
            </Link>
          </h3>
          {read === undefined ? (
            <p className="late mt-1 text-soft">Fetching its text…</p>
          ) : read.body === null ? (
            <p className="mt-1 text-soft">Its text is not shown: {read.why}.</p>
          ) : (
            <p className="measure mt-1 [overflow-wrap:anywhere]">{firstSentence(read.body.text)}</p>
          )}
          <p className="mt-1 text-sm text-soft">
            Promised {dueInWords(version.due)}
            {body === undefined ? '' : `, by ${body.by} to ${body.to}`}
            {facts.product === undefined ? '' : `, about ${facts.product}`}
            {standing.amendedWhenLate ? '; amended when its date had passed' : ''}
          </p>
          {missing.length === 0 ? null : (
            <p className="mt-1 text-sm text-soft">No evidence recorded here of: {missing.join('; ')}.</p>
          )}
          <div className="mt-2 [&>details:last-child]:border-b-0">
            <Disclosure
              summary={evidenceInWords(promise, asOfMs)}
              onOpen={() => {
                setOpened(true);
              }}
            >
              {opened ? <RequirementList version={version} standing={standing} asOfMs={asOfMs} /> : null}
            </Disclosure>
            {before === undefined ? null : (
              <Disclosure
                summary={`Amended ${standing.amendments === 1 ? 'once' : `${standing.amendments} times`}: the old text beside the new`}
                onOpen={() => {
                  setCompared(true);
                }}
              >
                {compared ? <VersionsSideBySide older={before} newer={version} /> : null}
              </Disclosure>
            )}
            {standing.state !== 'withdrawn' || facts.withdrawal === undefined ? null : (
              <Disclosure summary="The reason given for the withdrawal" open>
                <CheckedBody digest={facts.withdrawal.reason} what="reason of the withdrawal" prose />
              </Disclosure>
            )}
          </div>
        </div>
      </article>
    </li>
  );
}

/** Promises, each with its state in words and its clock; its evidence one click below. */
export function PromiseBoard({
  promises,
  asOfMs,
}: {
  readonly promises: readonly StandingPromise[];
  readonly asOfMs: number;
}) {
  return (
    <ul className="border-b border-line">
      {promises.map((promise) => (
        <PromiseRow key={promise.facts.id} promise={promise} asOfMs={asOfMs} />
      ))}
    </ul>
  );
}
