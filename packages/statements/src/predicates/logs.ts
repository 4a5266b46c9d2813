// What the root log says of the other logs: their heads.

import * as v from 'valibot';
import { count, logOrigin, sha256Hex } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';

export const HEAD_TYPE = 'https://vitrine.dev/head/v1';

/** A log at a size, with its root in hex. */
export const headOf = v.strictObject({ origin: logOrigin, root: sha256Hex, treeSize: count });

const headPredicate = v.strictObject({
  head: headOf,
  log: logOrigin,
});

export const headSchema = v.pipe(
  statementOf(HEAD_TYPE, subject(logOrigin, { sha256: sha256Hex }), headPredicate),
  v.check(
    ({ predicate, subject: [{ digest, name }] }) =>
      name === predicate.head.origin && digest.sha256 === predicate.head.root,
    'the subject is not the head that the predicate names',
  ),
);

export type HeadStatement = v.InferOutput<typeof headSchema>;
export type HeadPredicate = v.InferOutput<typeof headPredicate>;

/** That another log of the instance had this size and root (hex). */
export function headStatement(predicate: HeadPredicate): HeadStatement {
  const { origin, root } = predicate.head;
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: HEAD_TYPE,
    subject: [{ digest: { sha256: root }, name: origin }],
  };
}
