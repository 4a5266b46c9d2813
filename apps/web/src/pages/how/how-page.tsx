import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { apiUrl, centreQuery, policyQuery } from '../../api-client.ts';
import { CommandLine } from '../../components/command-line.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Digest } from '../../components/digest.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { usePageTitle } from '../../page-title.ts';

function Policy() {
  const { data: policy, error } = useQuery(policyQuery);
  if (error !== null) return <ProblemNotice error={error} />;
  if (policy === undefined) return <p className="late text-soft">Fetching the policy…</p>;
  return (
    <pre className="border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
      <code>{policy}</code>
    </pre>
  );
}

const formats = [
  {
    name: 'Log',
    text: 'C2SP tlog-tiles: hash tiles, entry bundles and a checkpoint under /logs/NAME/, served as plain files.',
  },
  {
    name: 'Checkpoint',
    text: 'A C2SP signed note with origin, size and root hash, signed by the log and cosigned with a time.',
  },
  {
    name: 'Statement',
    text: 'An in-toto Statement v1 in canonical JSON, in a DSSE envelope, signed with Ed25519 keys.',
  },
  {
    name: 'Evidence',
    text: 'One JSON file: the statements with their inclusion proofs, and the whole log of keys.',
  },
  {
    name: 'Policy',
    text: 'A C2SP tlog-policy: logs, witnesses, quorum; with the digest of the first entry of the keys log.',
  },
] as const;

/** How to check without trusting this page, and what the words mean. */
export function HowPage() {
  const { data: centre } = useQuery(centreQuery);
  usePageTitle('How to check', 'Verify offline, choose a policy, and read the formats.');
  return (
    <>
      <PageHeading
        below={
          <p>
            These pages are served by the one who is being checked. They compute in your browser, but you may
            prefer not to rely on them at all.
          </p>
        }
      >
        How to check, without trusting this page
      </PageHeading>
      <Section id="offline" title="Offline, by command line">
        <p className="measure mb-4">
          Take three things to a machine without a network: the file, its evidence, and a policy. The command
          says what holds, what does not, and what nobody has shown. It ends with 0 if verified, 1 if refused,
          2 if it could not run.
        </p>
        <CommandLine
          what="the verify command"
          command="vitrine verify FILE --policy vitrine-policy.txt --evidence FILE.evidence"
        />
        <p className="measure mt-4">
          In a browser the same works on the page{' '}
          <Link to="/verify" className="link">
            Check a file
          </Link>
          : drop the file together with its evidence and nothing is sent.
        </p>
      </Section>
      <Section id="policy" title="The policy is where trust begins">
        <p className="measure mb-4">
          A verification policy names the logs, the witnesses that must have cosigned, and the digest of entry
          0 of the keys log, from which every other key follows. Evidence cannot vouch for itself: whoever
          gives you the policy decides whom you rely on. Take it from a customer, a regulator or another
          centre, and compare it with the one below.
        </p>
        <p className="mb-4">
          {centre === undefined ? null : (
            <>
              Entry 0 of this centre’s keys log: <Digest value={centre.entry0} of="entry 0 of the keys log" />
            </>
          )}
        </p>
        <div className="border-t border-line">
          <Disclosure summary="The policy that this centre publishes">
            <Policy />
            <p className="mt-3">
              <a className="link" href={apiUrl('policy')} download="vitrine-policy.txt">
                Download
              </a>
            </p>
          </Disclosure>
        </div>
      </Section>
      <Section id="verdict" title="What a verdict says">
        <ul className="measure space-y-3">
          <li>
            It is a list of checks. Each has its result, its reason, and who would have to act together for it
            to be false.
          </li>
          <li>
            It holds as of a root size and a log time, and says so. Later withdrawals need newer evidence.
          </li>
          <li>It lists what has not been shown, such as a rebuild or a review of the source.</li>
        </ul>
      </Section>
      <Section id="watch" title="Being told">
        <p className="measure">
          <Link to="/watch" className="link">
            Watch
          </Link>{' '}
          a key, a product or the promises, by feed reader or by webhook: so you find what was said in your
          name.
        </p>
      </Section>
      <Section id="formats" title="Formats in short">
        <dl className="border-t border-line">
          {formats.map(({ name, text }) => (
            <div
              key={name}
              className="grid gap-x-6 border-b border-line py-3 sm:grid-cols-[11rem_minmax(0,1fr)]"
            >
              <dt className="text-soft">{name}</dt>
              <dd className="measure">{text}</dd>
            </div>
          ))}
        </dl>
      </Section>
    </>
  );
}
