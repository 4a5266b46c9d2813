import { FileDrop } from '../../components/file-drop.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { usePageTitle } from '../../page-title.ts';
import { useVerificationQueue, verificationQueue } from '../../verification/verification-queue.ts';
import { FileCheckItem } from './file-check-item.tsx';
import { PolicyChoice } from './policy-choice.tsx';

/** Drop files, get verdicts. Everything is computed in this browser. */
export function VerifyPage() {
  const { checks } = useVerificationQueue();
  usePageTitle(
    'Check a file',
    'Drop a file and see what the log says about it. The file stays on your machine.',
  );
  return (
    <>
      <PageHeading
        below={
          <p>
            The file never leaves this machine: it is hashed here, and only its digest is asked about. Dropped
            together with its evidence, not even the digest is sent.
          </p>
        }
      >
        Check a file
      </PageHeading>
      <FileDrop
        onFiles={(files) => {
          verificationQueue.add(files);
        }}
      />
      {checks.length === 0 ? null : (
        <ul className="mt-8 border-t border-line" aria-label="Files">
          {checks.map((check) => (
            <FileCheckItem key={check.id} check={check} />
          ))}
        </ul>
      )}
      <div className="mt-10">
        <PolicyChoice />
      </div>
    </>
  );
}
