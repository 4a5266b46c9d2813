import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { dueInWords, offsetOf } from '@vitrine/commitments';
import type { CommitmentFacts } from '@vitrine/commitments';
import { commitmentQuery } from '../../api-client.ts';
import { CheckedBody } from '../../components/checked-body.tsx';
import { CheckList } from '../../components/check-list.tsx';
import type { ShownCheck } from '../../components/check-list.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { usePageTitle } from '../../page-title.ts';
import { ChangeList, changesOf } from '../../promises/change-list.tsx';
import { commitmentBodyQuery } from '../../promises/commitment-body.ts';
import { EntryLink } from '../../promises/entry-link.tsx';
import type { StandingPromise } from '../../promises/promise-board.tsx';
import { promisesAt } from '../../promises/promise-board.tsx';
import { PromiseChart } from '../../promises/promise-chart.tsx';
import { STATE_WORDS } from '../../promises/promise-words.ts';
import { RequirementList } from '../../promises/requirement-list.tsx';
import { Sources } from '../../promises/sources.tsx';
import { StateLabel } from '../../promises/state-label.tsx';
import { axisOf } from '../../promises/time-axis.ts';
import { VersionsSideBySide } from '../../promises/versions-side-by-side.tsx';

const route = getRouteApi('/promises/$id');

/** The steps from the entries to the state, in the order in which they are taken. */
function stepsOf({ facts, standing, version }: StandingPromise, asOfMs: number): readonly ShownCheck[] {
  const { dueBounds } = version;
  const due: ShownCheck =
    dueBounds === undefined
      ? { name: 'Due', ok: null, reason: 'No date was given, so no time makes it late.' }
      : {
          name: 'Due',
          ok: null,
          reason: (
            <>
              {dueInWords(version.due)}, counted in UTC
              {offsetOf(version.due) === '+00:00' ? '' : offsetOf(version.due)}: its last day ends{' '}
              <LogTime timeMs={dueBounds.endMs} />, which{' '}
              {asOfMs < dueBounds.endMs ? 'is to come' : 'has passed'}
            </>
          ),
        };
  const asked: readonly ShownCheck[] = (version.acceptance?.all ?? []).map((requirement, at) => {
    const { have, of } = standing.requirements[at] ?? { have: 0, of: requirement.count };
    return {
      name: `Asked for: ${requirement.words}`,
      ok: have >= of ? true : null,
      reason: `${have} of ${of} shown by evidence that stands${have === 0 ? ': no evidence recorded here' : ''}`,
    };
  });
  const { words, tone } = STATE_WORDS[standing.state];
  return [
    {
      name: 'Promised',
      ok: null,
      reason: (
        <>
          version {version.version} of {facts.versions.filter(({ atMs }) => atMs <= asOfMs).length}, by{' '}
          <EntryLink entry={version.entry} />
        </>
      ),
    },
    due,
    ...asked,
    ...(facts.withdrawal === undefined || facts.withdrawal.atMs > asOfMs
      ? []
      : [{ name: 'Withdrawn', ok: false, reason: <EntryLink entry={facts.withdrawal.entry} /> }]),
    {
      name: `So it reads “${words}”`,
      ok: tone === 'holds' ? true : tone === 'fails' ? false : null,
      reason: (
        <>
          {standing.sentence} As of <LogTime timeMs={asOfMs} />, the time of the newest published checkpoint.
        </>
      ),
    },
  ];
}

function Text({ digest }: { readonly digest: string }) {
  const { data: read } = useQuery(commitmentBodyQuery(digest));
  return (
    <>
      {read === undefined ? (
        <p className="late text-soft">Fetching its text…</p>
      ) : read.body === null ? (
        <p className="text-soft">Its text is not shown: {read.why}.</p>
      ) : (
        <>
          <p className="measure font-serif text-lg whitespace-pre-wrap [overflow-wrap:anywhere]">
            {read.body.text}
          </p>
          <div className="mt-3">
            <Sources sources={read.body.sources} />
          </div>
        </>
      )}
      <div className="mt-4 border-t border-line">
        <Disclosure summary="The text as it was logged, with its digest">
          <CheckedBody digest={digest} what="text of the promise" />
        </Disclosure>
      </div>
    </>
  );
}

function Versions({ versions }: { readonly versions: CommitmentFacts['versions'] }) {
  return (
    <Section id="versions" title="Amended: the old text beside the new">
      <div className="space-y-10">
        {versions.toReversed().flatMap((newer) => {
          const older = versions.find(({ version }) => version === newer.version - 1);
          return older === undefined
            ? []
            : [<VersionsSideBySide key={newer.version} older={older} newer={newer} />];
        })}
      </div>
    </Section>
  );
}

function Page({ promise, asOfMs }: { readonly promise: StandingPromise; readonly asOfMs: number }) {
  const { facts, standing, version } = promise;
  const { data: read } = useQuery(commitmentBodyQuery(version.body));
  const body = read?.body ?? undefined;
  const title = body?.title ?? facts.id;
  usePageTitle(title, standing.sentence);
  return (
    <>
      <PageHeading
        above={
          <Link to="/" className="link">
            Promises
          </Link>
        }
      >
        {title}
      </PageHeading>
      <div className="grid gap-x-12 gap-y-8 border-y border-line py-6 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
        <div>
          <StateLabel standing={standing} large />
          <p className="mt-3 text-soft">{standing.sentence}</p>
        </div>
        <PromiseChart promises={[promise]} axis={axisOf([facts], asOfMs)} asOfMs={asOfMs} />
      </div>
      {standing.state !== 'withdrawn' || facts.withdrawal === undefined ? null : (
        <Section id="withdrawn" title="The reason given for the withdrawal">
          <CheckedBody digest={facts.withdrawal.reason} what="reason of the withdrawal" prose />
        </Section>
      )}
      <Section id="text" title="What was promised">
        <Text digest={version.body} />
        <div className="mt-6">
          <Facts
            facts={[
              ...(body === undefined
                ? []
                : [
                    { term: 'By', value: body.by },
                    { term: 'To', value: body.to },
                  ]),
              { term: 'Due', value: dueInWords(version.due) },
              ...(facts.announced === undefined
                ? []
                : [{ term: 'Announced', value: facts.announced.period }]),
              ...(facts.product === undefined
                ? []
                : [
                    {
                      term: 'About',
                      value: (
                        <Link to="/products/$product" params={{ product: facts.product }} className="link">
                          {facts.product}
                        </Link>
                      ),
                    },
                  ]),
              {
                term: 'Logged',
                value: (
                  <>
                    <LogTime timeMs={version.atMs} />, <EntryLink entry={version.entry} />
                  </>
                ),
              },
              {
                term: 'Signed by',
                value: version.signers.map((keyid) => (
                  <span key={keyid} className="block">
                    <Digest value={keyid} of="the signing key" />
                  </span>
                )),
              },
              { term: 'Statement', value: <Digest value={version.digest} of="the statement" /> },
            ]}
          />
        </div>
      </Section>
      <Section id="evidence" title="What would show it, and what does">
        <RequirementList version={version} standing={standing} asOfMs={asOfMs} />
        {version.acceptance === undefined ? null : (
          <div className="mt-6 border-t border-line">
            <Disclosure summary="The same as JSON, as it was logged">
              <pre
                tabIndex={0}
                aria-label="acceptance as JSON"
                className="max-h-96 overflow-auto border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]"
              >
                <code>{JSON.stringify(version.acceptance, null, 2)}</code>
              </pre>
            </Disclosure>
          </div>
        )}
      </Section>
      {facts.versions.length < 2 ? null : <Versions versions={facts.versions} />}
      <Section id="history" title="What happened to it">
        <ChangeList changes={changesOf([facts], asOfMs)} named={false} />
      </Section>
      <Section id="computed" title="How its state was computed">
        <p className="measure mb-4">
          In this page, from the facts that the log’s entries give; nobody can set it. The same comes from{' '}
          <code>vitrine commitments check</code> on your own machine.
        </p>
        <CheckList checks={stepsOf(promise, asOfMs)} />
      </Section>
    </>
  );
}

/** One promise: what was said, how it stands, what shows it, and how that was computed. */
export function PromisePage() {
  const { id } = route.useParams();
  const { data } = useSuspenseQuery(commitmentQuery(id));
  const { asOfMs } = data;
  const [promise] = promisesAt([data.commitment], asOfMs);
  if (promise === undefined)
    return <PageHeading below={<p>It is not in what these pages show yet.</p>}>{id}</PageHeading>;
  return <Page promise={promise} asOfMs={asOfMs} />;
}
