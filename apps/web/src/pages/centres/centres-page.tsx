import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { AnnouncedCentre, CentreList } from '@vitrine/api';
import { centresQuery } from '../../api-client.ts';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { Age, LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { countOf, formatCount } from '../../formats/byte-size.ts';
import { usePageTitle } from '../../page-title.ts';
import { gapsOf, gapsOfAll, isCosigning, verifiedInWords } from './centre-gaps.ts';
import { countryName } from './country-name.ts';
import { DayStrip } from './day-strip.tsx';

function LastCosigned({
  last,
  rootSize,
}: {
  readonly last: { size: number; atMs: number } | null;
  readonly rootSize: number;
}) {
  if (last === null) return <>never, as far as this centre knows</>;
  return (
    <>
      {last.size >= rootSize ? 'all' : `${formatCount(last.size)} of`} {countOf(rootSize, 'entry', 'entries')}
      , <LogTime timeMs={last.atMs} />
    </>
  );
}

/** How far a centre has verified the root log: itself as it shows it, another as this one last saw it. */
function Verified({
  centre,
  list: { asOfMs, rootOrigin, rootSize },
}: {
  readonly centre: AnnouncedCentre;
  readonly list: CentreList;
}) {
  const { seen, self, working } = centre;
  if (self)
    return (
      <>
        all {countOf(rootSize, 'entry', 'entries')}, checkpoint of <LogTime timeMs={asOfMs} />
      </>
    );
  if (!working) return <>not looked at any more</>;
  const root = seen?.verified.find(({ origin }) => origin === rootOrigin);
  const silentSinceMs = seen?.unreachableSinceMs ?? null;
  return (
    <>
      {root === undefined ? (
        'not known: this centre has not seen it yet'
      ) : (
        <>
          {verifiedInWords(root.size, rootSize)}
          {root.checkpointAtMs === null ? null : (
            <>
              , checkpoint of <LogTime timeMs={root.checkpointAtMs} /> (<Age timeMs={root.checkpointAtMs} />)
            </>
          )}
          <br />
          <span className="text-sm text-soft">
            As this centre last saw it, at <LogTime timeMs={root.atMs} />
          </span>
        </>
      )}
      {silentSinceMs === null ? null : (
        <p className="text-refuse">
          It has not answered this centre since <LogTime timeMs={silentSinceMs} />.
        </p>
      )}
    </>
  );
}

function Centre({ centre, list }: { readonly centre: AnnouncedCentre; readonly list: CentreList }) {
  const { asOfMs, rootSize } = list;
  const gaps = gapsOf(centre, asOfMs);
  const titleId = `centre-${centre.name}`;
  return (
    <li className="break-inside-avoid border-t border-line pt-6 pb-8">
      <article aria-labelledby={titleId} className="grid gap-x-10 gap-y-4 md:grid-cols-[16rem_minmax(0,1fr)]">
        <div>
          <h2 id={titleId} className="[overflow-wrap:anywhere]">
            {centre.city}
          </h2>
          <p className="text-soft">
            {countryName(centre.country)}, {centre.region}
          </p>
          <p className="mt-3 font-serif text-lg">
            {!centre.working ? 'Closed' : isCosigning(centre, asOfMs) ? 'Cosigning' : 'Not cosigning'}
          </p>
          {centre.self ? <p className="text-sm text-soft">the centre that you are reading</p> : null}
        </div>
        <div className="min-w-0">
          <Facts
            facts={[
              { term: 'Run by', value: centre.operator },
              {
                term: 'Centre',
                value: (
                  <a className="link [overflow-wrap:anywhere]" href={centre.url} rel="noreferrer">
                    {centre.name}
                  </a>
                ),
              },
              { term: 'Verified', value: <Verified centre={centre} list={list} /> },
              {
                term: 'Witness saw',
                value: <LastCosigned last={centre.lastCosigned.witness} rootSize={rootSize} />,
              },
              {
                term: 'Mirror holds',
                value: <LastCosigned last={centre.lastCosigned.mirror} rootSize={rootSize} />,
              },
              { term: 'Last days', value: <DayStrip days={centre.days} /> },
              ...(gaps.length === 0
                ? []
                : [
                    {
                      term: 'Missing',
                      value: gaps.map((gap) => (
                        <p key={gap} className="text-refuse">
                          {gap}
                        </p>
                      )),
                    },
                  ]),
              {
                term: 'Announced',
                value: (
                  <>
                    <LogTime timeMs={centre.announcedAt} />,{' '}
                    <Link
                      to="/logs/$log/$index"
                      params={{ log: 'statements', index: String(centre.leafIndex) }}
                      className="link"
                    >
                      entry {centre.leafIndex}
                    </Link>
                  </>
                ),
              },
            ]}
          />
          <Disclosure summary="Its keys and its intake log">
            <Facts
              narrow
              facts={[
                { term: 'Witness', value: <code className="break-all">{centre.witnessVkey}</code> },
                { term: 'Mirror', value: <code className="break-all">{centre.mirrorVkey}</code> },
                { term: 'Intake', value: <code className="break-all">{centre.intakeOrigin}</code> },
              ]}
            />
          </Disclosure>
        </div>
      </article>
    </li>
  );
}

/** The transparency centres: where they are, who runs them, and what each confirms. */
export function CentresPage() {
  const { data } = useSuspenseQuery(centresQuery);
  const { asOfMs, centres, rootSize } = data;
  const gaps = gapsOfAll(centres, asOfMs);
  usePageTitle('Centres', 'The transparency centres: where they are, who runs them, what each has cosigned.');
  return (
    <>
      <PageHeading
        below={
          <p>
            Each centre keeps a copy of its own and cosigns only what is consistent with all that it saw
            before. To show somebody another history, they would have to lie together.
          </p>
        }
      >
        Centres
      </PageHeading>
      {centres.length === 0 ? (
        <p className="measure border-y border-line py-6">
          No centre has been announced in this log. What it says is confirmed by this centre alone.
        </p>
      ) : (
        <ul className="border-b border-line">
          {centres.map((centre) => (
            <Centre key={centre.name} centre={centre} list={data} />
          ))}
        </ul>
      )}
      {gaps.length === 0 ? null : (
        <Section id="gaps" title="What is missing">
          <ul className="measure space-y-2">
            {gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </Section>
      )}
      <p className="mt-6 text-sm text-soft">
        As of root size {formatCount(rootSize)}, <LogTime timeMs={asOfMs} />. Cosignatures are verified under
        the announced keys. How far other centres have verified is what this one saw when it last asked them,
        by its own clock: another centre may have seen something newer.{' '}
        <Link to="/forks" className="link">
          Proofs of misbehaviour
        </Link>{' '}
        that this centre keeps.
      </p>
    </>
  );
}
