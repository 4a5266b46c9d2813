import { useId, useState } from 'react';
import { apiUrl } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { useVerificationQueue, verificationQueue } from '../../verification/verification-queue.ts';

/** Under which policy files are judged: the centre's own, which is weaker, or one that the reader brings. */
export function PolicyChoice() {
  const { ownPolicy } = useVerificationQueue();
  const inputId = useId();
  const [problem, setProblem] = useState<unknown>(null);
  function choose(file: File | null): void {
    setProblem(null);
    verificationQueue.choosePolicy(file).catch(setProblem);
  }
  return (
    <section aria-labelledby={`${inputId}-title`} className="border-y border-line py-6">
      <h2 id={`${inputId}-title`} className="mb-2 text-xl">
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
        <input
          id={inputId}
          type="file"
          className="peer sr-only"
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            if (file !== undefined) choose(file);
            event.target.value = '';
          }}
        />
        <label
          htmlFor={inputId}
          className={`${quietAction} peer-focus-visible:outline-2 peer-focus-visible:outline-offset-3 peer-focus-visible:outline-accent`}
        >
          Use a policy of my own
        </label>
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
