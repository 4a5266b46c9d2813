import { useQuery } from '@tanstack/react-query';
import type { EvidencePiece } from '@vitrine/commitments';
import { dayInWords, happenedInWords, standsAt } from '@vitrine/commitments';
import { EVENT_TYPE, parseStatementLeaf } from '@vitrine/statements';
import { decodeBase64 } from '@vitrine/tlog';
import { centreQuery, entryQuery } from '../api-client.ts';
import { Digest } from '../components/digest.tsx';
import { visibleName } from '../formats/visible-name.ts';
import { eventBodyQuery } from './commitment-body.ts';
import { EntryLink } from './entry-link.tsx';
import { Sources } from './sources.tsx';

/** What an event of the world says of itself. */
function EventWords({ digest, fallback }: { readonly digest: string; readonly fallback: string }) {
  const { data } = useQuery(eventBodyQuery(digest));
  if (data === undefined) return <span className="late text-soft">Fetching what it says…</span>;
  if (data.body === null)
    return (
      <>
        {fallback} <span className="text-soft">(its text is not shown: {data.why})</span>
      </>
    );
  return (
    <>
      <span className="font-semibold">{data.body.title}.</span> {data.body.text}
      <Sources sources={data.body.sources} />
    </>
  );
}

/** What the entry of a piece of evidence says, read from its bytes. */
function SaidByEntry({ log, leafIndex }: { readonly log: string; readonly leafIndex: number }) {
  const { data: entry } = useQuery(entryQuery(log, String(leafIndex), undefined));
  if (entry === undefined) return <span className="late text-soft">Fetching the entry…</span>;
  const digest = eventBodyOf(entry.leaf);
  return digest === undefined ? (
    <>{visibleName(entry.summary)}</>
  ) : (
    <EventWords digest={digest} fallback={visibleName(entry.summary)} />
  );
}

function eventBodyOf(leaf: string): string | undefined {
  try {
    const { statement } = parseStatementLeaf(decodeBase64(leaf));
    return statement.predicateType === EVENT_TYPE ? statement.predicate.body.digest : undefined;
  } catch {
    // The entry's own page says what is wrong with it.
    return undefined;
  }
}

/** The value in which it differs from others, which is canonical JSON. */
function valueInWords(value: string): string {
  const text = /^"(.*)"$/.exec(value)?.[1] ?? value;
  return visibleName(text);
}

/** One piece of evidence: what it says, since when it shows it, who signed it, and its entry in the log. */
export function EvidenceItem({
  piece,
  asOfMs,
  utcOffset,
}: {
  readonly piece: EvidencePiece;
  readonly asOfMs: number;
  readonly utcOffset: string;
}) {
  const { data: centre } = useQuery(centreQuery);
  const log = centre?.logs.find(({ origin }) => origin === piece.entry.origin);
  const day = (timeMs: number): string => dayInWords(timeMs, utcOffset);
  const { ended, expiresAtMs, renewed } = piece;
  return (
    <li className="border-l-2 border-line py-0.5 pl-4">
      {piece.value === undefined ? null : (
        <span className="font-semibold">{valueInWords(piece.value)}: </span>
      )}
      {log === undefined ? piece.type : <SaidByEntry log={log.name} leafIndex={piece.entry.leafIndex} />}
      <p className="text-sm text-soft">
        {piece.happened === undefined
          ? `Since ${day(piece.fromMs)}`
          : `Happened ${happenedInWords(piece.happened)}`}
        , in the log as <EntryLink entry={piece.entry} /> since {day(piece.atMs)}
        {renewed === undefined ? null : (
          <>
            , last renewed by <EntryLink entry={renewed.entry} /> on {day(renewed.atMs)}
          </>
        )}
        . Signed by {piece.vendor ? 'the vendor' : 'someone who is not the vendor'}:{' '}
        {piece.keyids.map((keyid) => (
          <span key={keyid} className="mr-1">
            <Digest value={keyid} of="the signing key" />
          </span>
        ))}
      </p>
      {ended !== undefined && ended.atMs <= asOfMs ? (
        <p className="text-sm text-refuse">
          It counts no more since {day(ended.atMs)}: <EntryLink entry={ended.entry} />{' '}
          {piece.voided === true
            ? 'revoked a key that signed it, as compromised.'
            : 'ended what it rests on.'}
        </p>
      ) : expiresAtMs !== undefined ? (
        <p className={`text-sm ${standsAt(piece, asOfMs) ? 'text-soft' : 'text-refuse'}`}>
          {expiresAtMs <= asOfMs
            ? `It expired on ${day(expiresAtMs)}.`
            : `It holds until ${day(expiresAtMs)} unless renewed.`}
        </p>
      ) : null}
    </li>
  );
}
