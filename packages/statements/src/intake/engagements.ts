// Engagements: a review asked for, granted or denied, its terms accepted, and ended. Everything that is decided is counted in
// public, with its reason.

import * as v from 'valibot';
import { commitmentId } from '../predicates/commitments.ts';
import { productName, sha256Hex } from '../scalars.ts';
import { body, digests, intakeType, period, publicBody, spoken } from './spoken.ts';

export const ENGAGEMENT_KINDS = ['controls', 'process', 'rules', 'source', 'update'] as const;

export const engagementKind = v.picklist(ENGAGEMENT_KINDS);

const MAX_CRITERIA = 16;
const MAX_PEOPLE = 32;
const MAX_RELEASES = 16;

/** A reviewer's organisation asks for access. Its payload digest is the engagement's name. */
export const engagementRequest = intakeType(
  'https://vitrine.dev/engagement-request/v1',
  'engagement',
  {
    ...spoken,
    /** What for, which paths, in what words: docs/formats/reviews.md. */
    body,
    /** Where it is to take place: the centre's name. */
    centre: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    /** Digests of OSCAL catalogs, public bodies. */
    criteria: digests(0, MAX_CRITERIA),
    kind: engagementKind,
    organisation: sha256Hex,
    people: digests(1, MAX_PEOPLE),
    period,
    product: v.exactOptional(productName),
    /** Payload digests of releases. */
    releases: digests(0, MAX_RELEASES),
    /** Its opinion needs a second partner's signature. */
    secondPartner: v.boolean(),
  },
  ({ body: { digest } }) => digest,
);

/** How much of what a reviewer opens the vendor may see: that they read, which files, or which lines. */
export const DETAILS = ['counts', 'files', 'lines'] as const;

/** The vendor grants a request, whole or in part, denies it, or revokes what it granted. */
export const engagementDecision = intakeType(
  'https://vitrine.dev/engagement-decision/v1',
  'engagement',
  {
    ...spoken,
    decision: v.variant('decision', [
      v.strictObject({
        decision: v.literal('granted'),
        detail: v.picklist(DETAILS),
        people: digests(1, MAX_PEOPLE),
        period,
        releases: digests(0, MAX_RELEASES),
        terms: publicBody,
      }),
      v.strictObject({ decision: v.literal('denied'), reason: publicBody }),
      v.strictObject({ decision: v.literal('revoked'), reason: publicBody }),
    ]),
    engagement: sha256Hex,
  },
  ({ engagement }) => engagement,
);

/** The organisation signs the terms; from here on what is in scope opens. */
export const engagementAcceptance = intakeType(
  'https://vitrine.dev/engagement-acceptance/v1',
  'engagement',
  { ...spoken, decision: sha256Hex, engagement: sha256Hex, terms: sha256Hex },
  ({ engagement }) => engagement,
);

/** The organisation ends it: done, or withdrawn with a reason. */
export const engagementEnd = intakeType(
  'https://vitrine.dev/engagement-end/v1',
  'engagement',
  {
    ...spoken,
    engagement: sha256Hex,
    outcome: v.variant('outcome', [
      v.strictObject({ outcome: v.literal('finished') }),
      v.strictObject({ outcome: v.literal('withdrawn'), reason: publicBody }),
    ]),
  },
  ({ engagement }) => engagement,
);

/** What a process review asks to see. */
export const evidenceRequest = intakeType(
  'https://vitrine.dev/evidence-request/v1',
  'evidence',
  {
    ...spoken,
    body,
    /** The control that it is about, as its catalog names it. */
    control: v.exactOptional(commitmentId),
    engagement: sha256Hex,
    number: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(99_999)),
  },
  ({ body: { digest } }) => digest,
);

/** What the vendor shows: the body lists the objects with their digests. */
export const evidenceAnswer = intakeType(
  'https://vitrine.dev/evidence-answer/v1',
  'evidence',
  { ...spoken, body, engagement: sha256Hex, request: sha256Hex },
  ({ body: { digest } }) => digest,
);

/** What a practitioner did, written down as ISAE 3000 (revised), paragraphs 79 to 83 want it. */
export const procedure = intakeType(
  'https://vitrine.dev/procedure/v1',
  'procedure',
  {
    ...spoken,
    body,
    control: v.exactOptional(commitmentId),
    engagement: sha256Hex,
    kind: v.picklist(['inspection', 'interview', 'reperformance', 'sample', 'walkthrough']),
    number: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(99_999)),
    result: v.picklist(['exception', 'no-exception', 'not-applicable']),
  },
  ({ body: { digest } }) => digest,
);
