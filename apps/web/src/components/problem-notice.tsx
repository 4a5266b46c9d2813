import { ApiError } from '@vitrine/api';
import type { ReactNode } from 'react';

/** What went wrong, and what the reader can do about it. */
function describeProblem(error: unknown): { readonly what: string; readonly whatToDo: string } {
  if (error instanceof ApiError) {
    if (error.code === 'unreachable')
      return {
        what: 'The centre did not answer.',
        whatToDo:
          'Check your connection and try again. A file can be verified without the centre: drop it together with its evidence file.',
      };
    if (error.code === 'unexpected-response')
      return {
        what: `The centre answered something these pages do not understand: ${error.message}.`,
        whatToDo: 'Reload the page; the centre may have been updated. If it stays so, tell its operator.',
      };
    const problem = error.problem;
    if (problem !== undefined) {
      const again =
        problem.retryAfterMs === undefined
          ? 'Try again later.'
          : `Try again in ${Math.ceil(problem.retryAfterMs / 1000)} s.`;
      return {
        what: `${problem.title}: ${problem.detail}`,
        whatToDo:
          problem.status === 404
            ? 'Check the address, or search for what you want.'
            : problem.status >= 500
              ? again
              : 'Correct it and try again.',
      };
    }
  }
  return {
    what: `Something in this page failed: ${error instanceof Error ? error.message : 'unknown error'}.`,
    whatToDo: 'Reload the page. If it stays so, tell the operator of this centre what you did.',
  };
}

/** A failure inside a page. */
export function ProblemNotice({
  error,
  children,
}: {
  readonly error: unknown;
  readonly children?: ReactNode;
}) {
  const { what, whatToDo } = describeProblem(error);
  return (
    <div role="alert" className="border border-refuse bg-refuse-wash p-5">
      <p className="font-semibold text-refuse">{what}</p>
      <p className="mt-1">{whatToDo}</p>
      {children}
    </div>
  );
}
