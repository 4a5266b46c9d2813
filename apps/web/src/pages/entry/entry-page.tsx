import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { LogDetail, LogEntryDetail } from '@vitrine/api';
import { encodeHex } from '@vitrine/tlog';
import { describeStatement } from '@vitrine/verifier/statement-in-words';
import { useMemo } from 'react';
import { apiUrl, entryQuery, logQuery } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { CheckList } from '../../components/check-list.tsx';
import { CheckpointNote } from '../../components/checkpoint-note.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { HexView } from '../../components/hex-view.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { countOf, formatCount } from '../../formats/byte-size.ts';
import { usePageTitle } from '../../page-title.ts';
import { saveFile } from '../../save-file.ts';
import { ProofInWords, ProofTree } from './proof-tree.tsx';
import { readEntry } from './read-entry.ts';
import type { ReadEntry } from './read-entry.ts';
import { statementFacts } from './statement-facts.tsx';

const route = getRouteApi('/logs/$log/$index');

function Said({
  entry,
  log,
  read,
}: {
  readonly entry: LogEntryDetail;
  readonly log: LogDetail;
  readonly read: ReadEntry;
}) {
  const { statement } = read;
  if (log.kind === 'open')
    return (
      <Facts
        facts={[
          { term: 'Size', value: `${formatCount(entry.sizeBytes)} bytes` },
          { term: 'Leaf hash', value: <Digest value={encodeHex(read.leafHash)} of="the leaf" /> },
        ]}
      />
    );
  if (statement === undefined)
    return (
      <p className="measure border-y border-line py-4">
        These bytes cannot be read as a statement: {read.unreadable}. They count for nothing.
      </p>
    );
  return (
    <Facts
      facts={[
        ...statementFacts(statement.statement),
        { term: 'Registered', value: <LogTime timeMs={statement.registeredAtMs} /> },
        {
          term: 'Signed by',
          value: statement.envelope.signatures.map(({ keyid }) => (
            <span key={keyid} className="block">
              <Digest value={keyid} of="the signing key" />{' '}
              <Link to="/watch" search={{ keyid }} className="link">
                watch<span className="sr-only"> this key</span>
              </Link>
            </span>
          )),
        },
        {
          term: 'Admitted',
          value:
            entry.admitted === true ? (
              'yes, says this centre: the signing keys may say this, by the rules in force then'
            ) : (
              <span className="text-refuse">
                no, says this centre: {entry.refusal ?? 'it gives no reason'}
              </span>
            ),
        },
        { term: 'Statement digest', value: <Digest value={statement.payloadDigest} of="the statement" /> },
        ...(log.kind === 'statements'
          ? [
              {
                term: 'To check it offline',
                value: (
                  <a
                    className="link"
                    href={apiUrl('statementEvidence', { params: { digest: statement.payloadDigest } })}
                    download={`${log.name}-${entry.index}.evidence`}
                  >
                    evidence about this statement
                  </a>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

function Proof({
  entry,
  log,
  read,
}: {
  readonly entry: LogEntryDetail;
  readonly log: LogDetail;
  readonly read: ReadEntry;
}) {
  const { treeSize, root } = entry.proof;
  const drawn =
    read.steps === undefined
      ? null
      : { leafIndex: entry.index, leafHash: read.leafHash, treeSize, steps: read.steps };
  return (
    <div className="grid gap-x-16 gap-y-8 lg:grid-cols-2">
      <div>
        <CheckList
          checks={[
            {
              name: 'Leaf hash',
              ok: read.hashAgrees,
              reason: read.hashAgrees
                ? 'The bytes that arrived have the hash that the log names.'
                : 'The bytes that arrived have another hash than the log names.',
            },
            {
              name: 'Inclusion',
              ok: read.included,
              reason: read.included
                ? `Entry ${entry.index} is in the tree of ${countOf(treeSize, 'entry', 'entries')} with this root.`
                : `The proof does not lead from entry ${entry.index} to the root of ${countOf(treeSize, 'entry', 'entries')}.`,
              below: (
                <p className="text-sm text-soft">
                  Root <Digest value={root} of="the tree’s root" />
                </p>
              ),
            },
            {
              name: 'Checkpoint',
              ok: read.checkpoint === 'signed' ? true : read.checkpoint === 'refuted' ? false : null,
              reason:
                read.checkpoint === 'signed'
                  ? 'The log’s key signed this size and root.'
                  : read.checkpoint === 'refuted'
                    ? 'The checkpoint that came along is not signed by the log’s key over this size and root.'
                    : 'No checkpoint of this size is kept, so nothing signed vouches for this root.',
            },
          ]}
        />
        <p className="measure mt-4 text-sm text-soft">
          Checked in this page. That everybody is shown the same root is what witnesses are for; a
          verification policy counts them.
        </p>
        <div className="mt-4 border-t border-line">
          {drawn === null ? null : (
            <Disclosure summary="The steps in words">
              <ProofInWords {...drawn} />
            </Disclosure>
          )}
          {entry.checkpoint === null ? null : (
            <>
              <Disclosure summary="Who signed the checkpoint">
                <CheckpointNote checkpoint={entry.checkpoint} vkey={log.vkey} />
              </Disclosure>
              <Disclosure summary="The checkpoint, as it is served">
                <pre className="border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
                  <code>{entry.checkpoint}</code>
                </pre>
              </Disclosure>
            </>
          )}
        </div>
      </div>
      {drawn === null ? (
        <p>The proof has not the shape that its index and size demand, so it cannot be drawn.</p>
      ) : (
        <ProofTree {...drawn} />
      )}
    </div>
  );
}

function payloadText(read: ReadEntry): string | null {
  const payload = read.statement?.envelope.payload;
  return payload === undefined ? null : new TextDecoder().decode(payload);
}

/** One entry: what it says, whether it counts, and the proof that it stands where it says. */
export function EntryPage() {
  const { log: name, index } = route.useParams();
  const { size } = route.useSearch();
  const { data: log } = useSuspenseQuery(logQuery(name));
  const { data: entry } = useSuspenseQuery(entryQuery(name, index, size));
  const read = useMemo(() => readEntry(entry, log), [entry, log]);
  const payload = payloadText(read);
  const sentence = read.statement === undefined ? entry.summary : describeStatement(read.statement.statement);
  usePageTitle(`Entry ${index} of ${name}`, sentence);
  return (
    <>
      <PageHeading
        above={
          <>
            <Link to="/logs" className="link">
              Logs
            </Link>{' '}
            /{' '}
            <Link to="/logs/$log" params={{ log: name }} className="link">
              {name}
            </Link>
          </>
        }
        below={<p>{sentence}</p>}
      >
        Entry {formatCount(entry.index)}
      </PageHeading>
      {entry.admitted === false ? (
        <p role="note" className="measure mb-4 border border-refuse bg-refuse-wash p-5 text-refuse">
          Not admitted, so it counts for nothing: {entry.refusal ?? 'the centre gives no reason'}.
        </p>
      ) : null}
      <Section id="said" title={log.kind === 'open' ? 'What it is' : 'What it says'}>
        <Said entry={entry} log={log} read={read} />
      </Section>
      <Section id="proof" title="Its place in the log">
        <Proof entry={entry} log={log} read={read} />
      </Section>
      <Section id="bytes" title="The bytes">
        <div className="border-t border-line">
          {payload === null ? null : (
            <Disclosure summary="Payload, as it was signed">
              <pre className="border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
                <code>{payload}</code>
              </pre>
              <CopyButton text={payload} what="the payload">
                Copy
              </CopyButton>
            </Disclosure>
          )}
          <Disclosure summary="Leaf in hex" open={log.kind === 'open'}>
            <HexView bytes={read.leaf} what={`Leaf of entry ${entry.index}`} />
          </Disclosure>
          <Disclosure summary="Leaf in base64">
            <p className="border border-line bg-raised p-4 text-sm">
              <code className="break-all">{entry.leaf}</code>
            </p>
            <CopyButton text={entry.leaf} what="the leaf in base64">
              Copy
            </CopyButton>
          </Disclosure>
        </div>
        <button
          type="button"
          className={`${quietAction} mt-5`}
          onClick={() => {
            saveFile(`${name}-${entry.index}.leaf`, new Uint8Array(read.leaf), 'application/octet-stream');
          }}
        >
          Save the leaf
        </button>
      </Section>
      <nav aria-label="Neighbouring entries" className="flex flex-wrap gap-3 pt-2">
        {entry.index === 0 ? null : (
          <Link
            to="/logs/$log/$index"
            params={{ log: name, index: String(entry.index - 1) }}
            className={quietAction}
          >
            Entry {formatCount(entry.index - 1)}
          </Link>
        )}
        {entry.index + 1 >= log.size ? null : (
          <Link
            to="/logs/$log/$index"
            params={{ log: name, index: String(entry.index + 1) }}
            className={quietAction}
          >
            Entry {formatCount(entry.index + 1)}
          </Link>
        )}
      </nav>
    </>
  );
}
