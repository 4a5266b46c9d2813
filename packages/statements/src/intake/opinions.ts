// Opinions, in the words of ISAE 3000 (revised) and SOC 2: an unqualified opinion may list exceptions, so there is no pass or
// fail. It enters at any centre, and no vendor can refuse it.

import * as v from 'valibot';
import { productName, sha256Hex } from '../scalars.ts';
import { engagementKind } from './engagements.ts';
import { keyidOfSpeaker, speakerKey } from './speaker.ts';
import { body, digests, intakeType, period, publicBody, time, spoken } from './spoken.ts';

export const CONCLUSIONS = ['adverse', 'disclaimer', 'qualified', 'unqualified'] as const;

/** What share of the code in scope was delivered and on screen: bytes shown, not understanding. */
const coverage = v.pipe(
  v.strictObject({
    bytesInScope: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    bytesShown: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    /** Payload digests of the `reading/v1` statements that it was counted from. */
    readings: digests(0, 32),
  }),
  v.check(({ bytesInScope, bytesShown }) => bytesShown <= bytesInScope, 'more was shown than is in scope'),
);

export const opinion = intakeType(
  'https://vitrine.dev/opinion/v1',
  'opinion',
  {
    ...spoken,
    /** For the parties alone. */
    annex: v.exactOptional(publicBody),
    /** The management's assertion that it is about. */
    assertion: v.exactOptional(sha256Hex),
    assurance: v.picklist(['limited', 'reasonable']),
    /** The report, for everybody: docs/formats/reviews.md. */
    body: publicBody,
    conclusion: v.picklist(CONCLUSIONS),
    coverage: v.exactOptional(coverage),
    criteria: digests(0, 16),
    engagement: sha256Hex,
    /** How many exceptions the report lists. */
    exceptions: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(9_999)),
    /** From then on it is shown as expired, without anybody doing anything. */
    expires: time,
    /** Payload digests of its findings. */
    findings: digests(0, 48),
    kind: engagementKind,
    organisation: sha256Hex,
    /** A second partner, who signs as well. */
    partner: v.exactOptional(speakerKey),
    period,
    product: v.exactOptional(productName),
    /** Payload digests of the releases that it is about. */
    releases: digests(0, 16),
    /** SOC 2: 1, design at a date; 2, operating effectiveness over a period. */
    type: v.exactOptional(v.picklist([1, 2])),
  },
  ({ body: { digest } }) => digest,
  [
    ({ key, partner }) => partner === undefined || keyidOfSpeaker(partner) !== keyidOfSpeaker(key),
    'a second partner is another one than the first',
  ],
);

/** The organisation takes its opinion back; it stays, as withdrawn. */
export const opinionWithdrawal = intakeType(
  'https://vitrine.dev/opinion-withdrawal/v1',
  'opinion',
  { ...spoken, opinion: sha256Hex, reason: publicBody },
  ({ opinion: digest }) => digest,
);

/** The responsible party's own words: its assertion, its response to an opinion, its written representations. */
export const managementStatement = intakeType(
  'https://vitrine.dev/management-statement/v1',
  'management statement',
  {
    ...spoken,
    body,
    engagement: sha256Hex,
    kind: v.picklist(['assertion', 'representation', 'response']),
    opinion: v.exactOptional(sha256Hex),
  },
  ({ body: { digest } }) => digest,
);
