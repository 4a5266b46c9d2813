// Evidence files: docs/formats/evidence.md. Parsing one believes nothing in it.

import { explainIssues, formatCanonicalJson, parseCanonicalJson, StatementError } from '@vitrine/statements';
import {
  decodeBase64,
  encodeBase64,
  formatProof,
  parseProof,
  TlogError,
  type TlogProof,
} from '@vitrine/tlog';
import * as v from 'valibot';
import { EvidenceError } from './error.ts';

export const EVIDENCE_FORMAT = 'https://vitrine.dev/evidence/v1';
export const EVIDENCE_MEDIA_TYPE = 'application/vnd.vitrine.evidence+json';
export const EVIDENCE_EXTENSION = '.evidence';

/** The largest evidence file, in bytes. */
export const MAX_EVIDENCE_BYTES = 8 * 1024 * 1024;

/** The most statements in one file: one, its release, withdrawals. */
export const MAX_EVIDENCE_STATEMENTS = 256;

/** The most leaves of a keys log in one file. */
export const MAX_EVIDENCE_KEYS_LEAVES = 65_536;

export interface ProvenLeaf {
  readonly leaf: Uint8Array;
  /** Of the leaf in the root log; all of a file carry the same checkpoint. */
  readonly proof: TlogProof;
}

export interface Evidence {
  /** The first is what the evidence is about; then the release of an artifact, then withdrawals. */
  readonly statements: readonly ProvenLeaf[];
  readonly keys: {
    /** A signed note of exactly this many leaves. */
    readonly checkpoint: string;
    /** All leaves of the keys log, in order. */
    readonly leaves: readonly Uint8Array[];
  };
  /** Public bodies that the statements name by digest. */
  readonly bodies: readonly Uint8Array[];
}

const evidenceSchema = v.strictObject({
  bodies: v.exactOptional(
    v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2 * MAX_EVIDENCE_STATEMENTS)),
  ),
  format: v.literal(EVIDENCE_FORMAT),
  keys: v.strictObject({
    checkpoint: v.string(),
    leaves: v.pipe(v.array(v.string()), v.maxLength(MAX_EVIDENCE_KEYS_LEAVES)),
  }),
  statements: v.pipe(
    v.array(v.strictObject({ leaf: v.string(), proof: v.string() })),
    v.minLength(1),
    v.maxLength(MAX_EVIDENCE_STATEMENTS),
  ),
});

const members = v.record(v.string(), v.unknown());

/**
 * The bytes of an evidence file.
 *
 * @throws EvidenceError `too-large`, `malformed-evidence` if the result would not parse
 */
export function formatEvidence({ statements, keys, bodies }: Evidence): Uint8Array {
  const bytes = formatCanonicalJson({
    ...(bodies.length === 0 ? {} : { bodies: bodies.map(encodeBase64) }),
    format: EVIDENCE_FORMAT,
    keys: { checkpoint: keys.checkpoint, leaves: keys.leaves.map(encodeBase64) },
    statements: statements.map(({ leaf, proof }) => ({
      leaf: encodeBase64(leaf),
      proof: formatProof(proof),
    })),
  });
  parseEvidence(bytes);
  return bytes;
}

/**
 * Parses an evidence file, strictly.
 *
 * @throws EvidenceError `too-large`, `malformed-json`, `not-canonical-json`, `unsupported-format`,
 * `malformed-evidence`
 */
export function parseEvidence(bytes: Uint8Array): Evidence {
  const value = parseJson(bytes);
  const { output, success } = v.safeParse(members, value);
  const format = success ? output['format'] : undefined;
  if (typeof format !== 'string')
    throw new EvidenceError('malformed-evidence', 'it does not say that it is evidence');
  if (format !== EVIDENCE_FORMAT) {
    throw new EvidenceError('unsupported-format', `its format is not ${EVIDENCE_FORMAT}`);
  }
  const parsed = v.safeParse(evidenceSchema, value, { abortEarly: true });
  if (!parsed.success) {
    throw new EvidenceError('malformed-evidence', explainIssues(parsed.issues));
  }
  const { bodies = [], keys, statements } = parsed.output;
  return {
    statements: statements.map(({ leaf, proof }, i) => ({
      leaf: decode(leaf, `the leaf of statement ${i}`),
      proof: readProof(proof, i),
    })),
    keys: {
      checkpoint: keys.checkpoint,
      leaves: keys.leaves.map((leaf, i) => decode(leaf, `leaf ${i} of the keys log`)),
    },
    bodies: bodies.map((body, i) => decode(body, `body ${i}`)),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseCanonicalJson(bytes, { maxBytes: MAX_EVIDENCE_BYTES, maxDepth: 4 });
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    switch (cause.code) {
      case 'too-large':
      case 'malformed-json':
      case 'not-canonical-json':
        throw new EvidenceError(cause.code, cause.message, { cause });
      default:
        throw new EvidenceError('malformed-evidence', cause.message, { cause });
    }
  }
}

function readProof(text: string, at: number): TlogProof {
  try {
    const proof = parseProof(text);
    // Nothing signs it, so nothing may stand in it.
    if (proof.extra !== undefined)
      throw new EvidenceError('malformed-evidence', `the proof of statement ${at} has extra data`);
    return proof;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new EvidenceError('malformed-evidence', `the proof of statement ${at}: ${cause.message}`, {
      cause,
    });
  }
}

function decode(text: string, what: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (cause) {
    throw new EvidenceError('malformed-evidence', `${what} is not standard base64 with padding`, { cause });
  }
}
