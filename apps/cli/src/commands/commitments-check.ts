/** `vitrine commitments check`: how every promise stands, recomputed from the log, and whether the centre's board says the same. */
import { hash } from 'node:crypto';
import type { ApiClient, Commitment } from '@vitrine/api';
import {
  CommitmentError,
  inForce,
  MAX_COMMITMENT_BODY_BYTES,
  parseCommitmentBody,
  stateAt,
} from '@vitrine/commitments';
import type { CommitmentBody, CommitmentFacts, Standing } from '@vitrine/commitments';
import { formatCanonicalJson } from '@vitrine/statements';
import { equalBytes } from '@vitrine/tlog';
import { connect, hasProblem, patiently } from '../centre-connection.ts';
import { recomputeCommitments } from '../commitments-source.ts';
import { readBody } from '../evidence-source.ts';
import { couldNotRun } from '../failure.ts';
import { readPolicy } from '../policy-option.ts';
import { printable } from '../printable.ts';
import { styled } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface CommitmentsCheckOptions {
  readonly server: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** A board may be so much older than what the cosigners vouch for: checkpoints are cosigned anew every few minutes. */
const BOARD_MAX_AGE_MS = 3_600_000;
/** A log grows while its pages are read. */
const BOARD_ATTEMPTS = 5;
const PAGE_COMMITMENTS = 200;

interface Board {
  readonly rootSize: number;
  readonly asOfMs: number;
  readonly commitments: ReadonlyMap<string, Commitment>;
}

interface Checked {
  readonly facts: CommitmentFacts;
  readonly standing: Standing;
  readonly body: CommitmentBody | undefined;
}

/** @returns the exit code: 1 when the centre's board says something else @throws Failure, ApiError */
export async function commitmentsCheck(options: CommitmentsCheckOptions, terminal: Terminal): Promise<0 | 1> {
  const client = connect(options.server);
  const onWait = waiting(terminal);
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const board = await readBoard(client, onWait);
  const task = terminal.progress.start('reading the log', 'entries', board.rootSize);
  const { commitments, verifiedAtMs } = await recomputeCommitments(
    options.server,
    board.rootSize,
    policy,
    onWait,
    (read) => task.update(read),
  );
  task.end(`${board.rootSize} entries`);
  const asOfMs = verifiedAtMs ?? board.asOfMs;
  const differences = [...ageOf(board, verifiedAtMs), ...differencesOf(board, commitments)];
  const checked: Checked[] = [];
  for (const facts of commitments.values()) {
    const standing = stateAt(facts, asOfMs);
    if (standing === undefined) throw couldNotRun(`${facts.id} was made after the time of the view`);
    checked.push({ facts, standing, body: await readCommitmentBody(client, inForce(facts).body, onWait) });
  }
  if (options.json === true) terminal.print(`${JSON.stringify(checked.map(forPrograms))}\n`);
  else terminal.print(printable(checked.flatMap(forPeople).join('\n')) + '\n');
  for (const difference of differences)
    terminal.note(`${styled(terminal, 'red', '✗')} ${printable(difference)}`);
  if (options.json !== true) {
    const same =
      differences.length === 0
        ? 'The centre’s board says the same.'
        : 'The centre’s board says something else.';
    terminal.note(`${same} As of ${board.rootSize} entries, ${new Date(asOfMs).toISOString()}.`);
    if (policy === undefined)
      terminal.note('No checkpoint was verified: with --policy FILE it is checked who vouches for this log.');
  }
  return differences.length === 0 ? 0 : 1;
}

/** All pages of one and the same view. */
async function readBoard(client: ApiClient, onWait: (reason: string) => void): Promise<Board> {
  for (let attempt = 1; attempt <= BOARD_ATTEMPTS; attempt++) {
    const board = await readPages(client, onWait);
    if (board !== undefined) return board;
  }
  throw couldNotRun('the log grows faster than the board can be read; try again');
}

async function readPages(client: ApiClient, onWait: (reason: string) => void): Promise<Board | undefined> {
  const commitments = new Map<string, Commitment>();
  const page = async (after?: number) =>
    patiently(
      () =>
        client.call('commitments', {
          query: { limit: PAGE_COMMITMENTS, ...(after === undefined ? {} : { after }) },
        }),
      onWait,
      'busy',
    );
  const first = await page();
  const { asOfMs, rootSize } = first;
  for (let shown = first; ; ) {
    if (shown.rootSize !== rootSize || shown.asOfMs !== asOfMs) return undefined;
    for (const commitment of shown.commitments) commitments.set(commitment.id, commitment);
    if (shown.next === null) return { rootSize, asOfMs, commitments };
    shown = await page(shown.next);
  }
}

function ageOf({ asOfMs }: Board, verifiedAtMs: number | undefined): readonly string[] {
  if (verifiedAtMs === undefined || verifiedAtMs - asOfMs <= BOARD_MAX_AGE_MS) return [];
  return [
    `the board is of ${new Date(asOfMs).toISOString()}, but the log of ${new Date(verifiedAtMs).toISOString()}`,
  ];
}

function differencesOf(
  { asOfMs, commitments: shown }: Board,
  recomputed: ReadonlyMap<string, CommitmentFacts>,
): readonly string[] {
  const invented = [...shown.keys()]
    .filter((id) => !recomputed.has(id))
    .map((id) => `${id}: the board shows it, and the log holds no such commitment`);
  const others = [...recomputed.values()].flatMap((facts) => {
    const board = shown.get(facts.id);
    if (board === undefined) return [`${facts.id}: the log holds it, and the board does not show it`];
    const { standing, ...known } = board;
    const own = stateAt(facts, asOfMs);
    if (own === undefined) return [`${facts.id}: the board is older than the commitment`];
    if (!isSame(standing, own))
      return [`${facts.id}: the board says “${standing.sentence}”, and the log says “${own.sentence}”`];
    return isSame(known, facts)
      ? []
      : [`${facts.id}: the board has other evidence or other versions than the log`];
  });
  return [...invented, ...others];
}

function isSame(left: CommitmentFacts | Standing, right: CommitmentFacts | Standing): boolean {
  return equalBytes(formatCanonicalJson(left), formatCanonicalJson(right));
}

/** Undefined when the centre no longer has it: then only its digest is known. @throws Failure when it has another */
async function readCommitmentBody(
  client: ApiClient,
  digest: string,
  onWait: (reason: string) => void,
): Promise<CommitmentBody | undefined> {
  try {
    const bytes = await patiently(
      async () =>
        readBody(await client.call('body', { params: { sha256: digest } }), MAX_COMMITMENT_BODY_BYTES),
      onWait,
    );
    if (hash('sha256', bytes, 'hex') !== digest)
      throw couldNotRun(`the centre answers with another text than the one with the digest ${digest}`);
    return parseCommitmentBody(bytes);
  } catch (thrown) {
    if (thrown instanceof CommitmentError || hasProblem(thrown, 'not-found', 'object-disposed'))
      return undefined;
    throw thrown;
  }
}

function forPrograms({ body, facts, standing }: Checked) {
  const { digest, versions } = facts;
  const version = versions.find((one) => one.version === standing.version);
  return {
    id: facts.id,
    text: body?.text ?? null,
    state: standing.state,
    since: standing.sinceMs,
    sentence: standing.sentence,
    commitment: digest,
    version: standing.version,
    evidence: (version?.evidence ?? []).flatMap((pieces, requirement) =>
      pieces.map(({ atMs, ended, entry, expiresAtMs, fromMs, type }) => ({
        requirement,
        type,
        log: entry.origin,
        index: entry.leafIndex,
        at: atMs,
        from: fromMs,
        until: ended?.atMs ?? expiresAtMs ?? null,
      })),
    ),
  };
}

function forPeople({ body, facts, standing }: Checked): readonly string[] {
  const pieces = facts.versions.find(({ version }) => version === standing.version)?.evidence.flat() ?? [];
  return [
    `${facts.id}  ${body?.title ?? '(its text is no longer there)'}`,
    `  ${standing.sentence}`,
    ...pieces.map(
      ({ atMs, entry, type }) =>
        `  ${new Date(atMs).toISOString()}  ${type}  entry ${entry.leafIndex} of ${entry.origin}`,
    ),
  ];
}
