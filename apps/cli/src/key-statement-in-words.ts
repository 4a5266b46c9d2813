/** What a statement of the keys log says, in full, for who is about to sign it: no keyid shortened, nothing left out. */
import {
  CLOSED_TYPE,
  FORK_RESOLUTION_TYPE,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  parsePublicKey,
  REGISTRATION_POLICY_TYPE,
  type RegistrationRule,
  ROOT_KEYS_TYPE,
  type RoleGrant,
  WITNESSES_TYPE,
  type WitnessesPredicate,
} from '@vitrine/statements';
import type { RootKeysStatement } from './key-statement-file.ts';

/** Lines of text. */
export function inWords(statement: RootKeysStatement): readonly string[] {
  return [...saying(statement), `(for the log ${statement.predicate.log}, and no other)`];
}

function saying(statement: RootKeysStatement): readonly string[] {
  const { predicate, predicateType } = statement;
  switch (predicateType) {
    case ROOT_KEYS_TYPE:
      return [
        `Root keys of ${predicate.instance}, version ${predicate.version}: from now on ${predicate.threshold} of ${keys(predicate.keys.length)} must sign:`,
        ...predicate.keys.map((key) => `  ${parsePublicKey(key).keyid}`),
        'It needs the signatures of the root keys that it replaces, and of as many of these.',
      ];
    case REGISTRATION_POLICY_TYPE:
      return [
        `Registration policy, version ${predicate.version}: from now on only this may be said, and only by`,
        ...(predicate.rules.length === 0
          ? ['  nobody: nothing at all may be said']
          : predicate.rules.map(ruleInWords)),
      ];
    case WITNESSES_TYPE:
      return [
        `Witnesses, version ${predicate.version}: from now on a checkpoint counts once it was cosigned`,
        ...cosignersInWords(predicate),
      ];
    case CLOSED_TYPE:
      return [
        `The log ${predicate.closed.origin} ends, for good, with ${entries(predicate.closed.treeSize)} and the root ${predicate.closed.root}.`,
        predicate.closed.origin === predicate.log
          ? 'It is the root log: this is its last entry, and every log of the instance ends with it.'
          : 'Nothing that is appended to it afterwards counts.',
        ...(predicate.successor === undefined
          ? ['It has no successor.']
          : [
              `It goes on in ${predicate.successor.origin}, ${predicate.successor.url}`,
              `  under the key ${predicate.successor.vkey}`,
              ...(predicate.successor.entry0 === undefined
                ? []
                : [`  with SHA-256 of entry 0 of its keys log ${predicate.successor.entry0}`]),
            ]),
        `The reason is a public body, SHA-256 ${predicate.reason.digest}.`,
      ];
    case FORK_RESOLUTION_TYPE:
      return [
        `The log ${predicate.kept.origin} signed two histories. It goes on with the one that has ${predicate.kept.treeSize} entries`,
        `and the root ${predicate.kept.root}.`,
        'These checkpoints are not of it, and stay as evidence (SHA-256 of their texts):',
        ...predicate.ended.map((digest) => `  ${digest}`),
      ];
    case KEY_ADD_TYPE:
      return [
        `Key ${parsePublicKey(predicate.key).keyid} is added and may speak as`,
        ...predicate.roles.map((grant) => `  ${grantInWords(grant)}`),
        ...(predicate.holder === undefined
          ? []
          : [`Who stands behind it is committed to by ${predicate.holder}.`]),
      ];
    case KEY_ROTATE_TYPE:
      return [
        `Key ${predicate.key} ends. What it signed before stands.`,
        `Key ${parsePublicKey(predicate.successor).keyid} takes over all its roles.`,
      ];
    case KEY_REVOKE_TYPE:
      return predicate.reason === 'retired'
        ? [`Key ${predicate.key} is retired and ends. What it signed before stands.`]
        : [
            `Key ${predicate.key} is compromised and ends.`,
            `Whatever it signed from entry ${predicate.validBelow} of the root log on is void, for good. What it signed below stands.`,
          ];
  }
}

/** Who must cosign: how many operators of each kind, then all keys of the kind. */
export function cosignersInWords({
  mirrorQuorum = 0,
  quorum,
  witnesses,
}: WitnessesPredicate): readonly string[] {
  const of = (kind: 'mirror' | undefined): readonly string[] =>
    witnesses
      .filter((each) => each.kind === kind)
      .map(({ operator, url, vkey }) => `  ${operator}  ${vkey}${url === undefined ? '' : `  ${url}`}`);
  const mirrors = of('mirror');
  return [
    `by the witnesses of ${quorum} of these operators:`,
    ...of(undefined),
    ...(mirrors.length === 0
      ? []
      : [`and by the mirrors of ${mirrorQuorum} of these operators:`, ...mirrors]),
  ];
}

/** publisher for hello and toys */
export function grantInWords({ role, products }: RoleGrant): string {
  return `${role} for ${products.includes('*') ? 'every product' : products.join(', ')}`;
}

function ruleInWords({ predicateType, role, threshold }: RegistrationRule): string {
  return `  ${shortType(predicateType)}: ${keys(threshold)} with the role ${role}`;
}

/** release/v1 */
export function shortType(predicateType: string): string {
  return predicateType.replace('https://vitrine.dev/', '');
}

function entries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}

function keys(count: number): string {
  return count === 1 ? '1 key' : `${count} keys`;
}
