// What is said of objects in the vault: that some were disposed of.

import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from '../canonical-json.ts';
import { StatementError } from '../error.ts';
import { logOrigin, positive, productName, sha256Hex } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';
import { explainIssues } from '../schema-issue.ts';

export const DISPOSAL_TYPE = 'https://vitrine.dev/disposal/v1';

const disposalPredicate = v.strictObject({
  log: logOrigin,
  objects: v.strictObject({ count: positive, list: sha256Hex }),
  product: productName,
  reason: v.strictObject({ digest: sha256Hex }),
});

export const disposalSchema = v.pipe(
  statementOf(DISPOSAL_TYPE, subject(v.literal('objects'), { sha256: sha256Hex }), disposalPredicate),
  v.check(
    (statement) => statement.subject[0].digest.sha256 === statement.predicate.objects.list,
    'the subject is not the list that the predicate names',
  ),
);

export type DisposalStatement = v.InferOutput<typeof disposalSchema>;
export type DisposalPredicate = v.InferOutput<typeof disposalPredicate>;

/** That objects were disposed of; which ones stands in a secret body. */
export function disposalStatement(predicate: DisposalPredicate): DisposalStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: DISPOSAL_TYPE,
    subject: [{ digest: { sha256: predicate.objects.list }, name: 'objects' }],
  };
}

const disposalList = v.strictObject({ digests: v.array(sha256Hex), salt: sha256Hex });

/** The secret body that `objects.list` of a disposal names. `salt`: 32 random bytes in hex. */
export type DisposalList = v.InferOutput<typeof disposalList>;

/** The largest list of disposed objects accepted, in bytes. */
export const MAX_DISPOSAL_LIST_BYTES = 16 * 1024 * 1024;

/**
 * The bytes of a disposal's list, digests sorted.
 *
 * @throws StatementError `malformed-body`
 */
export function formatDisposalList({ digests, salt }: DisposalList): Uint8Array {
  const bytes = formatCanonicalJson({ digests: [...digests].sort(), salt });
  parseDisposalList(bytes);
  return bytes;
}

/**
 * The inverse of formatDisposalList.
 *
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-body`
 */
export function parseDisposalList(bytes: Uint8Array): DisposalList {
  const parsed = v.safeParse(
    disposalList,
    parseCanonicalJson(bytes, { maxBytes: MAX_DISPOSAL_LIST_BYTES, maxDepth: 2 }),
  );
  if (!parsed.success) {
    throw new StatementError(
      'malformed-body',
      `not a list of disposed objects: ${explainIssues(parsed.issues)}`,
    );
  }
  const { digests } = parsed.output;
  if (!digests.every((digest, i) => i === 0 || (digests[i - 1] ?? '') < digest)) {
    throw new StatementError('malformed-body', 'the disposed objects are not sorted, or one stands twice');
  }
  return parsed.output;
}
