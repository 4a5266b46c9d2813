// Statements as a fold is told of them: admission has looked at their signatures before.

import {
  commitmentAmendmentStatement,
  type CommitmentStatement,
  commitmentStatement,
  commitmentWithdrawalStatement,
  type EvidenceKind,
  EVENT_TYPE,
  eventStatement,
  formatStatement,
  payloadDigestOf,
  type RootStatement,
} from '@vitrine/statements';
import type { Told } from '../src/index.ts';

export const LOG = 'acme.example/statements';
export const DIGEST = 'ab'.repeat(32);
export const VENDOR_KEY = 'cd'.repeat(32);

type Predicate = CommitmentStatement['predicate'];

/** Milliseconds of an ISO date or time in UTC. */
export function ms(text: string): number {
  return Date.parse(text);
}

export class Teller {
  #leafIndex = 0;

  at(time: string, statement: RootStatement): Told {
    return {
      statement,
      payloadDigest: payloadDigestOf(formatStatement(statement)),
      registeredAtMs: ms(time),
      signers: [VENDOR_KEY],
      entry: { origin: LOG, leafIndex: this.#leafIndex++ },
    };
  }
}

export function promise(more: Partial<Predicate> = {}): CommitmentStatement {
  return commitmentStatement({
    body: { digest: DIGEST },
    due: { precision: 'none' },
    id: 'review',
    log: LOG,
    ...more,
  });
}

export function amendment(
  of: CommitmentStatement,
  version: number,
  more: Partial<Predicate> = {},
): RootStatement {
  const { announced, ...predicate } = of.predicate;
  return commitmentAmendmentStatement({
    ...predicate,
    commitment: payloadDigestOf(formatStatement(of)),
    reason: { digest: DIGEST },
    version,
    ...more,
  });
}

export function withdrawal(of: CommitmentStatement, product?: string): RootStatement {
  return commitmentWithdrawalStatement({
    commitment: payloadDigestOf(formatStatement(of)),
    id: of.predicate.id,
    log: LOG,
    reason: { digest: DIGEST },
    ...(product === undefined ? {} : { product }),
  });
}

export function event(
  kind: string,
  happened: string,
  data: Record<string, string | number | boolean> = {},
  product?: string,
): RootStatement {
  return eventStatement({
    body: { digest: DIGEST },
    data,
    happened,
    kind,
    log: LOG,
    ...(product === undefined ? {} : { product }),
  });
}

/** Evidence of this kind of event. */
export function eventOf(kind: string, schema: EvidenceKind['schema'] = {}): EvidenceKind {
  return {
    by: 'anyone',
    type: EVENT_TYPE,
    schema: { ...schema, properties: { kind: { const: kind } }, required: ['kind'] },
  };
}

/** An acceptance of one requirement. */
export function needs(evidence: EvidenceKind, more: object = {}): NonNullable<Predicate['acceptance']> {
  return { all: [{ count: 1, evidence: [evidence], words: 'it happened', ...more }] };
}
