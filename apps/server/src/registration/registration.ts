/**
 * The door of the logs of statements: parses envelopes, applies the registration policy, appends, and answers with signed acceptances.
 *
 * Appends to the keys log and to the root log take turns, so that a key statement and the head that anchors it stand with nothing
 * between them in the root log: order by time and order by head agree (docs/formats/statements.md, "Admission").
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { AcceptedStatement } from '@vitrine/api';
import {
  admitEnvelope,
  advanceKeys,
  CLOSED_TYPE,
  emptyKeysState,
  formatLeaf,
  isKeysStatement,
  parseStatementEnvelope,
  StatementError,
  whyNoHeads,
} from '@vitrine/statements';
import type { EnvelopedStatement, KeysState, Signer } from '@vitrine/statements';
import type { CloseLog } from '../closings/commands.ts';
import { hashLeaf } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import { verifyWithNode } from '../identity/verify.ts';
import type { Appended, Log } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { acceptedStatement } from './accepted-statement.ts';

/** A parsed envelope, as it came. `pointer`: where it stood in the request. */
export interface Submission extends EnvelopedStatement {
  readonly bytes: Uint8Array;
  readonly pointer: string;
}

/** What a capability demands of a type of statement beyond the registration policy; throws CentreError. `bodies` by digest. */
export type Door = (submission: Submission, bodies: ReadonlyMap<string, Uint8Array>) => Promise<void>;

export interface Registration {
  /** The keys log with everything durable in it. */
  keys(): KeysState;
  /** @throws CentreError `malformed-envelope` */
  parse(text: string, pointer: string): Submission;
  /** Whether the registration policy would admit a statement of the root log now, or it stands there. @throws CentreError `statement-refused` */
  check(submission: Submission): Promise<void>;
  /** Whether the very statement, signed by the same keys, stands in the root log. */
  stands(submission: Submission): Promise<boolean>;
  /**
   * Registers statements of one log, all in one batch or none; those that stand there already are answered with their index.
   * Key statements resolve once their head is in the root log.
   * @throws CentreError `statement-refused`, `would-stop-anchoring`, `overloaded` while the head of the keys log cannot be appended; LogError, `disk-full`
   *   also for what stands there already
   */
  register(log: 'statements' | 'keys', submissions: readonly Submission[]): Promise<AcceptedStatement[]>;
}

export interface RegistrationOptions {
  readonly root: Log;
  readonly keys: Log;
  /** The instance's anchor key: signs acceptances here, and the heads that every key statement needs. */
  readonly anchor: Signer;
  readonly publishByMs: number;
  /** Ends a log by a statement that is admitted. */
  readonly closeLog: CloseLog;
  /** Why a log has ended, in words; null while it goes on. */
  readonly whyClosed: (origin: string) => string | null;
  readonly nowMs: () => number;
}

/** A head that takes longer cannot be appended, for want of space or of a right clock. */
const ANCHOR_WAIT_MS = 20_000;

const encoder = new TextEncoder();

export async function createRegistration({
  root,
  keys,
  anchor,
  publishByMs,
  closeLog,
  whyClosed,
  nowMs,
}: RegistrationOptions): Promise<Registration> {
  let keysState = emptyKeysState(keys.origin);
  async function readKeys(): Promise<void> {
    for await (const { leaf } of keys.readEntries(keysState.size, keys.size))
      keysState = advanceKeys(keysState, leaf, verifyWithNode).state;
  }
  await readKeys();

  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work, work);
    turn = mine;
    return mine;
  }
  // After a start on a full disk the keys log can be read to its end only once there is space.
  keys.onCommitted(() => void inTurn(readKeys).catch(() => undefined));

  /** Never before the newest entry, which may be ahead of this clock by up to a minute. */
  function registrationTime(): number {
    return Math.max(nowMs(), keysState.lastRegisteredAtMs);
  }

  async function stands({ identity }: Submission): Promise<boolean> {
    return (await root.find(Buffer.from(identity, 'hex'))) !== null;
  }

  async function admitToRoot(submission: Submission): Promise<void> {
    const { bytes, pointer } = submission;
    // What stands there already is answered with its index, also after its key has ended.
    if (await stands(submission)) return;
    const ended = whyClosed(root.origin);
    if (ended !== null) throw new LogError('log-closed', ended);
    const verdict = admitEnvelope(
      keysState,
      { origin: root.origin, atMs: registrationTime(), envelope: bytes },
      verifyWithNode,
    );
    if (!verdict.admitted)
      throw new CentreError('statement-refused', `${verdict.reason} (${verdict.code})`, { pointer });
  }

  async function admitToKeys(submissions: readonly Submission[]): Promise<void> {
    let state = keysState;
    for (const { bytes, identity, statement, pointer } of submissions) {
      if (!isKeysStatement(statement))
        throw new CentreError('statement-refused', 'its type does not belong in the keys log (wrong-log)', {
          pointer,
        });
      // What stands there already is answered with its index, and would be refused as saying nothing new.
      if ((await keys.find(Buffer.from(identity, 'hex'))) !== null) continue;
      const next = advanceKeys(
        state,
        formatLeaf({ registeredAtMs: registrationTime(), envelope: bytes }),
        verifyWithNode,
      );
      if (!next.entry.counts)
        throw new CentreError('statement-refused', `${next.entry.reason} (${next.entry.code})`, { pointer });
      state = next.state;
      const reason = whyNoHeads(state, anchor.keyid);
      if (reason !== undefined)
        throw new CentreError(
          'would-stop-anchoring',
          `${reason}: the heads that this centre signs with its anchor key would count for nothing, and it could anchor its logs no more. To replace that key, first add the new one, put it in place of keys/anchor.pem and restart the server; then end the old one`,
          { pointer },
        );
    }
  }

  function accepted(log: Log, submission: Submission, appended: Appended): Promise<AcceptedStatement> {
    return acceptedStatement({
      origin: log.origin,
      payloadDigest: submission.payloadDigest,
      appended,
      signer: anchor,
      nowMs: registrationTime(),
      publishByMs,
    });
  }

  async function append(log: Log, submissions: readonly Submission[]): Promise<AcceptedStatement[]> {
    const appended = await log.append(submissions.map(({ bytes }) => bytes));
    const answers: AcceptedStatement[] = [];
    for (const [at, one] of appended.entries()) {
      const submission = submissions[at];
      if (submission === undefined) throw new TypeError('the log answered more entries than it was given');
      answers.push(await accepted(log, submission, one));
      if (at % 256 === 255) await setImmediate();
    }
    return answers;
  }

  /**
   * The head of all that the keys log holds is in the root log. Also after a crash between a key statement and its head: a statement
   * by a key that the root log does not know of yet would be admitted here and refused by every reader.
   */
  async function keysAnchored(): Promise<void> {
    if (keys.size === 0) return;
    const anchored = keys.whenAnchored(keys.size - 1).then(() => true);
    if (await Promise.race([anchored, setTimeout(ANCHOR_WAIT_MS, false, { ref: false })])) return;
    throw new CentreError(
      'overloaded',
      'The newest key statement is durable, but its head cannot be appended to the root log. Send the same again.',
      { retryAfterMs: ANCHOR_WAIT_MS },
    );
  }

  /**
   * A statement is judged by all that stands in both logs, which is not known before both could be opened for writing; and it takes both
   * logs to publish it, so that whatever stops either stops it.
   */
  function requireWritable(): void {
    for (const log of [root, keys]) log.requireWriting();
  }

  /** What stands in a closed log is answered for as ever; undefined when something does not stand there. */
  async function answered(
    log: Log,
    submissions: readonly Submission[],
  ): Promise<AcceptedStatement[] | undefined> {
    const answers: AcceptedStatement[] = [];
    for (const submission of submissions) {
      const leafIndex = await log.find(Buffer.from(submission.identity, 'hex'));
      if (leafIndex === null) return undefined;
      const { leaf, registeredAt } = await log.readEntry(leafIndex);
      const appended = { leafIndex, registeredAt, leafHash: hashLeaf(leaf), duplicate: true };
      answers.push(await accepted(log, submission, appended));
    }
    return answers;
  }

  return {
    keys: () => keysState,
    stands,
    parse(text, pointer) {
      const bytes = encoder.encode(text);
      try {
        return { ...parseStatementEnvelope(bytes), bytes, pointer };
      } catch (cause) {
        if (!(cause instanceof StatementError)) throw cause;
        throw new CentreError('malformed-envelope', `${cause.message} (${cause.code})`, { cause, pointer });
      }
    },
    check: admitToRoot,
    register: (log, submissions) =>
      inTurn(async () => {
        if (whyClosed(root.origin) !== null) {
          const before = await answered(log === 'keys' ? keys : root, submissions);
          if (before !== undefined) return before;
        }
        requireWritable();
        await readKeys();
        if (log === 'statements') {
          await keysAnchored();
          root.registerFrom(keysState.lastRegisteredAtMs);
          for (const [at, submission] of submissions.entries()) {
            await admitToRoot(submission);
            // Signatures are checked in this thread: 10,000 of them must not keep other requests waiting.
            if (at % 64 === 63) await setImmediate();
          }
          const [only, ...others] = submissions;
          if (only?.statement.predicateType !== CLOSED_TYPE || (await stands(only)))
            return append(root, submissions);
          if (others.length > 0) throw new TypeError('a closing is registered alone');
          return [await accepted(root, only, await closeLog(only.statement, only))];
        }
        // Later than every entry of the root log before it, so that it changes nothing about those.
        keys.registerFrom((root.newestRegisteredAt ?? 0) + 1);
        await admitToKeys(submissions);
        const answers = await append(keys, submissions);
        await readKeys();
        await keysAnchored();
        return answers;
      }),
  };
}
