// What the root log says of logs: the heads of the others, and the end of each, its own included.

import * as v from 'valibot';
import { count, httpUrl, logOrigin, sha256Hex } from '../scalars.ts';
import { vkeyOfType } from './centres.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';

export const HEAD_TYPE = 'https://vitrine.dev/head/v1';
export const CLOSED_TYPE = 'https://vitrine.dev/closed/v1';

/** A log at a size, with its root in hex. */
export const headOf = v.strictObject({ origin: logOrigin, root: sha256Hex, treeSize: count });

const logAtSize = subject(logOrigin, { sha256: sha256Hex });

const headPredicate = v.strictObject({
  head: headOf,
  log: logOrigin,
});

export const headSchema = v.pipe(
  statementOf(HEAD_TYPE, logAtSize, headPredicate),
  v.check(
    ({ predicate, subject: [{ digest, name }] }) =>
      name === predicate.head.origin && digest.sha256 === predicate.head.root,
    'the subject is not the head that the predicate names',
  ),
);

/** Where a log goes on: another log, under another name and key. */
const successorOf = v.strictObject({
  /** Of a root log: hex SHA-256 of entry 0 of its keys log, which its readers pin. */
  entry0: v.exactOptional(sha256Hex),
  origin: logOrigin,
  /** The prefix of its tiles. */
  url: httpUrl,
  vkey: vkeyOfType(0x01, 'expected the vkey of a log (0x01)'),
});

const closedPredicate = v.strictObject({
  /** The log that ends, at its last size. */
  closed: headOf,
  log: logOrigin,
  reason: v.strictObject({ digest: sha256Hex }),
  /** Absent where nothing follows. */
  successor: v.exactOptional(successorOf),
});

export const closedSchema = v.pipe(
  statementOf(CLOSED_TYPE, logAtSize, closedPredicate),
  v.check(
    ({ predicate, subject: [{ digest, name }] }) =>
      name === predicate.closed.origin && digest.sha256 === predicate.closed.root,
    'the subject is not the log that it closes',
  ),
);

export type HeadStatement = v.InferOutput<typeof headSchema>;
export type HeadPredicate = v.InferOutput<typeof headPredicate>;
export type ClosedStatement = v.InferOutput<typeof closedSchema>;
export type ClosedPredicate = v.InferOutput<typeof closedPredicate>;

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

/** That a log has ended at this size and root (hex), for a public reason, and where it goes on. */
export function closedStatement(predicate: ClosedPredicate): ClosedStatement {
  const { origin, root } = predicate.closed;
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: CLOSED_TYPE,
    subject: [{ digest: { sha256: root }, name: origin }],
  };
}
