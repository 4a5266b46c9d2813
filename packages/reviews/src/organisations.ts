// Organisations: who speaks for one, and who accredits it.

import {
  accreditation,
  accreditationEnd,
  keyidOfSpeaker,
  member,
  memberEnd,
  organisation,
  organisationKey,
  type SpeakerKey,
} from '@vitrine/statements/intake';
import { type EntryAddress, type Outcome, refused, type Said, type Told } from './told.ts';

export type MemberRole = Said<typeof member.predicateType>['predicate']['roles'][number];

export interface Member {
  readonly key: SpeakerKey;
  readonly roles: readonly MemberRole[];
  /** SHA-256 of the object that says who it is, where there is one. */
  readonly holder?: string;
  readonly entry: EntryAddress;
  readonly fromMs: number;
  readonly ended?: {
    readonly atMs: number;
    readonly reason: 'compromised' | 'left' | 'replaced';
    /** Who took over. */
    readonly by?: string;
  };
}

export interface Accreditation {
  readonly digest: string;
  /** The accreditor's keyid. */
  readonly by: string;
  readonly scheme: string;
  readonly period: { readonly from: number; readonly until: number };
  /** Of the public body. */
  readonly body: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  readonly ended?: { readonly atMs: number; readonly reason: string; readonly entry: EntryAddress };
}

export interface Organisation {
  /** The keyid of its first key. */
  readonly id: string;
  /** The keyid of the key that speaks for it now. */
  readonly key: string;
  readonly formerKeys: readonly string[];
  readonly version: number;
  /** Of the public body that says who it is. */
  readonly body: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  /** By keyid. */
  readonly members: Readonly<Record<string, Member>>;
  readonly accreditations: readonly Accreditation[];
}

/** How a key speaks for an organisation: as itself, or in a person's roles. */
export type Standing =
  | { readonly kind: 'organisation' }
  | { readonly kind: 'member'; readonly roles: readonly MemberRole[] };

/** How the key speaks for the organisation now; undefined if it does not. */
export function standingOf(known: Organisation, keyid: string): Standing | undefined {
  if (keyid === known.key) return { kind: 'organisation' };
  const person = memberOf(known, keyid);
  return person === undefined ? undefined : { kind: 'member', roles: person.roles };
}

/** Whether the key speaks for the organisation: as itself, or in one of these roles. */
export function speaksAs(known: Organisation, keyid: string, roles: readonly MemberRole[]): boolean {
  const standing = standingOf(known, keyid);
  if (standing === undefined) return false;
  return standing.kind === 'organisation' || standing.roles.some((role) => roles.includes(role));
}

/** The person behind a key that has not ended. */
export function memberOf(known: Organisation, keyid: string): Member | undefined {
  const person = Object.hasOwn(known.members, keyid) ? known.members[keyid] : undefined;
  return person?.ended === undefined ? person : undefined;
}

/** Whether an organisation names the key as its liaison now. */
export function hasLiaison(organisation: Organisation, keyid: string): boolean {
  return memberOf(organisation, keyid)?.roles.includes('liaison') === true;
}

/** The accreditations that hold at a time. */
export function accreditationsAt(known: Organisation, atMs: number): readonly Accreditation[] {
  return known.accreditations.filter(
    ({ period, ended }) =>
      period.from <= atMs && atMs < period.until && (ended === undefined || ended.atMs > atMs),
  );
}

export type OrganisationSaying = Said<
  | typeof accreditation.predicateType
  | typeof accreditationEnd.predicateType
  | typeof member.predicateType
  | typeof memberEnd.predicateType
  | typeof organisation.predicateType
  | typeof organisationKey.predicateType
>;

/**
 * The organisation after a statement about it.
 *
 * @param known undefined before its first statement. For `accreditation-end/v1`: the organisation whose accreditation it ends
 */
export function sayOfOrganisation(
  known: Organisation | undefined,
  told: Told<OrganisationSaying>,
): Outcome<Organisation> {
  const { statement } = told;
  if (statement.predicateType === organisation.predicateType) return found(known, { ...told, statement });
  if (known === undefined) return refused('not-founded', 'there is no such organisation');
  switch (statement.predicateType) {
    case organisationKey.predicateType:
      return succeed(known, { ...told, statement });
    case member.predicateType:
      return join(known, { ...told, statement });
    case memberEnd.predicateType:
      return leave(known, { ...told, statement });
    case accreditation.predicateType:
      return accredit(known, { ...told, statement });
    case accreditationEnd.predicateType:
      return endAccreditation(known, { ...told, statement });
  }
}

function found(
  known: Organisation | undefined,
  { atMs, entry, signer, statement: { predicate } }: Told<Said<typeof organisation.predicateType>>,
): Outcome<Organisation> {
  const { body, organisation: id, version } = predicate;
  const expected = (known?.version ?? 0) + 1;
  if (version !== expected)
    return refused('wrong-version', `version ${version} was said, and version ${expected} comes next`);
  if (known === undefined) {
    const state = { id, key: signer, formerKeys: [], version, body: body.digest, entry, atMs };
    return { state: { ...state, members: {}, accreditations: [] } };
  }
  if (signer !== known.key) return notItself();
  return { state: { ...known, version, body: body.digest } };
}

function succeed(
  known: Organisation,
  { signer, statement: { predicate } }: Told<Said<typeof organisationKey.predicateType>>,
): Outcome<Organisation> {
  if (signer !== known.key) return notItself();
  const successor = keyidOfSpeaker(predicate.successor);
  if (successor === known.key || known.formerKeys.includes(successor))
    return refused('already-said', 'a key that has ended does not speak again');
  return { state: { ...known, key: successor, formerKeys: [...known.formerKeys, known.key] } };
}

function join(
  known: Organisation,
  { atMs, entry, signer, statement: { predicate } }: Told<Said<typeof member.predicateType>>,
): Outcome<Organisation> {
  if (!speaksAs(known, signer, ['administrator']))
    return refused('no-standing', 'an organisation’s people are named by itself, or by its administrators');
  const { holder, member: key, replaces, roles } = predicate;
  const keyid = keyidOfSpeaker(key);
  if (Object.hasOwn(known.members, keyid))
    return refused('already-said', 'the key was named before: a key joins once');
  if (replaces !== undefined && memberOf(known, replaces) === undefined)
    return refused('not-founded', 'the key that it replaces speaks for nobody here');
  const person: Member = { key, roles, ...(holder === undefined ? {} : { holder }), entry, fromMs: atMs };
  const before =
    replaces === undefined ? {} : ending(known, replaces, { atMs, reason: 'replaced', by: keyid });
  return { state: { ...known, members: { ...known.members, ...before, [keyid]: person } } };
}

function leave(
  known: Organisation,
  { atMs, signer, statement: { predicate } }: Told<Said<typeof memberEnd.predicateType>>,
): Outcome<Organisation> {
  const { member: keyid, reason } = predicate;
  // Whoever finds their own passkey stolen does not wait for an administrator.
  if (signer !== keyid && !speaksAs(known, signer, ['administrator']))
    return refused(
      'no-standing',
      'an organisation’s people are ended by itself, its administrators or themselves',
    );
  if (memberOf(known, keyid) === undefined) return refused('not-founded', 'the key speaks for nobody here');
  return { state: { ...known, members: { ...known.members, ...ending(known, keyid, { atMs, reason }) } } };
}

function ending(
  known: Organisation,
  keyid: string,
  ended: NonNullable<Member['ended']>,
): Readonly<Record<string, Member>> {
  const person = known.members[keyid];
  return person === undefined ? {} : { [keyid]: { ...person, ended } };
}

function accredit(
  known: Organisation,
  { atMs, digest, entry, signer, statement: { predicate } }: Told<Said<typeof accreditation.predicateType>>,
): Outcome<Organisation> {
  // What it would say of itself, nobody would look up.
  if (standingOf(known, signer) !== undefined || known.formerKeys.includes(signer))
    return refused('no-standing', 'nobody accredits themselves');
  const { body, period, scheme } = predicate;
  const one: Accreditation = { digest, by: signer, scheme, period, body: body.digest, entry, atMs };
  return { state: { ...known, accreditations: [...known.accreditations, one] } };
}

function endAccreditation(
  known: Organisation,
  { atMs, entry, signer, statement: { predicate } }: Told<Said<typeof accreditationEnd.predicateType>>,
): Outcome<Organisation> {
  const one = known.accreditations.find(({ digest }) => digest === predicate.accreditation);
  if (one === undefined) return refused('not-founded', 'there is no such accreditation');
  if (one.by !== signer) return refused('no-standing', 'an accreditation is ended by who gave it');
  if (one.ended !== undefined) return refused('already-said', 'it has ended already');
  const ended = { atMs, reason: predicate.reason.digest, entry };
  const accreditations = known.accreditations.map((each) => (each === one ? { ...each, ended } : each));
  return { state: { ...known, accreditations } };
}

function notItself() {
  return refused('no-standing', 'this is said by the organisation’s own key, and by no other');
}
