// Organisations, the people who speak for them, and who accredits them. An organisation is named by the keyid of its first
// key; people are key IDs; who stands behind a key is an object under a random salt.

import * as v from 'valibot';
import { publicKeyText } from '../predicates/keys.ts';
import { positive, sha256Hex } from '../scalars.ts';
import { keyidOfSpeaker, speakerKey } from './speaker.ts';
import { intakeType, period, publicBody, time, spoken, spokenByKey } from './spoken.ts';

/** What a person may do for their organisation. `administrator`: add and end its people; `partner`: sign an opinion as the second. */
export const MEMBER_ROLES = ['administrator', 'lead', 'liaison', 'partner', 'reviewer'] as const;

const memberRoles = v.pipe(
  v.array(v.picklist(MEMBER_ROLES)),
  v.minLength(1),
  v.check(
    (roles) => roles.every((role, i) => i === 0 || (roles[i - 1] ?? '') < role),
    'roles are sorted, none twice',
  ),
);

/** An organisation says who it is, in a public body. Version 1 founds it; its key at that time names it from then on. */
export const organisation = intakeType(
  'https://vitrine.dev/organisation/v1',
  'organisation',
  { ...spokenByKey, body: publicBody, organisation: sha256Hex, version: positive },
  ({ organisation: id }) => id,
  [
    ({ key, organisation: id, version }) => version > 1 || keyidOfSpeaker(key) === id,
    'the first version is signed by the key that names the organisation',
  ],
);

/** An organisation hands its name to another key; both sign. */
export const organisationKey = intakeType(
  'https://vitrine.dev/organisation-key/v1',
  'organisation',
  { ...spokenByKey, organisation: sha256Hex, successor: publicKeyText },
  ({ organisation: id }) => id,
  [({ key, successor }) => key !== successor, 'a key cannot succeed itself'],
);

/** A key speaks for an organisation in these roles. With `replaces`, in the place of a key that ends with it: how a lost passkey is recovered. */
export const member = intakeType(
  'https://vitrine.dev/member/v1',
  'member',
  {
    ...spoken,
    /** SHA-256 of the object that says who it is. */
    holder: v.exactOptional(sha256Hex),
    member: speakerKey,
    organisation: sha256Hex,
    replaces: v.exactOptional(sha256Hex),
    roles: memberRoles,
  },
  ({ member: key }) => keyidOfSpeaker(key),
);

/** A key does not speak for an organisation any more. */
export const memberEnd = intakeType(
  'https://vitrine.dev/member-end/v1',
  'member',
  { ...spoken, member: sha256Hex, organisation: sha256Hex, reason: v.picklist(['compromised', 'left']) },
  ({ member: keyid }) => keyid,
);

/** Whoever accredits says that an organisation is accredited under a scheme, for a period: so "recognised" can be checked. */
export const accreditation = intakeType(
  'https://vitrine.dev/accreditation/v1',
  'organisation',
  {
    ...spoken,
    /** In public: what for, the certificate's number, where it is listed. */
    body: publicBody,
    organisation: sha256Hex,
    period,
    scheme: v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9 ./:()-]{0,63}$/, 'expected a scheme, for example ISO/IEC 17025'),
    ),
  },
  ({ organisation: id }) => id,
);

/** The accreditor ends what it said before its time. */
export const accreditationEnd = intakeType(
  'https://vitrine.dev/accreditation-end/v1',
  'accreditation',
  { ...spoken, accreditation: sha256Hex, reason: publicBody },
  ({ accreditation: digest }) => digest,
);

/** A centre says how far the chain of a reading session's records has come: signed by the key of its intake log. */
export const reading = intakeType(
  'https://vitrine.dev/reading/v1',
  'records',
  {
    ...spokenByKey,
    bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    engagement: sha256Hex,
    /** Of the last record of the chain. */
    head: sha256Hex,
    period: v.strictObject({ from: time, until: time }),
    reader: sha256Hex,
    records: positive,
    session: sha256Hex,
  },
  ({ head }) => head,
);
