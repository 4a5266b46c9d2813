// The transparency centres: who runs them and where, and that they have cosigned what the root log said.

import { parseVkey } from '@vitrine/tlog';
import * as v from 'valibot';
import { keysOf } from '../announced-centres.ts';
import { httpUrl, instanceName, logOrigin, positive, sha256Hex } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';

export const CENTRE_TYPE = 'https://vitrine.dev/centre/v1';
export const COSIGNED_TYPE = 'https://vitrine.dev/cosigned/v1';

/** The parts of the world, as people name them where a centre stands. */
export const REGIONS = ['Africa', 'Asia', 'Europe', 'North America', 'Oceania', 'South America'] as const;

/** A cosigned checkpoint that fits into a statement, in UTF-16 code units. */
export const MAX_COSIGNED_NOTE = 5000;

// Shown to people as it stands, so nothing that hides or reorders text.
const placeName = v.pipe(
  v.string(),
  v.regex(
    /^[\p{L}\p{N}][\p{L}\p{N} .,'()&-]{0,63}$/u,
    "expected 1–64 letters, digits, spaces and . , ' ( ) & -",
  ),
);

/** The vkey of a log (0x01) or of a cosigner (0x04); `what` is said of other text. */
export const vkeyOfType = (type: 0x01 | 0x04, what: string) =>
  v.pipe(
    v.string(),
    v.maxLength(400),
    v.check((text) => isVkey(text, type), what),
  );

const centrePredicate = v.strictObject({
  centre: v.strictObject({
    city: placeName,
    country: v.pipe(
      v.string(),
      v.regex(/^[A-Z]{2}$/, 'expected a country of ISO 3166-1 alpha-2, for example CH'),
    ),
    name: instanceName,
    operator: v.pipe(
      v.string(),
      v.regex(/^\S{1,64}$/, 'expected an operator: a word of at most 64 characters'),
    ),
    region: v.picklist(REGIONS),
    url: httpUrl,
  }),
  intake: v.strictObject({ origin: logOrigin, vkey: vkeyOfType(0x01, 'expected the vkey of a log (0x01)') }),
  log: logOrigin,
  mirror: vkeyOfType(0x04, 'expected the vkey of a cosigner (0x04)'),
  /** Counts up from 1 for each centre, so that an older announcement appended again changes nothing. */
  version: positive,
  witness: vkeyOfType(0x04, 'expected the vkey of a cosigner (0x04)'),
  /** Whether it is at work: a centre that has closed says so in a last announcement. */
  working: v.boolean(),
});

export const centreSchema = v.pipe(
  statementOf(
    CENTRE_TYPE,
    subject(instanceName, { vitrineKeyHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)) }),
    centrePredicate,
  ),
  v.check(
    ({ predicate, subject: [{ digest, name }] }) =>
      name === predicate.centre.name && digest.vitrineKeyHash === keyHashOf(predicate.witness),
    'the subject is not the centre and the key hash of its witness',
  ),
  v.check(
    ({ predicate }) => new Set(keysOf(predicate).map(([, key]) => key)).size === 3,
    'one key stands in two roles: witness, mirror and intake log each have a key of their own',
  ),
  v.check(
    ({ predicate: { centre, intake } }) =>
      intake.origin === `${centre.name}/intake` && parseVkey(intake.vkey).name === intake.origin,
    'the intake log, or its key, is not named NAME/intake after the centre',
  ),
);

const cosignedPredicate = v.strictObject({
  /** The signed note, with its cosignatures. */
  checkpoint: v.pipe(v.string(), v.maxLength(MAX_COSIGNED_NOTE)),
  log: logOrigin,
});

export const cosignedSchema = statementOf(
  COSIGNED_TYPE,
  subject(logOrigin, { sha256: sha256Hex }),
  cosignedPredicate,
);

export type CentreStatement = v.InferOutput<typeof centreSchema>;
export type CosignedStatement = v.InferOutput<typeof cosignedSchema>;
export type CentrePredicate = v.InferOutput<typeof centrePredicate>;
export type CosignedPredicate = v.InferOutput<typeof cosignedPredicate>;

/** That a centre is at work, or has closed: where it is, who runs it, with which keys it speaks. */
export function centreStatement(predicate: CentrePredicate): CentreStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: CENTRE_TYPE,
    subject: [{ digest: { vitrineKeyHash: keyHashOf(predicate.witness) }, name: predicate.centre.name }],
  };
}

/**
 * That centres had cosigned a checkpoint of the root log. Cosignatures stand outside of the log; this is how a view, which
 * is a function of the log alone, knows of them. `root`: hex root hash of the checkpoint.
 */
export function cosignedStatement(predicate: CosignedPredicate, root: string): CosignedStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: COSIGNED_TYPE,
    subject: [{ digest: { sha256: root }, name: predicate.log }],
  };
}

// Of text that may be no vkey: the schema says so by itself.
function keyHashOf(vkey: string): string {
  return vkey.split('+')[1] ?? '';
}

function isVkey(text: string, type: 0x01 | 0x04): boolean {
  try {
    return parseVkey(text).type === type;
  } catch {
    return false;
  }
}
