// A statement of the root log in one sentence, for pages and terminals.

import {
  ARTIFACT_TYPE,
  CENTRE_TYPE,
  CLOSED_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  COSIGNED_TYPE,
  DISPOSAL_TYPE,
  type Due,
  EVENT_TYPE,
  HEAD_TYPE,
  RELEASE_TYPE,
  type RootStatement,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import { countOf, shorten, toPlainText } from './plain-text.ts';

/** What a statement of the root log says, in one sentence. */
export function describeRootStatement(statement: RootStatement): string {
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
    case CLOSED_TYPE: {
      const { closed, successor } = statement.predicate;
      const next = successor === undefined ? '' : ` It goes on in ${successor.origin}.`;
      return `The log ${closed.origin} is closed at ${countOf(closed.treeSize, 'entry', 'entries')}.${next}`;
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
  }
}

function dueInWords(due: Due): string {
  if (due.precision === 'none') return 'with no date given';
  return due.precision === 'period'
    ? `due by the end of ${due.period}`
    : `due between ${due.from} and ${due.to}`;
}
