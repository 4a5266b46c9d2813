/** The codes of problem documents. Stable: programs match on them. docs/api.md explains each. */
export const problemCodes = [
  'invalid-request',
  'unsupported-media-type',
  'not-found',
  'unknown-log',
  'log-not-open',
  'not-the-writer',
  'entry-too-large',
  'malformed-bundle',
  'body-too-large',
  'overloaded',
  'disk-full',
  'writer-stopped',
  'awaiting-witnesses',
  'behind-witness',
  'no-quorum',
  'clock-wrong',
  'unauthenticated',
  'session-expired',
  'forbidden',
  'malformed-envelope',
  'statement-refused',
  'would-stop-anchoring',
  'release-exists',
  'publication-not-found',
  'publication-incomplete',
  'snapshot-mismatch',
  'invalid-sbom',
  'invalid-provenance',
  'digest-mismatch',
  'upload-offset-mismatch',
  'body-missing',
  'object-disposed',
  'object-corrupt',
  'range-not-satisfiable',
  'not-published-yet',
  'root-size-not-kept',
  'evidence-too-large',
  'internal',
] as const;

export type ProblemCode = (typeof problemCodes)[number];

export function isProblemCode(text: string): text is ProblemCode {
  return problemCodes.some((code) => code === text);
}
