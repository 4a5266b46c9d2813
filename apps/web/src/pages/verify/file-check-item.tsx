import { useId } from 'react';
import { quietAction } from '../../components/action.ts';
import { Digest } from '../../components/digest.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';
import { formatByteSize } from '../../formats/byte-size.ts';
import { visibleName } from '../../formats/visible-name.ts';
import { remainingInWords } from '../../formats/log-time.ts';
import { isUnderWay } from '../../verification/file-check.ts';
import type { CheckState, FileCheck } from '../../verification/file-check.ts';
import { verificationQueue } from '../../verification/verification-queue.ts';
import { VerificationError } from '../../verification/verifier-client.ts';
import { VerdictPanel } from './verdict-panel.tsx';

/** What is announced to those who hear the page: changes of stage, not every chunk. */
function stageInWords(state: CheckState): string {
  switch (state.stage) {
    case 'waiting':
      return 'Waiting for the files before it';
    case 'hashing':
      return 'Hashing on this machine';
    case 'asking':
      return 'Asking the centre about this digest';
    case 'verifying':
      return 'Verifying the proof';
    case 'judged':
      return state.judgement.verdict.ok ? 'Verified' : 'Refused';
    case 'unknown':
      return 'Not known here';
    case 'failed':
      return 'Could not be checked';
    case 'cancelled':
      return 'Cancelled; nothing was decided';
  }
}

function HashingProgress({
  labelledBy,
  sizeBytes,
  hashedBytes,
  bytesPerSecond,
}: {
  readonly labelledBy: string;
  readonly sizeBytes: number;
  readonly hashedBytes: number;
  readonly bytesPerSecond: number;
}) {
  const percent = sizeBytes === 0 ? 100 : Math.floor((hashedBytes / sizeBytes) * 100);
  const remainingMs = bytesPerSecond === 0 ? 0 : ((sizeBytes - hashedBytes) / bytesPerSecond) * 1000;
  return (
    <div className="my-4">
      <div
        role="progressbar"
        aria-labelledby={labelledBy}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        className="h-2 border border-strong"
      >
        <div className="h-full origin-left bg-accent" style={{ transform: `scaleX(${percent / 100})` }} />
      </div>
      <p className="mt-2 text-sm text-soft tabular-nums">
        {formatByteSize(hashedBytes)} of {formatByteSize(sizeBytes)}
        {bytesPerSecond === 0
          ? ''
          : `, ${formatByteSize(bytesPerSecond)} a second, ${remainingInWords(remainingMs)}`}
      </p>
    </div>
  );
}

function Unknown({ sha256 }: { readonly sha256: string }) {
  return (
    <div className="measure space-y-3">
      <p className="font-serif text-xl">No release of this centre names this file.</p>
      <p>
        Its SHA-256 is <Digest value={sha256} of="the file" />
      </p>
      <p>
        Either it comes from elsewhere, or it was altered on its way: one changed byte gives another digest.
        Compare it with the digest where you got it; if you have its evidence, drop both here together.
      </p>
    </div>
  );
}

function Failure({ error }: { readonly error: unknown }) {
  if (!(error instanceof VerificationError || error instanceof RangeError))
    return <ProblemNotice error={error} />;
  return (
    <div role="alert" className="border border-refuse bg-refuse-wash p-5">
      <p className="font-semibold text-refuse">This could not be checked: {error.message}</p>
      <p className="mt-1">
        Nothing is said about the file. A folder cannot be checked, only the files in it; a file that changes
        or disappears while it is read has to be dropped again.
      </p>
    </div>
  );
}

function Result({ check, nameId }: { readonly check: FileCheck; readonly nameId: string }) {
  const { state } = check;
  switch (state.stage) {
    case 'judged':
      return <VerdictPanel judgement={state.judgement} name={check.name} />;
    case 'unknown':
      return <Unknown sha256={state.sha256} />;
    case 'failed':
      return <Failure error={state.error} />;
    case 'hashing':
      return (
        <HashingProgress
          labelledBy={nameId}
          sizeBytes={check.sizeBytes ?? 0}
          hashedBytes={state.hashedBytes}
          bytesPerSecond={state.bytesPerSecond}
        />
      );
    case 'waiting':
    case 'asking':
    case 'verifying':
    case 'cancelled':
      return null;
  }
}

/** One file of the queue: its name, how far it is, and in the end its verdict. */
export function FileCheckItem({ check }: { readonly check: FileCheck }) {
  const nameId = useId();
  const underWay = isUnderWay(check.state);
  return (
    <li className="border-b border-line py-8">
      <div className="mb-4 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h2 id={nameId} className="[overflow-wrap:anywhere]">
            {visibleName(check.name)}
          </h2>
          <p className="text-soft">
            <span role="status" className={check.state.stage === 'judged' ? 'sr-only' : ''}>
              {stageInWords(check.state)}.
            </span>{' '}
            {check.sizeBytes === undefined ? 'Evidence, without a file' : formatByteSize(check.sizeBytes)}
          </p>
        </div>
        <button
          type="button"
          className={`${quietAction} no-print`}
          onClick={() => {
            if (underWay) verificationQueue.cancel(check.id);
            else verificationQueue.remove(check.id);
          }}
        >
          {underWay ? 'Cancel' : 'Put away'}
          <span className="sr-only"> {check.name}</span>
        </button>
      </div>
      <Result check={check} nameId={nameId} />
    </li>
  );
}
