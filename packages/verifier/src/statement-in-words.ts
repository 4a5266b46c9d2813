// A statement in one sentence, for pages and terminals.

import {
  ARTIFACT_TYPE,
  CENTRE_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  COSIGNED_TYPE,
  DISPOSAL_TYPE,
  type Due,
  EVENT_TYPE,
  FORK_RESOLUTION_TYPE,
  HEAD_TYPE,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  parseStatementLeaf,
  REGISTRATION_POLICY_TYPE,
  RELEASE_TYPE,
  ROOT_KEYS_TYPE,
  type Statement,
  StatementError,
  type StatementLeaf,
  SUBMISSION_TYPE,
  WITHDRAWAL_TYPE,
  WITNESSES_TYPE,
} from '@vitrine/statements';
import { list, shorten, toPlainText } from './plain-text.ts';

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
    case RELEASE_TYPE: {
      const { artifacts, product, source, version } = statement.predicate;
      return `Release ${version} of ${product}: ${countOf(artifacts.count, 'artifact')}, from a source of ${countOf(source.files, 'file')}.`;
    }
    case ARTIFACT_TYPE: {
      const { product, sizeBytes, version } = statement.predicate;
      const [{ digest, name }] = statement.subject;
      return `“${toPlainText(name, 255)}” (${countOf(sizeBytes, 'byte')}, SHA-256 ${shorten(digest.sha256)}) belongs to ${product} ${version}.`;
    }
    case WITHDRAWAL_TYPE: {
      const { product, version } = statement.predicate;
      return `Release ${version} of ${product} is withdrawn.`;
    }
    case HEAD_TYPE: {
      const { origin, root, treeSize } = statement.predicate.head;
      return `The log ${origin} had ${countOf(treeSize, 'entry', 'entries')}, with root ${shorten(root)}.`;
    }
    case DISPOSAL_TYPE: {
      const { objects, product } = statement.predicate;
      return `${countOf(objects.count, 'object')} of ${product} in the vault were disposed of.`;
    }
    case CENTRE_TYPE: {
      const { centre, working } = statement.predicate;
      const where = `${centre.city} (${centre.country})`;
      return working
        ? `The centre ${centre.name} in ${where}, run by ${centre.operator}, is at work.`
        : `The centre ${centre.name} in ${where}, run by ${centre.operator}, has closed.`;
    }
    case COSIGNED_TYPE: {
      const [{ digest, name }] = statement.subject;
      return `A checkpoint of ${name}, with root ${shorten(digest.sha256)}, was cosigned.`;
    }
    case COMMITMENT_TYPE:
      return `The promise “${statement.predicate.id}” is made, ${dueInWords(statement.predicate.due)}.`;
    case COMMITMENT_AMENDMENT_TYPE: {
      const { due, id, version } = statement.predicate;
      return `The promise “${id}” reads differently from now on (version ${version}), ${dueInWords(due)}.`;
    }
    case COMMITMENT_WITHDRAWAL_TYPE:
      return `The promise “${statement.predicate.id}” is withdrawn.`;
    case EVENT_TYPE: {
      const { happened, kind } = statement.predicate;
      return `It is recorded that something happened: ${kind}, ${happened}.`;
    }
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
  }
}

function dueInWords(due: Due): string {
  if (due.precision === 'none') return 'with no date given';
  return due.precision === 'period'
    ? `due by the end of ${due.period}`
    : `due between ${due.from} and ${due.to}`;
}

function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
