/** A signed statement on its way into the keys log of a centre: whether it would count, sending it, and whether the centre kept its word. */
import type { AcceptedStatement } from '@vitrine/api';
import {
  admitEnvelope,
  advanceKeys,
  CLOSED_TYPE,
  formatLeaf,
  identityOf,
  KEY_ROTATE_TYPE,
  type KeysEntry,
  type KeysState,
  openAcceptance,
  parseLeaf,
  parsePublicKey,
  STATEMENT_PAYLOAD_TYPE,
  StatementError,
} from '@vitrine/statements';
import { encodeHex, equalBytes, hashLeaf } from '@vitrine/tlog';
import { connect, hasProblem, patiently } from './centre-connection.ts';
import { verifyWithOpenssl } from './ed25519.ts';
import { refused } from './failure.ts';
import { consequencesOf } from './key-consequences.ts';
import { formatKeyStatement } from './key-statement-file.ts';
import type { KeyStatementFile } from './key-statement-file.ts';
import { readKeysLog } from './keys-log-source.ts';
import type { ServedKeysLog } from './keys-log-source.ts';

type Uncounted = Extract<KeysEntry, { readonly counts: false }>;

export type Prospect =
  /** It would count if it were registered now, and the keys log would then be this. */
  | { readonly outlook: 'counts'; readonly after: KeysState; readonly warnings: readonly string[] }
  /** It stands there already, at this entry. */
  | { readonly outlook: 'registered'; readonly index: number }
  /** Nothing is wrong with it but that more must sign. */
  | { readonly outlook: 'unfinished'; readonly reason: string }
  | { readonly outlook: 'refused'; readonly reason: string };

/** What would come of the statement at a centre whose keys log is this. */
export function prospectOf(file: KeyStatementFile, { state, entries }: ServedKeysLog): Prospect {
  const { payload, signatures } = file;
  if (signatures.length === 0) return { outlook: 'unfinished', reason: 'nobody has signed it yet' };
  const identity = identityOf({ payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures });
  const standing = entries.find((entry) => entry.counts && entry.identity === identity);
  if (standing !== undefined) return { outlook: 'registered', index: standing.index };
  const registeredAtMs = Math.max(Date.now(), state.lastRegisteredAtMs);
  if (file.statement.predicateType === CLOSED_TYPE) return prospectOfClosing(file, state, registeredAtMs);
  const { entry, state: after } = advanceKeys(
    state,
    formatLeaf({ registeredAtMs, envelope: formatKeyStatement(file) }),
    verifyWithOpenssl,
  );
  if (!entry.counts) return whyNot(file, entry);
  const { refusal, warnings } = consequencesOf(state, after);
  return refusal === undefined
    ? { outlook: 'counts', after, warnings }
    : { outlook: 'refused', reason: refusal };
}

function prospectOfClosing(file: KeyStatementFile, state: KeysState, atMs: number): Prospect {
  const verdict = admitEnvelope(
    state,
    { origin: file.statement.predicate.log, atMs, envelope: formatKeyStatement(file) },
    verifyWithOpenssl,
  );
  if (verdict.admitted) return { outlook: 'counts', after: state, warnings: [] };
  return verdict.code === 'threshold-not-met'
    ? { outlook: 'unfinished', reason: verdict.reason }
    : { outlook: 'refused', reason: verdict.reason };
}

function whyNot({ statement, signatures }: KeyStatementFile, { code, reason }: Uncounted): Prospect {
  switch (code) {
    case 'threshold-not-met': {
      const successor =
        statement.predicateType === KEY_ROTATE_TYPE
          ? parsePublicKey(statement.predicate.successor).keyid
          : undefined;
      const missing =
        successor !== undefined && !signatures.some(({ keyid }) => keyid === successor)
          ? `the successor ${successor} must sign it too`
          : reason;
      return { outlook: 'unfinished', reason: missing };
    }
    case 'wrong-version':
      return {
        outlook: 'refused',
        reason: `${reason}: it was made for another state of the keys log (somebody was first, or it is an old one). Look at vitrine keys list and make it again`,
      };
    case 'bad-signature':
      return {
        outlook: 'refused',
        reason: `${reason}. Every signature must be by a key of this log: take that one off with vitrine keys unsign, or make the statement again`,
      };
    default:
      return { outlook: 'refused', reason };
  }
}

/**
 * Sends a statement and checks that the centre kept its promise: the very envelope stands in the published keys log, at the entry
 * that was accepted, by a key that the log lets accept.
 * @throws Failure, ApiError
 */
export async function registerKeyStatement(
  server: string,
  file: KeyStatementFile,
  onWait: (reason: string) => void,
): Promise<AcceptedStatement> {
  const client = connect(server);
  const envelope = formatKeyStatement(file);
  const body = { log: 'keys' as const, envelopes: [new TextDecoder().decode(envelope)], bodies: [] };
  let accepted: AcceptedStatement | undefined;
  try {
    const { statements } = await patiently(() => client.call('registerStatements', { body }), onWait);
    [accepted] = statements;
  } catch (thrown) {
    if (!hasProblem(thrown, 'statement-refused')) throw thrown;
    // The log may have moved on since it was read: then this says what to do, where the server says only what is wrong.
    const now = prospectOf(file, await readKeysLog(server, onWait, { patience: 'busy or away' }));
    if (now.outlook === 'refused') throw refused(now.reason, thrown);
    // What came first is durable but not published yet.
    throw refused(
      `${thrown.message}. Another statement was registered just before: look at vitrine keys list, and make this one again if it is still wanted`,
      thrown,
    );
  }
  if (accepted?.digest !== file.digest)
    throw refused('the centre accepted another statement than the one sent');
  checkPromise(accepted, envelope, await readKeysLog(server, onWait, { patience: 'busy or away' }));
  return accepted;
}

/** @throws Failure that says which promise was broken */
function checkPromise(
  accepted: AcceptedStatement,
  envelope: Uint8Array,
  { leaves, origin, state }: ServedKeysLog,
): void {
  const leaf = leaves[accepted.index];
  if (leaf === undefined || !equalBytes(parseLeaf(leaf).envelope, envelope))
    throw refused(
      `the centre answered that the statement is entry ${accepted.index} of ${origin}, but the log that it publishes does not say so; keep its acceptance, it is evidence: ${accepted.acceptance}`,
    );
  try {
    const promise = openAcceptance(new TextEncoder().encode(accepted.acceptance), state, verifyWithOpenssl);
    if (
      promise.origin !== origin ||
      promise.leafIndex !== accepted.index ||
      promise.leafHash !== encodeHex(hashLeaf(leaf))
    )
      throw refused(
        `the centre's acceptance promised another entry than it published; keep it, it is evidence: ${accepted.acceptance}`,
      );
  } catch (thrown) {
    if (!(thrown instanceof StatementError)) throw thrown;
    throw refused(`the centre's acceptance does not hold: ${thrown.message}`, thrown);
  }
}
