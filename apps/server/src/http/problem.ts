/** Problem documents (RFC 9457): the only place that knows which status a code has. */
import type { Problem, ProblemCode } from '@vitrine/api';
import { CentreError } from '../error.ts';
import { LogError } from '../log/log-error.ts';
import type { LogErrorCode } from '../log/log-error.ts';
import { VaultError } from '../vault/vault-error.ts';
import type { VaultErrorCode } from '../vault/vault-error.ts';

const statuses: Record<ProblemCode, readonly [status: number, title: string]> = {
  'invalid-request': [400, 'The request is malformed'],
  'unsupported-media-type': [415, 'The media type is not accepted here'],
  'not-found': [404, 'Nothing is known by this name'],
  'unknown-log': [404, 'There is no such log'],
  'not-the-writer': [421, 'This centre does not write the logs'],
  'log-not-open': [403, 'This log does not take entries from anyone'],
  'malformed-checkpoint': [400, 'The body is not a signed checkpoint'],
  'checkpoint-not-signed': [403, 'The log has not signed the checkpoint'],
  'log-forked': [409, 'The log has signed two histories'],
  'log-frozen': [409, 'The log is frozen'],
  'log-closed': [410, 'The log is closed'],
  'log-moved': [409, 'The log is not as the statement says'],
  'entry-too-large': [413, 'The entry is too large'],
  'malformed-bundle': [400, 'The entry bundle is malformed'],
  'body-too-large': [413, 'The body is too large'],
  overloaded: [503, 'The log is taking as much as it can'],
  'disk-full': [507, 'The disk is full'],
  'writer-stopped': [503, 'The log has stopped writing'],
  'awaiting-witnesses': [503, 'The log waits for its witnesses'],
  'behind-witness': [503, 'A witness holds what this log does not'],
  'no-quorum': [503, 'Too few cosignatures have come'],
  'clock-wrong': [503, 'The clock of the server is wrong'],
  unauthenticated: [401, 'A session is needed'],
  'session-expired': [401, 'The session is unknown or has expired'],
  forbidden: [403, 'The key may not do this'],
  'malformed-envelope': [400, 'The envelope is malformed'],
  'statement-refused': [403, 'The registration policy does not admit the statement'],
  'would-stop-anchoring': [409, 'The centre could not anchor its logs any more'],
  'release-exists': [409, 'The release is already published with other content'],
  'publication-not-found': [404, 'There is no such publication'],
  'publication-incomplete': [409, 'Objects of the publication have not arrived'],
  'snapshot-mismatch': [422, 'The source snapshot does not hold'],
  'invalid-sbom': [422, 'The SBOM is not valid'],
  'invalid-provenance': [422, 'The provenance is not valid'],
  'digest-mismatch': [422, 'The bytes are not those of the digest'],
  'upload-offset-mismatch': [409, 'The upload does not go on from there'],
  'body-missing': [422, 'A body that the statement names did not come with it'],
  'object-disposed': [410, 'The object was disposed of'],
  'object-corrupt': [500, 'The stored object is damaged'],
  'range-not-satisfiable': [416, 'The range lies outside the object'],
  'not-published-yet': [503, 'Not yet covered by a published checkpoint'],
  'root-size-not-kept': [404, 'No published checkpoint of that size is kept'],
  'evidence-too-large': [422, 'The evidence is larger than an evidence file may be'],
  'watches-closed': [403, 'This centre takes no watches'],
  'watch-url-refused': [422, 'This centre does not send there'],
  'too-many-watches': [429, 'There are as many watches as this centre takes'],
  'watch-unknown': [401, 'There is no watch with this ID and secret'],
  internal: [500, 'Something went wrong inside the server'],
};

const logCodes: Record<LogErrorCode, ProblemCode> = {
  'entry-too-large': 'entry-too-large',
  overloaded: 'overloaded',
  'disk-full': 'disk-full',
  'writer-stopped': 'writer-stopped',
  'awaiting-witnesses': 'awaiting-witnesses',
  'behind-witness': 'behind-witness',
  'no-quorum': 'no-quorum',
  'log-frozen': 'log-frozen',
  'log-closed': 'log-closed',
  'clock-behind': 'clock-wrong',
  'clock-jumped': 'clock-wrong',
  closed: 'writer-stopped',
  'out-of-range': 'invalid-request',
  'log-missing': 'unknown-log',
  'log-exists': 'internal',
  locked: 'internal',
  corrupt: 'internal',
  'wrong-key': 'internal',
  'stale-writer': 'internal',
};

const vaultCodes: Record<VaultErrorCode, ProblemCode> = {
  missing: 'not-found',
  disposed: 'object-disposed',
  corrupt: 'object-corrupt',
  'digest-mismatch': 'digest-mismatch',
  'size-mismatch': 'digest-mismatch',
  'too-large': 'body-too-large',
  'range-not-satisfiable': 'range-not-satisfiable',
  'offset-mismatch': 'upload-offset-mismatch',
  'no-upload': 'upload-offset-mismatch',
  'upload-busy': 'overloaded',
  'too-many-uploads': 'overloaded',
  'disk-full': 'disk-full',
  io: 'internal',
  'wrong-keys': 'internal',
  'wrong-recipient': 'internal',
  'unsupported-format': 'internal',
  closed: 'writer-stopped',
};

/** Turns whatever was thrown into a problem document. Unknown errors become `internal` and say nothing of the inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof CentreError) return problem(error.code, error.message, error);
  if (error instanceof LogError) {
    const code = logCodes[error.code];
    if (code !== 'internal')
      return problem(code, error.message, { retryAfterMs: error.retryAfterMs ?? undefined });
  }
  if (error instanceof VaultError) {
    const code = vaultCodes[error.code];
    if (code !== 'internal') return problem(code, error.message);
  }
  if (isFullDisk(error))
    return problem(
      'disk-full',
      'The disk of this centre is full. Send the same again later: what was registered is found there.',
    );
  return problem(
    'internal',
    'The error is in the server’s own log. Try again; if it stays, tell the operator of this centre.',
    {},
  );
}

/** SQLite’s own words for it: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE of the index of a write-ahead log (sqlite.org/rescode.html). */
function isFullDisk(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (error.errcode === 13 || error.errcode === 4874);
}

/** A problem document of a code. */
export function problem(
  code: ProblemCode,
  detail: string,
  extra: { readonly pointer?: string | undefined; readonly retryAfterMs?: number | undefined } = {},
): Problem {
  const [status, title] = statuses[code];
  return {
    type: `https://vitrine.dev/problems/${code}`,
    title,
    status,
    code,
    detail,
    ...(extra.pointer === undefined ? {} : { pointer: extra.pointer }),
    ...(extra.retryAfterMs === undefined ? {} : { retryAfterMs: extra.retryAfterMs }),
  };
}
