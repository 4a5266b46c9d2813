// What enters at a centre, addressed to the vendor: the intake log of that centre, not the vendor's, takes it in.

import * as v from 'valibot';
import { logOrigin, productName, sha256Hex } from '../scalars.ts';
import { publicKeyText } from './keys.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';

export const SUBMISSION_TYPE = 'https://vitrine.dev/submission/v1';

/** What may be said to the vendor at a centre. */
export const SUBMISSION_KINDS = [
  'access-request',
  'finding',
  'government-request',
  'letter',
  'opinion',
  'vulnerability-report',
] as const;

const submissionPredicate = v.strictObject({
  /** The root log of the vendor that it is addressed to. */
  addressee: logOrigin,
  /** The body's digest when it is public; a salted commitment to it when it is not. */
  body: v.variant('access', [
    v.strictObject({ access: v.literal('public'), digest: sha256Hex }),
    v.strictObject({ access: v.literal('addressee'), commitment: sha256Hex }),
  ]),
  /** The SPKI of the one who says it: whoever has a key may speak. */
  key: publicKeyText,
  kind: v.picklist(SUBMISSION_KINDS),
  log: logOrigin,
  product: v.exactOptional(productName),
});

export const submissionSchema = v.pipe(
  statementOf(SUBMISSION_TYPE, subject(v.literal('submission'), { sha256: sha256Hex }), submissionPredicate),
  v.check(
    ({ predicate: { body }, subject: [{ digest }] }) =>
      digest.sha256 === (body.access === 'public' ? body.digest : body.commitment),
    'the subject is not the body',
  ),
);

export type SubmissionStatement = v.InferOutput<typeof submissionSchema>;
export type SubmissionPredicate = v.InferOutput<typeof submissionPredicate>;

/** Something said to the vendor at a centre. */
export function submissionStatement(predicate: SubmissionPredicate): SubmissionStatement {
  const { body } = predicate;
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: SUBMISSION_TYPE,
    subject: [
      { digest: { sha256: body.access === 'public' ? body.digest : body.commitment }, name: 'submission' },
    ],
  };
}
