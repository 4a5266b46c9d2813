import { useSuspenseQuery } from '@tanstack/react-query';
import type { Fork } from '@vitrine/api';
import { apiUrl, forksQuery, policyQuery } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { CheckpointNote } from '../../components/checkpoint-note.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { countOf } from '../../formats/byte-size.ts';
import { shellQuote } from '../../formats/shell-quote.ts';
import { usePageTitle } from '../../page-title.ts';
import { CheckedFork } from './checked-fork.tsx';

function Checkpoint({
  checkpoint,
  fork,
}: {
  readonly checkpoint: Fork['checkpoints'][number];
  readonly fork: Fork;
}) {
  const { held, note, root, size } = checkpoint;
  return (
    <section aria-label={held ? 'Held here' : 'Shown elsewhere'} className="min-w-0">
      <h3 className="mb-3">{held ? 'What this centre held' : 'What contradicts it'}</h3>
      <Facts
        narrow
        facts={[
          { term: 'Size', value: countOf(size, 'entry', 'entries') },
          {
            term: 'Root hash',
            value: <Digest value={root} of={held ? 'the tree held here' : 'the other tree'} />,
          },
        ]}
      />
      {fork.vkey === null ? null : (
        <Disclosure summary="Who signed it">
          <CheckpointNote checkpoint={note} vkey={fork.vkey} />
        </Disclosure>
      )}
      <Disclosure summary="The signed note">
        <pre className="border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
          <code>{note}</code>
        </pre>
      </Disclosure>
    </section>
  );
}

function state({ frozen, resolvedAtMs }: Fork) {
  if (frozen)
    return (
      <span className="text-refuse">
        The log is frozen here: nothing of it is signed, cosigned or published before its root keys have said
        which history goes on.
      </span>
    );
  return (
    <>
      Resolved: its root keys said which history goes on
      {resolvedAtMs === null ? null : (
        <>
          , applied here on <LogTime timeMs={resolvedAtMs} />
        </>
      )}
      . The other stays as evidence.
    </>
  );
}

function ForkItem({ fork, policy }: { readonly fork: Fork; readonly policy: string }) {
  const fileName = `fork-${fork.id}.evidence`;
  const logVkeys = fork.vkey === null || policy.includes(fork.vkey) ? [] : [fork.vkey];
  const known = logVkeys.map((vkey) => ` --log-vkey ${shellQuote(vkey)}`).join('');
  return (
    <Section id={`fork-${fork.id}`} title={fork.origin}>
      <Facts
        facts={[
          { term: 'State', value: state(fork) },
          { term: 'Found', value: <LogTime timeMs={fork.foundAtMs} /> },
          { term: 'Found by', value: <span className="[overflow-wrap:anywhere]">{fork.foundBy}</span> },
        ]}
      />
      <div className="mt-8 grid gap-x-10 gap-y-8 lg:grid-cols-2">
        {fork.checkpoints
          .toSorted((left, right) => Number(right.held) - Number(left.held))
          .map((checkpoint) => (
            <Checkpoint key={checkpoint.note} checkpoint={checkpoint} fork={fork} />
          ))}
      </div>
      <h3 className="mt-10 mb-4">The proof</h3>
      <CheckedFork fork={fork} policy={policy} logVkeys={logVkeys} />
      <h3 className="mt-8 mb-3">Check it without this page</h3>
      <p className="measure mb-4">
        Keep the evidence file: it is all that is needed, and convinces anyone who has the log’s key, without
        any centre. The policy below is this centre’s; take it from somebody else if you can.
      </p>
      <p className="no-print mb-4 flex flex-wrap gap-3">
        <a href={fork.evidence} download={fileName} className={quietAction}>
          Download the evidence file
        </a>
        <a href={apiUrl('policy')} download="vitrine-policy.txt" className={quietAction}>
          Download the policy
        </a>
      </p>
      <CommandLine
        what="the command that verifies the proof"
        command={`vitrine evidence verify ${fileName} --policy vitrine-policy.txt${known}`}
      />
    </Section>
  );
}

/** Every proof of misbehaviour that this centre keeps, for whoever wants to see for themselves. */
export function ForksPage() {
  const { data } = useSuspenseQuery(forksQuery);
  const { data: policy } = useSuspenseQuery(policyQuery);
  const newestFirst = data.forks.toReversed();
  usePageTitle('Forks', 'Proofs that a log signed two histories, with both checkpoints.');
  return (
    <>
      <PageHeading
        below={
          <p>
            A log may only grow. Where its key has signed two checkpoints that cannot be of one history,
            somebody was shown something else than you. The two checkpoints prove it to anyone, and for good.
          </p>
        }
      >
        Proofs of misbehaviour
      </PageHeading>
      {newestFirst.length === 0 ? (
        <div className="measure border-y border-line py-6">
          <p>
            This centre knows of none. It compares what the other centres publish with what it holds, and what
            anybody tells it.
          </p>
          <p className="mt-3">
            Were you shown a checkpoint? Tell it: <code>POST /gossip</code>. One that fits is answered as
            consistent; one that does not becomes a proof.
          </p>
        </div>
      ) : (
        newestFirst.map((fork) => <ForkItem key={fork.id} fork={fork} policy={policy} />)
      )}
    </>
  );
}
