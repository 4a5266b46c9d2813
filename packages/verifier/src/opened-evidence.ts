// Evidence whose statements are read and in their places. Nothing of it is believed yet.

import { sha256 } from '@noble/hashes/sha2.js';
import {
  ARTIFACT_TYPE,
  type ArtifactStatement,
  CLOSED_TYPE,
  DISPOSAL_TYPE,
  isRootStatement,
  parseStatementLeaf,
  RELEASE_TYPE,
  type ReleaseStatement,
  type RootStatement,
  StatementError,
  type StatementLeaf,
  WITHDRAWAL_TYPE,
  type WithdrawalStatement,
} from '@vitrine/statements';
import { encodeHex, type TlogProof } from '@vitrine/tlog';
import { EvidenceError } from './error.ts';
import { type Evidence, parseEvidence } from './evidence.ts';

export interface OpenedStatement<S extends RootStatement = RootStatement> {
  readonly statement: S;
  readonly leaf: Uint8Array;
  readonly proof: TlogProof;
  readonly registeredAtMs: number;
  readonly payloadDigest: string;
}

export interface OpenedEvidence {
  readonly evidence: Evidence;
  /** All, in the file's order; the first is what the evidence is about. */
  readonly statements: readonly OpenedStatement[];
  readonly about: OpenedStatement;
  /** Set if the evidence is about an artifact. */
  readonly artifact?: OpenedStatement<ArtifactStatement>;
  /** The release that it is about, or that the artifact names, if it is there. */
  readonly release?: OpenedStatement<ReleaseStatement>;
  /** Of that release, by their digest. */
  readonly withdrawals: readonly OpenedStatement<WithdrawalStatement>[];
  /** By hex SHA-256. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

/**
 * Parses evidence, the statements in it, and checks that each has its place there.
 *
 * @throws EvidenceError
 */
export function openEvidence(bytes: Uint8Array): OpenedEvidence {
  const evidence = parseEvidence(bytes);
  const statements = evidence.statements.map(({ leaf, proof }, i) => {
    const { payloadDigest, registeredAtMs, statement } = readLeaf(leaf, i);
    if (!isRootStatement(statement)) throw misplaced(i, 'its type does not belong in the root log');
    return { leaf, payloadDigest, proof, registeredAtMs, statement };
  });
  const [about, ...others] = statements;
  if (about === undefined) throw new EvidenceError('malformed-evidence', 'it has no statement');
  const indices = statements.map(({ proof }) => proof.index);
  if (new Set(indices).size !== indices.length) {
    throw new EvidenceError('malformed-evidence', 'an entry of the log stands in it twice');
  }
  return {
    evidence,
    statements,
    about,
    ...arrange(about, others),
    bodies: readBodies(evidence.bodies, statements),
  };
}

type Arranged = Pick<OpenedEvidence, 'artifact' | 'release' | 'withdrawals'>;

function arrange(about: OpenedStatement, others: readonly OpenedStatement[]): Arranged {
  const [next, ...rest] = others;
  if (isA(about, ARTIFACT_TYPE)) {
    if (next !== undefined && isA(next, RELEASE_TYPE)) {
      const release = about.statement.predicate.release;
      if (next.payloadDigest !== release) throw misplaced(1, 'it is not the release that the artifact names');
      return { artifact: about, release: next, withdrawals: readWithdrawals(release, rest, 2) };
    }
    return { artifact: about, withdrawals: readWithdrawals(about.statement.predicate.release, others, 1) };
  }
  if (isA(about, RELEASE_TYPE)) {
    return { release: about, withdrawals: readWithdrawals(about.payloadDigest, others, 1) };
  }
  if (others.length > 0) throw misplaced(1, 'evidence about such a statement holds no other');
  return { withdrawals: [] };
}

function readWithdrawals(
  release: string,
  statements: readonly OpenedStatement[],
  offset: number,
): OpenedStatement<WithdrawalStatement>[] {
  return statements.map((each, i) => {
    if (isA(each, WITHDRAWAL_TYPE) && each.statement.predicate.release === release) return each;
    throw misplaced(offset + i, 'it is no withdrawal of the release');
  });
}

// TypeScript does not narrow an object by a member's member.
function isA<Type extends RootStatement['predicateType']>(
  opened: OpenedStatement,
  type: Type,
): opened is OpenedStatement<Extract<RootStatement, { readonly predicateType: Type }>> {
  return opened.statement.predicateType === type;
}

function readBodies(
  bodies: readonly Uint8Array[],
  statements: readonly OpenedStatement[],
): ReadonlyMap<string, Uint8Array> {
  const named = new Set(statements.flatMap(({ statement }) => bodiesNamedBy(statement)));
  const found = new Map<string, Uint8Array>();
  for (const [i, body] of bodies.entries()) {
    const digest = encodeHex(sha256(body));
    if (!named.has(digest))
      throw new EvidenceError('malformed-evidence', `no statement in it names body ${i}`);
    if (found.has(digest)) throw new EvidenceError('malformed-evidence', `body ${i} stands in it twice`);
    found.set(digest, body);
  }
  return found;
}

/** The digests of the public bodies that a statement names. */
function bodiesNamedBy(statement: RootStatement): readonly string[] {
  if (statement.predicateType === RELEASE_TYPE) {
    const { artifacts, notes, provenance, sbom } = statement.predicate;
    return [artifacts.list, notes?.digest, provenance?.digest, sbom?.digest].filter(
      (digest) => digest !== undefined,
    );
  }
  switch (statement.predicateType) {
    case CLOSED_TYPE:
    case DISPOSAL_TYPE:
    case WITHDRAWAL_TYPE:
      return [statement.predicate.reason.digest];
    default:
      return [];
  }
}

function readLeaf(leaf: Uint8Array, at: number): StatementLeaf {
  try {
    return parseStatementLeaf(leaf);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new EvidenceError('malformed-evidence', `statement ${at}: ${cause.message}`, { cause });
  }
}

function misplaced(at: number, why: string): EvidenceError {
  return new EvidenceError('malformed-evidence', `statement ${at} has no place in it: ${why}`);
}
