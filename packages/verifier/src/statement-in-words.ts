// Any statement in one sentence, for pages and terminals. An entry point of its own: who verifies evidence reads statements of the root log only.

import {
  FORK_RESOLUTION_TYPE,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  parseStatementLeaf,
  REGISTRATION_POLICY_TYPE,
  ROOT_KEYS_TYPE,
  type Statement,
  StatementError,
  type StatementLeaf,
  SUBMISSION_TYPE,
  WITNESSES_TYPE,
} from '@vitrine/statements';
import { countOf, list, shorten, toPlainText } from './plain-text.ts';
import { describeRootStatement } from './root-statement-in-words.ts';

export type DescribedLeaf =
  | { readonly ok: true; readonly leaf: StatementLeaf; readonly words: string }
  | { readonly ok: false; readonly reason: string };

/** A leaf of `statements` or `keys`, read and in words. Verifies nothing; never throws on a bad leaf. */
export function describeLeaf(bytes: Uint8Array): DescribedLeaf {
  try {
    const leaf = parseStatementLeaf(bytes);
    return { ok: true, leaf, words: describeStatement(leaf.statement) };
  } catch (error) {
    if (error instanceof StatementError) return { ok: false, reason: toPlainText(error.message, 400) };
    throw error;
  }
}

/** What a statement says, in one sentence. */
export function describeStatement(statement: Statement): string {
  switch (statement.predicateType) {
    case SUBMISSION_TYPE: {
      const { addressee, body, kind } = statement.predicate;
      const access = body.access === 'public' ? 'for everyone to read' : 'for its addressee only';
      return `A ${kind.replaceAll('-', ' ')} to ${addressee}, ${access}.`;
    }
    case ROOT_KEYS_TYPE: {
      const { instance, keys, threshold, version } = statement.predicate;
      return `Root keys of ${instance}, version ${version}: ${threshold} of ${countOf(keys.length, 'key')} must sign.`;
    }
    case REGISTRATION_POLICY_TYPE: {
      const { rules, version } = statement.predicate;
      return `Registration policy ${version}: ${countOf(rules.length, 'rule')} on who may say what.`;
    }
    case WITNESSES_TYPE: {
      const { mirrorQuorum = 0, quorum, version, witnesses } = statement.predicate;
      const mirrors = witnesses.filter(({ kind }) => kind === 'mirror').length;
      const byWitnesses = `${countOf(witnesses.length - mirrors, 'witness', 'witnesses')}, of whose operators ${quorum} must cosign`;
      return mirrors === 0
        ? `Witnesses, version ${version}: ${byWitnesses}.`
        : `Witnesses, version ${version}: ${byWitnesses}, and ${countOf(mirrors, 'mirror')}, of whose operators ${mirrorQuorum} must.`;
    }
    case FORK_RESOLUTION_TYPE: {
      const { origin, treeSize } = statement.predicate.kept;
      return `After a fork ${origin} goes on from entry ${treeSize}.`;
    }
    case KEY_ADD_TYPE: {
      const [{ digest }] = statement.subject;
      const roles = statement.predicate.roles.map(
        ({ products, role }) => `${role} for ${products.includes('*') ? 'all products' : list(products)}`,
      );
      return `Key ${shorten(digest.sha256)} is added: ${list(roles)}.`;
    }
    case KEY_ROTATE_TYPE:
      return `Key ${shorten(statement.predicate.key)} hands its roles to a successor.`;
    case KEY_REVOKE_TYPE: {
      const { predicate } = statement;
      const key = `Key ${shorten(predicate.key)}`;
      return predicate.reason === 'retired'
        ? `${key} is retired.`
        : `${key} is compromised: its signatures from entry ${predicate.validBelow} on are void.`;
    }
    default:
      return describeRootStatement(statement);
  }
}
