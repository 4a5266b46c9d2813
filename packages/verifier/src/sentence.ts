// The one sentence of a verdict, for people who read nothing else.

import { ARTIFACT_TYPE, RELEASE_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import type { Facts } from './facts.ts';
import type { OpenedEvidence } from './opened-evidence.ts';
import { formatTime, quoteBody, toPlainText } from './plain-text.ts';
import { describeRootStatement } from './root-statement-in-words.ts';
import type { Check } from './verdict.ts';

export function composeSentence(checks: readonly Check[], facts: Facts): string {
  const failed = checks.find(({ ok }) => !ok);
  const { opened, policy } = facts;
  if (failed === undefined && opened !== undefined && policy !== undefined) {
    const said = ended(
      `${claim(opened, policy.instance, facts)}, logged as ${entry(opened)}${because(opened)}`,
    );
    return `${said}${unhashed(opened, facts)}`;
  }
  return refusal(failed, facts);
}

/** Everything up to the place in the log. */
function claim(opened: OpenedEvidence, instance: string, { file }: Pick<Facts, 'file'>): string {
  const { statement } = opened.about;
  switch (statement.predicateType) {
    case ARTIFACT_TYPE: {
      const { predicate, subject } = statement;
      const [{ name }] = subject;
      const release = `${predicate.product} ${predicate.version}`;
      const published = `as published by ${instance}`;
      if (file === undefined || file.name === name) return `“${shown(name)}” is ${release} ${published}`;
      return `“${shown(file.name)}” is “${shown(name)}” of ${release} ${published}`;
    }
    case RELEASE_TYPE: {
      const { product, version } = statement.predicate;
      return `${product} ${version} is a release published by ${instance}`;
    }
    case WITHDRAWAL_TYPE: {
      const { product, version } = statement.predicate;
      return `${product} ${version} was withdrawn by ${instance}`;
    }
    default:
      return `${instance} says: ${describeRootStatement(statement).replace(/\.$/, '')}`;
  }
}

/** Why, if it is a withdrawal and its reason is there. */
function because({ about, bodies }: OpenedEvidence): string {
  const { statement } = about;
  if (statement.predicateType !== WITHDRAWAL_TYPE) return '';
  const body = bodies.get(statement.predicate.reason.digest);
  return body === undefined ? '' : `: “${quoteBody(body)}”`;
}

function entry({ about }: OpenedEvidence): string {
  return `entry ${about.proof.index} on ${formatTime(about.registeredAtMs)}`;
}

function unhashed({ artifact }: OpenedEvidence, { file }: Facts): string {
  if (artifact === undefined || file !== undefined) return '';
  const [{ digest }] = artifact.statement.subject;
  return ` No file was compared with it: this holds for a file whose SHA-256 is ${digest.sha256}.`;
}

function refusal(failed: Check | undefined, facts: Facts): string {
  return ended(`Refused: ${whyRefused(failed, facts)}`);
}

/** Without a full stop of its own. */
function whyRefused(failed: Check | undefined, facts: Facts): string {
  const { file, opened, policy, withdrawals } = facts;
  const reason = failed?.reason ?? 'no check was made';
  const what = file === undefined ? subjectOf(opened) : `“${shown(file.name)}”`;
  if (failed?.name === 'policy')
    return `the policy cannot be used, so nothing about ${what} was checked: ${reason}`;
  if (opened === undefined || policy === undefined) return `nothing is known about ${what}: ${reason}`;
  if (failed?.name === 'file' && opened.artifact !== undefined) {
    const { predicate } = opened.artifact.statement;
    return `${what} is not the file that ${policy.instance} published as ${predicate.product} ${predicate.version}: ${reason}`;
  }
  if (failed?.name === 'not-withdrawn' && withdrawals.length > 0) {
    return `${claim(opened, policy.instance, facts)}, but ${reason}`;
  }
  if (failed?.name === 'age')
    return `${claim(opened, policy.instance, facts)}, but only as of an old view: ${reason}`;
  return `this evidence does not show that ${claim(opened, policy.instance, facts)}: ${reason}`;
}

function subjectOf(opened: OpenedEvidence | undefined): string {
  const artifact = opened?.artifact?.statement;
  if (artifact === undefined) return 'this statement';
  const [{ name }] = artifact.subject;
  return `“${shown(name)}”`;
}

function shown(name: string): string {
  return toPlainText(name, 255);
}

/** With one full stop at its end; a quotation that brings its own needs no other. */
function ended(text: string): string {
  return /(?:\.|[.!?…]”)$/.test(text) ? text : `${text}.`;
}
