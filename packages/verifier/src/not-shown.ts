// What a reader of a verdict might take to be shown, and is not: from the facts of this verdict.

import { DISPOSAL_TYPE, HEAD_TYPE, isValidAt, RELEASE_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import type { Facts } from './facts.ts';
import type { OpenedEvidence } from './opened-evidence.ts';
import { whoCouldFork } from './parties.ts';
import { formatTime, list, shorten } from './plain-text.ts';

export function whatIsNotShown(facts: Facts): readonly string[] {
  const { opened } = facts;
  if (opened === undefined || facts.policy === undefined) {
    return [
      'Anything at all: the evidence or the policy was not accepted, so nothing that they say was believed.',
    ];
  }
  return [
    ...aboutTheView(facts),
    ...aboutTheLog(facts),
    ...aboutTheKeys(facts),
    ...aboutThePolicy(facts),
    ...aboutTheFile(opened, facts),
    ...aboutTheRelease(opened, facts),
    ...aboutOthers(opened),
  ];
}

function aboutTheView({ keys, maxAgeMs, nowMs, root }: Facts): string[] {
  if (root === undefined) return ['Which state of the log this is: its checkpoint does not stand.'];
  const lines = [
    `Whatever was withdrawn or revoked after root size ${root.treeSize} (${formatTime(root.timeMs)}): newer evidence would show it.`,
    'The exact time of an entry: the log itself states it. The cosignatures show only that it was there by the time of the view.',
  ];
  if (maxAgeMs === undefined)
    lines.push('That the view is recent: neither the policy nor you set a greatest age.');
  if (nowMs < root.timeMs)
    lines.push('That this machine’s clock is right: it is behind the time of the view.');
  const idle = keys?.entries.filter(({ counts }) => !counts).length ?? 0;
  if (idle > 0)
    lines.push(
      `Why ${idle} of the entries of the keys log count for nothing: the log should not have taken them.`,
    );
  return lines;
}

function aboutTheLog({ policy, root }: Facts): string[] {
  if (policy === undefined || root === undefined) return [];
  const { cosigners } = root;
  const lines: string[] = [];
  if (cosigners.others.length === 0) {
    lines.push(
      `That everyone sees this log: nobody but ${policy.instance} itself cosigned it, so it could show others another one (a split view).`,
    );
  } else if (cosigners.needed === 0) {
    lines.push(
      `That everyone sees this log: ${list(cosigners.others)} cosigned it, but the policy would have accepted it from ${policy.instance} alone.`,
    );
  } else {
    lines.push(
      `That everyone sees this log: ${whoCouldFork(policy, cosigners)}, could show others another one (a split view).`,
    );
  }
  if (cosigners.unnamed.length > 0) {
    lines.push(
      `Who operates ${list(cosigners.unnamed)}: the policy does not say, so several could be one party.`,
    );
  }
  return lines;
}

function aboutTheKeys({ admissions, keys }: Facts): string[] {
  if (admissions === undefined || keys === undefined) return [];
  const signers = [...new Set(admissions.all.flatMap((admission) => admission.signers))];
  const ended = signers.filter((keyid) => {
    const key = keys.state.keys.get(keyid);
    return key !== undefined && !isValidAt(key, keys.timeMs);
  });
  return [
    `Who stands behind ${list(signers.map((keyid) => `key ${shorten(keyid)}`))}: a key shows only that whoever holds it signed.`,
    ...ended.map(
      (keyid) =>
        `That the log did not date a statement back: key ${shorten(keyid)} has ended since, and the log states when the statement was registered. Reading the entries around it would show it.`,
    ),
  ];
}

function aboutThePolicy({ policy, policySource }: Facts): string[] {
  if (policy === undefined || policySource === 'other') return [];
  return policySource === 'vendor'
    ? [
        `That the policy is the one that others use: it was taken from ${policy.instance} alone. Compare it with one from elsewhere.`,
      ]
    : [
        'Where the policy comes from: taken from the vendor alone it could name other keys than others are given.',
      ];
}

function aboutTheFile({ artifact }: OpenedEvidence, { file }: Facts): string[] {
  if (artifact === undefined || file !== undefined) return [];
  return ['That a file you have is this one: no file was compared with the statement.'];
}

function aboutTheRelease({ artifact, release }: OpenedEvidence, { root }: Facts): string[] {
  if (release === undefined && artifact === undefined) return [];
  const lines = [
    `A withdrawal ${root === undefined ? '' : `up to root size ${root.treeSize} `}that was left out of this file: reading the log would show it.`,
    'That the source was reviewed by anyone: no review is recorded here.',
    'That the artifacts were built from the source: no independent rebuild is recorded here.',
  ];
  if (release === undefined) return lines;
  const { product, provenance, sbom, source, version } = release.statement.predicate;
  lines.push(
    `That ${product} ${version} was released only once: another release under the same version would stand elsewhere in the log.`,
    `The source itself: the release commits to ${source.files} ${source.files === 1 ? 'file' : 'files'} without showing them.`,
    provenance === undefined
      ? 'How it was built: the release names no build provenance.'
      : 'How it was built: the release names a build provenance, which was not checked here.',
    sbom === undefined
      ? 'What it is made of: the release names no SBOM.'
      : 'What it is made of: the release names an SBOM, which was not checked here.',
  );
  return lines;
}

function aboutOthers({ about, bodies }: OpenedEvidence): string[] {
  const { statement } = about;
  switch (statement.predicateType) {
    case RELEASE_TYPE:
      return ['That a file you have belongs to this release: each has evidence of its own.'];
    case WITHDRAWAL_TYPE:
      return [
        'The release that was withdrawn: it is not in this evidence.',
        ...(bodies.has(statement.predicate.reason.digest)
          ? ['That the reason given for the withdrawal is true.']
          : ['The reason of the withdrawal: its text is not in this evidence.']),
      ];
    case DISPOSAL_TYPE:
      return ['Which objects were disposed of, and that no copy of them is left anywhere.'];
    case HEAD_TYPE:
      return ['What the anchored log holds: only its size and root hash are stated.'];
    default:
      return [];
  }
}
