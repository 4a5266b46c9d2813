/** The commitments of a centre, recomputed: the whole root log is read, verified, admitted again and folded on this machine. */
import {
  CommitmentsFold,
  consequencesOf,
  cosignedTreeSize,
  documentOfSubmission,
  isCommitmentSaying,
  isConsequential,
  voidedEvidenceOf,
} from '@vitrine/commitments';
import type { Centres, CommitmentFacts, Told } from '@vitrine/commitments';
import {
  admit,
  CLOSED_TYPE,
  closedLogOf,
  COSIGNED_TYPE,
  HEAD_TYPE,
  parseLeaf,
  parseStatementLeaf,
  StatementError,
  SUBMISSION_TYPE,
  whyPastEnd,
} from '@vitrine/statements';
import type { ClosedLog, ClosedStatement, KeysState, StatementLeaf, Voided } from '@vitrine/statements';
import { type AdmittedIntake, admitIntake, verifyP256 } from '@vitrine/statements/intake';
import { encodeHex, equalBytes, verifyCheckpoint } from '@vitrine/tlog';
import { parseVerificationPolicy } from '@vitrine/verifier';
import { connect, patiently } from './centre-connection.ts';
import { CountedReleases } from './counted-releases.ts';
import { verifyWithOpenssl } from './ed25519.ts';
import { refused } from './failure.ts';
import { readKeysLog } from './keys-log-source.ts';
import { LeafHashes } from './leaf-hashes.ts';
import { readCheckpoint, readLeaves } from './log-tiles.ts';

export interface RecomputedCommitments {
  /** In the order in which they were made. */
  readonly commitments: ReadonlyMap<string, CommitmentFacts>;
  /**
   * The time that the cosigners of the checkpoint vouch for, in whole seconds, or of the newest entry of the view within them; absent
   * where no policy was given.
   */
  readonly verifiedAtMs?: number;
}

/**
 * @param rootSize the size of the root log of the view that is recomputed
 * @param policy the text of a verification policy; without one nothing is verified but that the entries are those of the checkpoints
 * that the same server shows
 * @throws Failure when the log is not what it should be; ApiError
 */
export async function recomputeCommitments(
  server: string,
  rootSize: number,
  policy: string | undefined,
  onWait: (reason: string) => void,
  onEntries: (read: number, of: number) => void,
): Promise<RecomputedCommitments> {
  const keys = await readKeysLog(server, onWait, policy === undefined ? {} : { policy });
  const tiles = { server, log: 'statements', onWait };
  const { checkpoint, note } = await readCheckpoint(tiles);
  const { origin, root, treeSize } = checkpoint;
  if (origin !== keys.origin.replace(/\/keys$/, '/statements'))
    throw refused(
      `${server} serves ${origin} beside the keys log ${keys.origin}: they are not of one instance`,
    );
  if (treeSize < rootSize)
    throw refused(`${server} shows a view of ${rootSize} entries, but its checkpoint has ${treeSize} only`);
  const verifiedAtMs = policy === undefined ? undefined : timeUnder(policy, note, server);

  const fold = new CommitmentsSteps(keys.state, origin, (intake, from, size) =>
    readIntake(server, intake, { from, size }, onWait),
  );
  for await (const { leaf, leafIndex } of readLeaves(tiles, treeSize)) {
    await fold.step(leaf, leafIndex, leafIndex < rootSize);
    if (leafIndex % 256 === 255) onEntries(leafIndex + 1, treeSize);
  }
  if (!equalBytes(await fold.hashes.rootAt(treeSize), root))
    throw refused(`the entries of ${origin} that ${server} serves are not those of its checkpoint`);
  return {
    commitments: fold.commitments,
    ...(verifiedAtMs === undefined ? {} : { verifiedAtMs: Math.max(verifiedAtMs, fold.newestMs) }),
  };
}

/** Leaves of a centre's intake log, as this server holds it. */
async function readIntake(
  server: string,
  origin: string,
  { from, size }: { readonly from: number; readonly size: number },
  onWait: (reason: string) => void,
): Promise<readonly Uint8Array[]> {
  const { logs } = await patiently(() => connect(server).call('centre'), onWait);
  const name = logs.find((log) => log.origin === origin)?.name;
  if (name === undefined)
    throw refused(`${server} does not serve ${origin}, which is part of the view that it shows`);
  const leaves: Uint8Array[] = [];
  for await (const { leaf } of readLeaves({ server, log: name, onWait }, size, from)) leaves.push(leaf);
  return leaves;
}

function timeUnder(policy: string, note: string, server: string): number {
  const verdict = verifyCheckpoint(note, parseVerificationPolicy(policy).tlog);
  if (!verdict.ok)
    throw refused(
      `the checkpoint of the root log of ${server} is refused under this policy: ${verdict.reason}`,
    );
  if (verdict.timeSeconds === undefined) throw refused('under this policy nobody vouches for a time');
  return verdict.timeSeconds * 1000;
}

type ReadIntake = (origin: string, from: number, size: number) => Promise<readonly Uint8Array[]>;

/** A statement that counts; or one that counted until a key was revoked as compromised. */
interface Judged {
  readonly told: Told;
  readonly voided?: Voided;
}

class CommitmentsSteps {
  readonly hashes = new LeafHashes();
  readonly #keys: KeysState;
  readonly #origin: string;
  readonly #fold = new CommitmentsFold();
  readonly #releases = new CountedReleases();
  readonly #readIntake: ReadIntake;
  /** By origin: what has been read of each intake log. */
  readonly #intakes = new Map<string, { readonly hashes: LeafHashes; size: number }>();
  /** By origin: the logs that have ended. */
  readonly #closed = new Map<string, ClosedLog>();
  #centres: Centres = new Map();
  #newestMs = 0;

  constructor(keys: KeysState, origin: string, readIntake: ReadIntake) {
    this.#readIntake = readIntake;
    this.#keys = keys;
    this.#origin = origin;
  }

  get commitments(): ReadonlyMap<string, CommitmentFacts> {
    return this.#fold.commitments;
  }

  /** When the newest entry of the view was registered. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /** @param isInView whether the entry is one that the view shows */
  async step(leaf: Uint8Array, leafIndex: number, isInView: boolean): Promise<void> {
    const judged = isInView ? this.#judged(leaf, leafIndex) : undefined;
    if (judged?.voided !== undefined) await this.#tellVoided(judged.told, judged.voided);
    else if (judged !== undefined) await this.#tell(judged.told);
    this.hashes.append(leaf);
  }

  /** Undefined of what counts for nothing and never did, or says nothing here. */
  #judged(leaf: Uint8Array, leafIndex: number): Judged | undefined {
    const parsed = parsedLeaf(leaf);
    if (parsed !== undefined) this.#newestMs = Math.max(this.#newestMs, parsed.registeredAtMs);
    const entry = { origin: this.#origin, leafIndex };
    // Signatures are looked at only where somebody said something that matters here.
    if (parsed === undefined || this.#closed.has(this.#origin) || !this.#matters(parsed)) return undefined;
    const verdict = admit(this.#keys, { ...entry, leaf }, verifyWithOpenssl);
    if (!verdict.admitted)
      return verdict.voided === undefined
        ? undefined
        : { told: { ...verdict.voided.admission, entry }, voided: verdict.voided };
    const end = { leafIndex, origin: this.#origin, keysOrigin: this.#keys.origin };
    if (whyPastEnd(verdict.statement, this.#closed, end) !== undefined) return undefined;
    return this.#releases.counts(verdict.statement, verdict.payloadDigest, leafIndex)
      ? { told: { ...verdict, entry } }
      : undefined;
  }

  /** What a statement was evidence for until a key was revoked as compromised. */
  async #tellVoided(told: Told, { atMs, leafIndex }: Voided): Promise<void> {
    if (isCommitmentSaying(told.statement) || !isConsequential(told.statement)) return;
    const voided = { atMs, entry: { origin: this.#keys.origin, leafIndex } };
    const cosignedRoot = await this.#cosignedRoot(told);
    for (const document of voidedEvidenceOf(told, voided, this.#centres, cosignedRoot))
      this.#fold.take(document);
  }

  async #cosignedRoot({ entry, statement }: Told): Promise<Uint8Array | undefined> {
    const treeSize = statement.predicateType === COSIGNED_TYPE ? cosignedTreeSize(statement) : undefined;
    return treeSize === undefined || treeSize > entry.leafIndex ? undefined : this.hashes.rootAt(treeSize);
  }

  async #tell(told: Told): Promise<void> {
    const { statement } = told;
    if (isCommitmentSaying(statement)) {
      this.#fold.say(told);
      return;
    }
    if (statement.predicateType === HEAD_TYPE) {
      await this.#enter(statement.predicate.head, told);
      return;
    }
    if (statement.predicateType === CLOSED_TYPE) {
      await this.#close(statement, told.entry.leafIndex);
      return;
    }
    const cosignedRoot = await this.#cosignedRoot(told);
    const { centres, documents, ends } = consequencesOf(told, this.#centres, cosignedRoot);
    this.#centres = centres;
    for (const document of documents) this.#fold.take(document);
    for (const end of ends) this.#fold.end(end);
  }

  /** Of the root log the tree is here, so a closing that names another one counts for nothing. */
  async #close(statement: ClosedStatement, leafIndex: number): Promise<void> {
    const { origin, root } = statement.predicate.closed;
    if (origin === this.#origin && encodeHex(await this.hashes.rootAt(leafIndex)) !== root) return;
    this.#closed.set(origin, closedLogOf(statement, leafIndex));
  }

  #matters({ statement }: StatementLeaf): boolean {
    if (statement.predicateType === HEAD_TYPE) return this.#isIntake(statement.predicate.head.origin);
    return (
      statement.predicateType === CLOSED_TYPE || isCommitmentSaying(statement) || isConsequential(statement)
    );
  }

  #isIntake(origin: string): boolean {
    return [...this.#centres.values()].some(({ intake }) => intake.origin === origin);
  }

  /** What entered at a centre up to a head of its intake log, if the head tells the truth about it. */
  async #enter(
    head: { readonly origin: string; readonly root: string; readonly treeSize: number },
    { registeredAtMs }: Told,
  ): Promise<void> {
    const { origin, root, treeSize } = head;
    const known = this.#intakes.get(origin) ?? { hashes: new LeafHashes(), size: 0 };
    this.#intakes.set(origin, known);
    const from = known.size;
    if (treeSize < from) return;
    const leaves = await this.#readIntake(origin, from, treeSize);
    for (const leaf of leaves) known.hashes.append(leaf);
    known.size = treeSize;
    if (encodeHex(await known.hashes.rootAt(treeSize)) !== root)
      throw refused(`the entries of ${origin} that are served are not those that the root log anchors`);
    for (const [at, leaf] of leaves.entries()) {
      const admitted = admittedIntake(leaf, origin, this.#origin);
      if (admitted?.statement.predicateType !== SUBMISSION_TYPE) continue;
      const { payloadDigest, signer, statement } = admitted;
      const { body, kind, product } = statement.predicate;
      this.#fold.take(
        documentOfSubmission({
          entry: { origin, leafIndex: from + at },
          payloadDigest,
          signer,
          kind,
          product,
          access: body.access,
          vendor: (this.#keys.keys.get(signer)?.addedAtMs ?? Infinity) <= registeredAtMs,
          anchoredAtMs: registeredAtMs,
        }),
      );
    }
  }
}

function parsedLeaf(leaf: Uint8Array): StatementLeaf | undefined {
  try {
    return parseStatementLeaf(leaf);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

const speakerVerify = { ed25519: verifyWithOpenssl, p256: verifyP256 };

function admittedIntake(leaf: Uint8Array, origin: string, addressee: string): AdmittedIntake | undefined {
  try {
    const { envelope } = parseLeaf(leaf);
    const verdict = admitIntake({ origin, addressee, envelope }, speakerVerify);
    return verdict.admitted ? verdict : undefined;
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}
