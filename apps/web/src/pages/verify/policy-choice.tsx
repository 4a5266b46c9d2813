import { useId, useState } from 'react';
import { apiUrl } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { FileChoice } from '../../components/file-choice.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { useVerificationQueue, verificationQueue } from '../../verification/verification-queue.ts';

/** Under which policy files are judged: the centre's own, which is weaker, or one that the reader brings. */
export function PolicyChoice() {
  const { ownPolicy } = useVerificationQueue();
  const sectionId = useId();
  const [problem, setProblem] = useState<unknown>(null);
  function choose(file: File | null): void {
    setProblem(null);
    verificationQueue.choosePolicy(file).catch(setProblem);
  }
  return (
    <section aria-labelledby={`${sectionId}-title`}>
      <h2 id={`${sectionId}-title`} className="mb-2 text-xl">
        Under which policy
      </h2>
      <p className="measure mb-4" role="status">
        {ownPolicy === null ? (
          <>
            The{' '}
            <a className="link" href={apiUrl('policy')} download="vitrine-policy.txt">
              policy of this centre
            </a>
            , which is the one being checked. A policy that you got elsewhere makes the verdict stronger.
          </>
        ) : (
          <>
            Your own, from <b className="font-semibold [overflow-wrap:anywhere]">{ownPolicy.name}</b>.
          </>
        )}
      </p>
      {problem === null ? null : <ProblemNotice error={problem} />}
      <div className="no-print flex flex-wrap gap-3">
        <FileChoice
          label="Use a policy of my own"
          className={quietAction}
          onFiles={([file]) => {
            if (file !== undefined) choose(file);
          }}
        />
        {ownPolicy === null ? null : (
          <button
            type="button"
            className={quietAction}
            onClick={() => {
              choose(null);
            }}
          >
            Back to the centre’s
          </button>
        )}
      </div>
    </section>
  );
}
