import { ApiError } from '@vitrine/api';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { fetchArtifactEvidence, findArtifact } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { Digest } from '../../components/digest.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { usePageTitle } from '../../page-title.ts';
import { judge, useVerificationQueue } from '../../verification/verification-queue.ts';
import type { Judgement } from '../../verification/file-check.ts';
import { PolicyChoice } from './policy-choice.tsx';
import { VerdictPanel } from './verdict-panel.tsx';

const route = getRouteApi('/verify/$sha256');

/** What the centre's evidence says about a digest at a root size; null when no release names it. */
async function judgeDigest(
  sha256: string,
  root: string | undefined,
  ownPolicy: Parameters<typeof judge>[1],
  signal: AbortSignal,
): Promise<Judgement | null> {
  const artifact = await findArtifact(sha256, signal);
  if (artifact === null) return null;
  const evidence = await fetchArtifactEvidence(sha256, root, signal);
  return judge(
    { evidence, evidenceSource: 'centre', sha256, file: undefined, namedBy: artifact.namedBy },
    ownPolicy,
  );
}

function Answer({ sha256, root }: { readonly sha256: string; readonly root: string | undefined }) {
  const { ownPolicy } = useVerificationQueue();
  const { data, error } = useQuery({
    queryKey: ['digest verdict', sha256, root, ownPolicy],
    queryFn: ({ signal }) => judgeDigest(sha256, root, ownPolicy, signal),
    retry: false,
    staleTime: 60_000,
  });
  if (error !== null) return <ProblemNotice error={error} />;
  if (data === undefined)
    return (
      <p role="status" className="late text-soft">
        Fetching and verifying the proof…
      </p>
    );
  if (data === null)
    return <p className="font-serif text-xl">No release of this centre names a file with this digest.</p>;
  // The centre chose the evidence: that it is about what was asked has to be seen here.
  if (data.verdict.about !== null && data.verdict.about.sha256 !== sha256)
    return (
      <ProblemNotice
        error={
          new ApiError(
            'unexpected-response',
            `it was asked about ${sha256} and sent evidence about ${data.verdict.about.sha256 ?? 'another statement'}`,
          )
        }
      />
    );
  return (
    <>
      <h2 className="sr-only">Verdict</h2>
      <VerdictPanel judgement={data} name={null} />
    </>
  );
}

/** A verdict about a digest, without the file, as of a root size: what a citation leads to. */
export function VerifyDigestPage() {
  const { sha256 } = route.useParams();
  const { root } = route.useSearch();
  usePageTitle('A digest, checked', `What the log says about the file with SHA-256 ${sha256}.`);
  const wellFormed =
    /^[0-9a-f]{64}$/.test(sha256) && (root === undefined || /^(0|[1-9][0-9]{0,15})$/.test(root));
  return (
    <>
      <PageHeading
        below={
          <p>
            About a digest, not about a file in your hands
            {root === undefined ? ', at the newest root size' : `, as of root size ${root}`}.
          </p>
        }
      >
        A digest, checked
      </PageHeading>
      <p className="mb-8 border-y border-line py-4">
        <span className="mr-3 text-sm text-soft">SHA-256</span>
        <Digest value={sha256} of="the file asked about" />
      </p>
      <div className="mb-10">
        {wellFormed ? (
          <Answer sha256={sha256} root={root} />
        ) : (
          <p className="measure font-serif text-xl text-refuse">
            This address names no SHA-256 (64 lower-case hex digits) or no root size (a decimal number), so
            there is nothing to check.
          </p>
        )}
      </div>
      <p className="no-print mb-10 flex flex-wrap gap-3">
        <Link to="/verify" className={quietAction}>
          Check a file against it
        </Link>
        {root === undefined ? null : (
          <Link to="/verify/$sha256" params={{ sha256 }} className={quietAction}>
            Ask as of the newest root size
          </Link>
        )}
      </p>
      <PolicyChoice />
    </>
  );
}
