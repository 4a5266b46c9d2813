// Findings. The vendor's response stands beside a finding and never overwrites it; only the reviewer's retest closes it.

import * as v from 'valibot';
import { sha256Hex } from '../scalars.ts';
import { body, intakeType, time, spoken } from './spoken.ts';

/** Of a finding in code, its severity; of one in a process, whether the nonconformity is major or minor (ISO/IEC 17021-1). */
export const FINDING_GRADES = ['critical', 'high', 'information', 'low', 'major', 'medium', 'minor'] as const;

export const finding = intakeType(
  'https://vitrine.dev/finding/v1',
  'finding',
  {
    ...spoken,
    /** What, where (paths, lines, digests of files), why it matters: docs/formats/reviews.md. */
    body,
    cvss: v.exactOptional(
      v.strictObject({
        /** In tenths, as the signer computed it from the vector. */
        scoreTenths: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(100)),
        vector: v.pipe(
          v.string(),
          v.maxLength(300),
          v.regex(/^CVSS:4\.0(?:\/[A-Z]{1,3}:[A-Za-z]{1,7})+$/, 'expected a vector of CVSS 4.0'),
        ),
      }),
    ),
    engagement: sha256Hex,
    grade: v.picklist(FINDING_GRADES),
    number: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(99_999)),
    /** From then on a body for the parties is shown to everybody. */
    publicFrom: v.exactOptional(time),
    /** Payload digest of the release it was found in. */
    release: v.exactOptional(sha256Hex),
    /** Payload digest of the wording that this one replaces; that stays. */
    rewords: v.exactOptional(sha256Hex),
  },
  ({ body: { digest } }) => digest,
);

/** What the vendor says of a finding. */
export const findingResponse = intakeType(
  'https://vitrine.dev/finding-response/v1',
  'finding',
  {
    ...spoken,
    body,
    /** When a corrective action is to be done. */
    due: v.exactOptional(time),
    engagement: sha256Hex,
    finding: sha256Hex,
    /** Payload digest of the release that remediates it. */
    release: v.exactOptional(sha256Hex),
    status: v.picklist(['planned', 'remediated', 'responded', 'risk-accepted']),
  },
  ({ finding: digest }) => digest,
);

/** What the reviewer found on looking again. */
export const findingRetest = intakeType(
  'https://vitrine.dev/finding-retest/v1',
  'finding',
  {
    ...spoken,
    body,
    engagement: sha256Hex,
    finding: sha256Hex,
    release: v.exactOptional(sha256Hex),
    result: v.picklist(['closed', 'still-open']),
  },
  ({ finding: digest }) => digest,
);
