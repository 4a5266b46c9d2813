import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Release } from '@vitrine/api';
import { useState } from 'react';
import { apiUrl, centreQuery, releaseQuery } from '../../api-client.ts';
import { CheckedBody } from '../../components/checked-body.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { countOf } from '../../formats/byte-size.ts';
import { shellQuote } from '../../formats/shell-quote.ts';
import { usePageTitle } from '../../page-title.ts';
import { ArtifactTable } from './artifact-table.tsx';
import { ReleaseEntryTable } from './release-entry-table.tsx';

const route = getRouteApi('/products/$product/$version');

function Withdrawal({ release }: { readonly release: Release }) {
  const { withdrawal } = release;
  if (withdrawal === null) return null;
  return (
    <section
      aria-labelledby="withdrawn-title"
      className="mb-8 border border-refuse bg-refuse-wash p-5 sm:p-8"
    >
      <h2 id="withdrawn-title" className="text-refuse">
        Withdrawn
      </h2>
      <p className="mt-2 mb-5">
        The publisher took this release back on <LogTime timeMs={withdrawal.registeredAt} />, in{' '}
        <Link
          to="/logs/$log/$index"
          params={{ log: 'statements', index: String(withdrawal.index) }}
          className="link"
        >
          entry {withdrawal.index}
        </Link>
        , and gave this reason:
      </p>
      <CheckedBody digest={withdrawal.reasonDigest} what="reason of the withdrawal" prose />
    </section>
  );
}

/** A document of the release, fetched when it is opened. */
function Document({
  title,
  digest,
  what,
  prose,
}: {
  readonly title: string;
  readonly digest: string;
  readonly what: string;
  readonly prose?: boolean;
}) {
  const [opened, setOpened] = useState(false);
  return (
    <Disclosure
      summary={title}
      onOpen={() => {
        setOpened(true);
      }}
    >
      {opened ? <CheckedBody digest={digest} what={what} prose={prose ?? false} /> : null}
    </Disclosure>
  );
}

function Documents({ release }: { readonly release: Release }) {
  const { notes, sbom, provenance } = release;
  const absent = [
    ...(notes === null ? ['release notes'] : []),
    ...(sbom === null ? ['a bill of materials (SBOM)'] : []),
    ...(provenance === null ? ['build provenance'] : []),
  ];
  return (
    <>
      <div className={absent.length === 3 ? '' : 'border-t border-line'}>
        {notes === null ? null : <Document title="Release notes" digest={notes} what="release notes" prose />}
        {sbom === null ? null : (
          <Document
            title={`Bill of materials (${sbom.format === 'cyclonedx' ? 'CycloneDX' : 'SPDX'})`}
            digest={sbom.digest}
            what="bill of materials"
          />
        )}
        {provenance === null ? null : (
          <Document title="Build provenance (SLSA)" digest={provenance} what="build provenance" />
        )}
      </div>
      {absent.length === 0 ? null : (
        <p className={`text-soft ${absent.length === 3 ? '' : 'mt-4'}`}>
          Not given with this release: {absent.join(', ')}.
        </p>
      )}
    </>
  );
}

function History({ release }: { readonly release: Release }) {
  const { product, supersedes, supersededBy } = release;
  function versionLink(version: string) {
    return (
      <Link to="/products/$product/$version" params={{ product, version }} className="link">
        {version}
      </Link>
    );
  }
  return (
    <Facts
      facts={[
        {
          term: 'Supersedes',
          value: supersedes === null ? 'names no earlier release' : versionLink(supersedes),
        },
        {
          term: 'Superseded by',
          value: supersededBy === null ? 'no later release names it' : versionLink(supersededBy),
        },
      ]}
    />
  );
}

/** One release: what was said, by which key, and how to check it. */
export function ReleasePage() {
  const { product, version } = route.useParams();
  const { data: release } = useSuspenseQuery(releaseQuery(product, version));
  const { data: centre } = useSuspenseQuery(centreQuery);
  const root = centre.logs.find((log) => log.kind === 'statements');
  const artifact = release.artifacts[0];
  usePageTitle(
    `${product} ${version}`,
    `Artifacts, source commitment and log entries of ${product} ${version}.`,
  );
  return (
    <>
      <PageHeading
        above={
          <Link to="/products/$product" params={{ product }} className="link">
            {product}
          </Link>
        }
        below={
          <p>
            {release.withdrawal === null ? 'Registered' : 'Withdrawn. It was registered'}{' '}
            <LogTime timeMs={release.registeredAt} /> as{' '}
            <Link
              to="/logs/$log/$index"
              params={{ log: 'statements', index: String(release.index) }}
              className="link"
            >
              entry {release.index}
            </Link>
            , with {countOf(release.artifacts.length, 'artifact')}
            {release.withdrawal === null && root !== undefined
              ? `; not withdrawn as of root size ${root.size}`
              : ''}
            .
          </p>
        }
      >
        {product} {version}
      </PageHeading>
      <Withdrawal release={release} />
      <Section id="artifacts-section" title="Artifacts">
        <ArtifactTable release={release} />
      </Section>
      <Section id="source" title="Source">
        <p className="measure mb-5">
          The source is confidential. The release commits to every file of it under a random salt, so that the
          one who is shown a file can check that it belongs to this release, and learns nothing of the others.
        </p>
        <Facts
          facts={[
            { term: 'Snapshot root', value: <Digest value={release.sourceRoot} of="the source snapshot" /> },
            { term: 'Files', value: countOf(release.sourceFiles, 'file') },
          ]}
        />
      </Section>
      <Section id="documents" title="Documents">
        <Documents release={release} />
      </Section>
      <Section id="history" title="Before and after">
        <History release={release} />
      </Section>
      <Section id="entries-section" title="Where the log says so">
        <p className="measure mb-5">
          Statement <Digest value={release.digest} of="the release statement" /> signed by{' '}
          {release.signers.map((signer, at) => (
            <span key={signer}>
              {at === 0 ? '' : ' and '}key <Digest value={signer} of="the signing key" />
            </span>
          ))}
        </p>
        <ReleaseEntryTable release={release} />
      </Section>
      {artifact === undefined ? null : (
        <Section id="command-line" title="Check it by command line">
          <p className="measure mb-4">
            With the file and its evidence at hand, this needs no network. Take the policy from somebody you
            trust rather than from this centre alone.
          </p>
          <CommandLine
            what="the verify command"
            command={`vitrine verify ${shellQuote(artifact.name)} --policy vitrine-policy.txt --evidence ${shellQuote(`${artifact.name}.evidence`)}`}
          />
          <p className="mt-4 text-sm text-soft">
            <a
              className="link"
              href={apiUrl('artifactEvidence', {
                params: { sha256: artifact.sha256 },
                query: { product, version },
              })}
              download={`${artifact.name}.evidence`}
            >
              Evidence
            </a>
            {' · '}
            <a className="link" href={apiUrl('policy')} download="vitrine-policy.txt">
              policy of this centre
            </a>
          </p>
        </Section>
      )}
    </>
  );
}
