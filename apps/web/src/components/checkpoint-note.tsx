import { cosignatureTime, openNote, parseNote, parseVkey } from '@vitrine/tlog';
import { LogTime } from './log-time.tsx';

interface NoteLine {
  readonly name: string;
  readonly keyId: string;
  readonly kind: string;
  readonly timeMs: number | null;
  readonly verified: boolean;
}

/** Signature bytes of the two types in use: Ed25519, and time with Ed25519. */
const ED25519_BYTES = 64;
const COSIGNATURE_BYTES = 72;

function linesOf(checkpoint: string, vkey: string): readonly NoteLine[] | null {
  try {
    const verifier = parseVkey(vkey);
    const note = parseNote(checkpoint);
    let opened = false;
    try {
      opened = openNote(checkpoint, [verifier]).signatures.length > 0;
    } catch {
      opened = false;
    }
    return note.signatures.map(({ name, keyId, signature }) => ({
      name,
      keyId: keyId.toString(16).padStart(8, '0'),
      kind:
        signature.length === ED25519_BYTES
          ? 'Ed25519 signature'
          : signature.length === COSIGNATURE_BYTES
            ? 'timestamped cosignature'
            : `signature of ${signature.length} bytes`,
      timeMs: signature.length === COSIGNATURE_BYTES ? cosignatureTime(signature) * 1000 : null,
      verified: opened && name === verifier.name && keyId === verifier.keyId,
    }));
  } catch {
    return null;
  }
}

/** The signatures of a checkpoint, decoded; that of the log itself is verified in this page. */
export function CheckpointNote({ checkpoint, vkey }: { readonly checkpoint: string; readonly vkey: string }) {
  const lines = linesOf(checkpoint, vkey);
  if (lines === null)
    return <p className="text-refuse">This checkpoint is not a signed note that can be read.</p>;
  return (
    <ul className="space-y-4">
      {lines.map((line) => (
        <li key={`${line.name} ${line.keyId}`}>
          <p className="[overflow-wrap:anywhere]">{line.name}</p>
          <p className="text-sm text-soft">
            {line.kind}, key <code>{line.keyId}</code>
            {line.timeMs === null ? null : (
              <>
                , dated <LogTime timeMs={line.timeMs} />
              </>
            )}
            .{' '}
            {line.verified
              ? 'Verified in this page with the log’s key.'
              : 'A verification policy decides whether it counts.'}
          </p>
        </li>
      ))}
    </ul>
  );
}
