import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { LogEntry } from '@vitrine/api';
import { pageBoundsOf } from '../../address.ts';
import { entriesQuery, logQuery } from '../../api-client.ts';
import { CheckpointNote } from '../../components/checkpoint-note.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { stateInWords } from '../../components/log-state.ts';
import { Age, LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { PageLinks } from '../../components/page-links.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { countOf, formatByteSize, formatCount } from '../../formats/byte-size.ts';
import { shellQuote } from '../../formats/shell-quote.ts';
import { usePageTitle } from '../../page-title.ts';
import { closingFacts } from './closing-facts.tsx';
import { logPurpose } from './log-purpose.ts';

const route = getRouteApi('/logs/$log');

function columnsOf(log: string, open: boolean): readonly Column<LogEntry>[] {
  const all: readonly (Column<LogEntry> & { readonly everywhere: boolean })[] = [
    {
      everywhere: true,
      key: 'entry',
      title: 'Entry',
      value: (row) => row.index,
      show: (row) => (
        <Link to="/logs/$log/$index" params={{ log, index: String(row.index) }} className="link">
          {formatCount(row.index)}
        </Link>
      ),
    },
    { everywhere: true, key: 'says', title: 'Says', value: (row) => row.summary },
    {
      everywhere: false,
      key: 'registered',
      title: 'Registered',
      value: (row) => (row.registeredAt === null ? null : new Date(row.registeredAt).toISOString()),
      show: (row) => (row.registeredAt === null ? '' : <LogTime timeMs={row.registeredAt} />),
    },
    {
      everywhere: false,
      key: 'admitted',
      title: 'Admitted',
      value: (row) => row.admitted,
      show: (row) => (row.admitted === false ? <span className="font-semibold text-refuse">no</span> : 'yes'),
    },
    {
      everywhere: true,
      key: 'sizeBytes',
      title: 'Size',
      value: (row) => row.sizeBytes,
      show: (row) => formatByteSize(row.sizeBytes),
      numeric: true,
    },
    {
      everywhere: true,
      key: 'leafHash',
      title: 'Leaf hash',
      value: (row) => row.leafHash,
      show: (row) => <Digest value={row.leafHash} of={`the leaf of entry ${row.index}`} />,
    },
  ];
  return all.filter(({ everywhere }) => everywhere || !open);
}

/** One log: its size, its checkpoint and its entries, newest first. */
export function LogPage() {
  const { log: name } = route.useParams();
  const bounds = pageBoundsOf(route.useSearch());
  const { data: log } = useSuspenseQuery(logQuery(name));
  const { data: page } = useSuspenseQuery(entriesQuery(name, bounds));
  const newest = page.entries[0]?.index ?? 0;
  const oldest = page.entries.at(-1)?.index ?? 0;
  usePageTitle(`Log ${name}`, `Size, checkpoint and entries of the log ${log.origin}.`);
  return (
    <>
      <PageHeading
        above={
          <Link to="/logs" className="link">
            Logs
          </Link>
        }
        below={
          <p>
            {countOf(log.size, 'entry', 'entries')}, last checkpoint <Age timeMs={log.publishedAt} />. It
            holds {logPurpose(log.kind)}.
          </p>
        }
      >
        {name}
      </PageHeading>
      <Section id="checkpoint" title="Checkpoint">
        <Facts
          facts={[
            { term: 'Origin', value: <code className="[overflow-wrap:anywhere]">{log.origin}</code> },
            { term: 'Published', value: <LogTime timeMs={log.publishedAt} /> },
            {
              term: 'Size',
              value: `${countOf(log.size, 'entry', 'entries')}${log.durableSize > log.size ? `; ${formatCount(log.durableSize - log.size)} more are durable and await publication` : ''}`,
            },
            { term: 'Root hash', value: <Digest value={log.root} of="the tree’s root" /> },
            { term: 'State', value: stateInWords(log.state) },
            ...(log.closed === null ? [] : closingFacts(log.closed, log.origin)),
          ]}
        />
        <Disclosure summary="Who signed it">
          <CheckpointNote checkpoint={log.checkpoint} vkey={log.vkey} />
        </Disclosure>
        <Disclosure summary="The signed note, as it is served">
          <pre className="border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
            <code>{log.checkpoint}</code>
          </pre>
        </Disclosure>
        <Disclosure summary="Check the whole log yourself">
          <CommandLine
            what="the fsck command"
            command={`vitrine log fsck ${window.location.origin}/logs/${name} --vkey ${shellQuote(log.vkey)}`}
          />
        </Disclosure>
      </Section>
      <Section id="entries-section" title="Entries">
        <RecordTable
          key={`${bounds.after ?? ''} ${bounds.before ?? ''}`}
          name="entries"
          caption={`entries of ${name}`}
          rowName="entry"
          rowNamePlural="entries"
          columns={columnsOf(name, log.kind === 'open')}
          rows={page.entries}
          rowKey={(row) => String(row.index)}
          total={page.size}
          empty="This log has no entry yet."
        />
        <PageLinks
          of="entries"
          from="newest"
          bounds={bounds}
          target="entries-section"
          previous={page.entries.length > 0 && newest < page.size - 1 ? newest : null}
          next={oldest === 0 ? null : oldest}
        />
      </Section>
    </>
  );
}
