import { useQuery } from '@tanstack/react-query';
import type { Fork } from '@vitrine/api';
import { verifyFork } from '@vitrine/verifier/fork';
import { fetchForkEvidence } from '../../api-client.ts';
import { CheckList } from '../../components/check-list.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { forkCheckTitles } from './fork-check-titles.ts';

/** The proof, judged here from the bytes of its file and under this centre's policy. */
export function CheckedFork({
  fork,
  policy,
  logVkeys,
}: {
  readonly fork: Fork;
  readonly policy: string;
  /** Of logs that the policy does not name. */
  readonly logVkeys: readonly string[];
}) {
  const { data: verdict, error } = useQuery({
    queryKey: ['fork-verdict', fork.id, policy, logVkeys],
    staleTime: Infinity,
    queryFn: async ({ signal }) =>
      verifyFork({ evidence: await fetchForkEvidence(fork.id, signal), policy, logVkeys }),
  });
  if (error !== null) return <ProblemNotice error={error} />;
  if (verdict === undefined) return <p role="status">The proof is being checked in this browser.</p>;
  return (
    <>
      <p className="measure mb-4">
        Checked in this browser, from the bytes of the evidence file:{' '}
        {verdict.ok ? 'it is a proof of misbehaviour.' : 'it proves nothing.'}
      </p>
      <CheckList
        checks={verdict.checks.map(({ collusion, name, ok, reason }) => ({
          name: forkCheckTitles[name],
          ok,
          reason: (
            <>
              {ok ? 'Because' : 'Not:'} {reason}.
              {collusion === null ? null : (
                <span className="block text-sm text-soft">Who could make it false: {collusion}.</span>
              )}
            </>
          ),
        }))}
      />
      {verdict.notShown.length === 0 ? null : (
        <>
          <h3 className="mt-6 mb-3">What it does not prove</h3>
          <ul className="measure space-y-2">
            {verdict.notShown.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
