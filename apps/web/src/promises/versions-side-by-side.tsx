import { useQuery } from '@tanstack/react-query';
import { dueInWords } from '@vitrine/commitments';
import type { CommitmentVersion } from '@vitrine/commitments';
import { CheckedBody } from '../components/checked-body.tsx';
import { LogTime } from '../components/log-time.tsx';
import { commitmentBodyQuery } from './commitment-body.ts';
import { EntryLink } from './entry-link.tsx';
import { wordChanges } from './word-changes.ts';
import type { TextPart } from './word-changes.ts';

function Words({ parts, side }: { readonly parts: readonly TextPart[]; readonly side: 'older' | 'newer' }) {
  return (
    <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">
      {parts.map(({ text, where }, at) =>
        where === 'both' ? (
          text
        ) : where !== side ? null : side === 'older' ? (
          <del key={at} className="bg-refuse-wash text-refuse decoration-1">
            {text}
          </del>
        ) : (
          <ins key={at} className="bg-accent-wash text-accent decoration-1">
            {text}
          </ins>
        ),
      )}
    </p>
  );
}

function Version({
  version,
  beside,
  side,
}: {
  readonly version: CommitmentVersion;
  readonly beside: CommitmentVersion;
  readonly side: 'older' | 'newer';
}) {
  const { data: own } = useQuery(commitmentBodyQuery(version.body));
  const { data: other } = useQuery(commitmentBodyQuery(beside.body));
  const ownText = own?.body?.text;
  const otherText = other?.body?.text;
  const parts =
    ownText === undefined || otherText === undefined
      ? null
      : side === 'older'
        ? wordChanges(ownText, otherText)
        : wordChanges(otherText, ownText);
  const dueChanged = dueInWords(version.due) !== dueInWords(beside.due);
  return (
    <section className="min-w-0 border border-line bg-raised p-5">
      <h3>
        {side === 'older' ? 'Before' : 'After'}: version {version.version}
      </h3>
      <p className="mt-1 mb-3 text-sm text-soft">
        Logged <LogTime timeMs={version.atMs} /> as <EntryLink entry={version.entry} />
      </p>
      {own?.body === null ? (
        <p className="text-soft">Its text is not shown: {own.why}.</p>
      ) : ownText === undefined ? (
        <p className="late text-soft">Fetching the text…</p>
      ) : parts === null ? (
        <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">{ownText}</p>
      ) : (
        <Words parts={parts} side={side} />
      )}
      <p className="mt-3 text-sm">
        Promised{' '}
        {dueChanged ? (
          side === 'older' ? (
            <del className="bg-refuse-wash text-refuse decoration-1">{dueInWords(version.due)}</del>
          ) : (
            <ins className="bg-accent-wash text-accent decoration-1">{dueInWords(version.due)}</ins>
          )
        ) : (
          dueInWords(version.due)
        )}
      </p>
    </section>
  );
}

/** A version of a promise beside the one before it, and the reason that was given. */
export function VersionsSideBySide({
  older,
  newer,
}: {
  readonly older: CommitmentVersion;
  readonly newer: CommitmentVersion;
}) {
  return (
    <div>
      <div className="grid gap-4 md:grid-cols-2">
        <Version version={older} beside={newer} side="older" />
        <Version version={newer} beside={older} side="newer" />
      </div>
      {newer.reason === undefined ? null : (
        <div className="mt-4">
          <p className="mb-1 text-sm text-soft">The reason given for the amendment:</p>
          <CheckedBody digest={newer.reason} what="reason of the amendment" prose />
        </div>
      )}
    </div>
  );
}
