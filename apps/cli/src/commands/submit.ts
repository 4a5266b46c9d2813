/** `vitrine submit`: says something to the vendor at any centre, whose acceptance is then evidence that it was said. */
import { hash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcceptedStatement, ApiClient } from '@vitrine/api';
import {
  formatLeaf,
  formatPublicKey,
  formatStatement,
  openIntakeAcceptance,
  payloadDigestOf,
  publicKeyFromRaw,
  signStatement,
  StatementError,
  SUBMISSION_KINDS,
  submissionStatement,
} from '@vitrine/statements';
import type { Signer, SubmissionStatement } from '@vitrine/statements';
import { encodeBase64, encodeHex, hashLeaf, parseVkey, TlogError } from '@vitrine/tlog';
import { connect, patiently } from '../centre-connection.ts';
import { verifyWithOpenssl } from '../ed25519.ts';
import { couldNotRun, reasonOf, refused } from '../failure.ts';
import { readBounded } from '../local-file.ts';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import { readSigningKey } from '../signing-key.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface SubmitOptions {
  readonly server: string;
  readonly key: string;
  readonly kind: string;
  readonly product?: string;
  /** The key of the centre's intake log, where its own word is not enough. */
  readonly intakeVkey?: string;
  readonly acceptanceOut?: string;
  /** Until the vendor's root log names what was said. */
  readonly wait?: boolean;
  readonly json?: boolean;
}

const MAX_BODY_BYTES = 1024 * 1024;
const ANCHOR_PATIENCE_MS = 120_000;

interface Intake {
  readonly origin: string;
  readonly vkey: string;
  /** The vendor's root log. */
  readonly addressee: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function submit(file: string, options: SubmitOptions, terminal: Terminal): Promise<0> {
  const signer = await readSigningKey(options.key, (text) => terminal.note(text));
  if (options.acceptanceOut !== undefined) await refuseTaken(options.acceptanceOut);
  const body = await readBounded(file, MAX_BODY_BYTES);
  if (body.length > MAX_BODY_BYTES)
    throw couldNotRun(`${file} is too large: a centre takes at most ${MAX_BODY_BYTES} bytes`);
  const client = connect(options.server);
  const onWait = waiting(terminal);
  const intake = await intakeOf(client, options, onWait);
  const statement = composed(body, intake, signer, options);
  const digest = digestOf(statement);
  const envelope = await signStatement(statement, [signer]);
  const accepted = await patiently(
    () =>
      client.call('submit', {
        body: { envelope: new TextDecoder().decode(envelope), body: encodeBase64(body) },
      }),
    onWait,
  );
  checkAcceptance(accepted, { digest, envelope, intake });
  if (options.acceptanceOut !== undefined)
    await createFile(options.acceptanceOut, new TextEncoder().encode(accepted.acceptance), 0o644);
  const headIndex = options.wait === true ? await anchored(client, digest, intake, onWait) : null;
  const { addressee, origin } = intake;
  if (options.json === true)
    terminal.print(
      `${JSON.stringify({ submission: digest, log: origin, addressee, accepted, headIndex })}\n`,
    );
  else
    terminal.print(
      [
        printable(
          `${accepted.duplicate ? 'said before, nothing changed:' : 'accepted'} entry ${accepted.index} of ${origin}, ${new Date(accepted.registeredAt).toISOString()}, for ${addressee}`,
        ),
        `submission ${digest}`,
        ...(headIndex === null ? [] : [`anchored by entry ${headIndex} of ${printable(addressee)}`]),
        '',
      ].join('\n'),
    );
  return 0;
}

/** Before anything is said. @throws Failure when a file of that name is there */
async function refuseTaken(path: string): Promise<void> {
  try {
    await access(path);
  } catch {
    return;
  }
  throw couldNotRun(`${path} is there already and is not written over; nothing was said`);
}

/** @throws Failure when the centre takes nothing in, or under another key than the one expected */
async function intakeOf(
  client: ApiClient,
  { intakeVkey }: SubmitOptions,
  onWait: (reason: string) => void,
): Promise<Intake> {
  const { logs } = await patiently(() => client.call('centre'), onWait, 'busy');
  const intake = logs.find(({ kind }) => kind === 'intake');
  const root = logs.find(({ kind }) => kind === 'statements');
  if (intake === undefined || root === undefined) throw refused('the centre has no intake log');
  if (intakeVkey !== undefined && intakeVkey !== intake.vkey)
    throw refused(`the centre's intake log has the key ${intake.vkey}, not ${intakeVkey}; nothing was said`);
  return { origin: intake.origin, vkey: intake.vkey, addressee: root.origin };
}

function composed(
  body: Uint8Array,
  { addressee, origin }: Intake,
  signer: Signer,
  { kind: asked, product }: SubmitOptions,
): SubmissionStatement {
  const kind = SUBMISSION_KINDS.find((each) => each === asked);
  if (kind === undefined)
    throw couldNotRun(`--kind ${asked}: one of ${SUBMISSION_KINDS.join(', ')} is expected`);
  return submissionStatement({
    addressee,
    body: { access: 'public', digest: hash('sha256', body, 'hex') },
    key: formatPublicKey(signer),
    kind,
    log: origin,
    ...(product === undefined ? {} : { product }),
  });
}

/** @throws Failure when the values make no statement */
function digestOf(statement: SubmissionStatement): string {
  try {
    return payloadDigestOf(formatStatement(statement));
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(cause.message, cause);
  }
}

/** @throws Failure unless the centre signed that this very leaf stands in its intake log */
function checkAcceptance(
  accepted: AcceptedStatement,
  said: { readonly digest: string; readonly envelope: Uint8Array; readonly intake: Intake },
): void {
  if (accepted.digest !== said.digest) throw refused('the centre accepted something else than was sent');
  try {
    const key = publicKeyFromRaw(parseVkey(said.intake.vkey).publicKey);
    const promise = openIntakeAcceptance(
      new TextEncoder().encode(accepted.acceptance),
      key,
      verifyWithOpenssl,
    );
    const leaf = formatLeaf({ registeredAtMs: promise.registeredAtMs, envelope: said.envelope });
    if (
      promise.origin !== said.intake.origin ||
      promise.leafIndex !== accepted.index ||
      promise.leafHash !== encodeHex(hashLeaf(leaf))
    )
      throw refused(
        `the centre's acceptance is of another entry; keep it, it is evidence: ${accepted.acceptance}`,
      );
  } catch (thrown) {
    if (!(thrown instanceof StatementError || thrown instanceof TlogError)) throw thrown;
    throw refused(`the centre's acceptance does not hold: ${reasonOf(thrown)}`, thrown);
  }
}

/** The entry of the root log that made it part of what every centre shows. @throws Failure when that takes too long */
async function anchored(
  client: ApiClient,
  digest: string,
  { origin }: Intake,
  onWait: (reason: string) => void,
): Promise<number> {
  const deadline = performance.now() + ANCHOR_PATIENCE_MS;
  for (let waitMs = 250; ; waitMs = Math.min(2 * waitMs, 4_000)) {
    const { submissions } = await patiently(
      () => client.call('submissions', { query: { limit: 200 } }),
      onWait,
    );
    const found = submissions.find((each) => each.digest === digest && each.origin === origin);
    if (found !== undefined) return found.headIndex;
    if (performance.now() > deadline)
      throw couldNotRun(
        'the centre accepted it, but the vendor’s log does not name it yet; GET /api/submissions will. A head left out for an hour becomes a public notice',
      );
    onWait('the vendor’s log does not name it yet');
    await sleep(waitMs);
  }
}
