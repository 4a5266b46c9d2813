import { acceptanceInWords, CommitmentError, offsetOf } from '@vitrine/commitments';
import type { CommitmentVersion, Standing } from '@vitrine/commitments';
import type { CommitmentAcceptance } from '@vitrine/statements';
import { EvidenceItem } from './evidence-piece.tsx';

function exactWords(acceptance: CommitmentAcceptance): readonly string[] {
  try {
    return acceptanceInWords(acceptance);
  } catch (error) {
    if (error instanceof CommitmentError) return [];
    throw error;
  }
}

/** What keeps a promise, one requirement after the other, each with the evidence that the log had by then. */
export function RequirementList({
  version,
  standing,
  asOfMs,
}: {
  readonly version: CommitmentVersion;
  readonly standing: Standing;
  readonly asOfMs: number;
}) {
  const { acceptance } = version;
  if (acceptance === undefined)
    return (
      <p className="measure text-soft">
        It was not said what would show that this is kept, so nothing can: it stays open until it is amended.
      </p>
    );
  const exact = exactWords(acceptance);
  return (
    <ol className="space-y-6">
      {acceptance.all.map((requirement, at) => {
        const pieces = (version.evidence[at] ?? []).filter(({ atMs }) => atMs <= asOfMs);
        const progress = standing.requirements[at];
        return (
          <li key={requirement.words}>
            <p>
              <span className="font-semibold">{requirement.words}</span>
              {progress === undefined || pieces.length === 0 ? null : (
                <span className="text-soft">
                  : {progress.have} of {progress.of} shown
                </span>
              )}
            </p>
            {exact[at] === undefined ? null : (
              <p className="measure text-sm text-soft">Counts, exactly: {exact[at]}.</p>
            )}
            {pieces.length === 0 ? (
              <p className="mt-1">No evidence recorded here.</p>
            ) : (
              <ul className="mt-3 space-y-4">
                {pieces.map((piece) => (
                  <EvidenceItem
                    key={`${piece.entry.origin} ${piece.entry.leafIndex} ${piece.type} ${piece.value ?? ''}`}
                    piece={piece}
                    asOfMs={asOfMs}
                    utcOffset={offsetOf(version.due)}
                  />
                ))}
              </ul>
            )}
          </li>
        );
      })}
    </ol>
  );
}
