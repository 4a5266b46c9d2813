// A statement of every type of an intake log, as an organisation, its people, a vendor and a centre would say them.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { formatPublicKey, type PublicKey, submissionStatement } from '../src/index.ts';
import {
  accreditation,
  accreditationEnd,
  engagementAcceptance,
  engagementDecision,
  engagementEnd,
  engagementRequest,
  evidenceAnswer,
  evidenceRequest,
  finding,
  findingResponse,
  findingRetest,
  formatPasskeySignature,
  formatSpeaker,
  type IntakeStatement,
  managementStatement,
  member,
  memberEnd,
  opinion,
  opinionWithdrawal,
  organisation,
  organisationKey,
  type Passkey,
  parsePasskeySpki,
  passkeyChallenge,
  procedure,
  reading,
} from '../src/intake.ts';
import { testSigner } from './test-signer.ts';

export const INTAKE_ORIGIN = 'zurich.example/intake';
export const ADDRESSEE = 'acme.example/statements';
const DIGEST = 'a'.repeat(64);
const OTHER_DIGEST = 'b'.repeat(64);

export const ORGANISATION = testSigner('organisation');
export const SUCCESSOR = testSigner('successor');
export const PARTNER = testSigner('partner');
export const VENDOR = testSigner('publisher');

/** A passkey that signs as a browser does; its key's seed is SHA-256("vitrine test vector " followed by its name). */
export interface TestPasskey extends Passkey {
  /** `sig` of an envelope. */
  sign(message: Uint8Array, changes?: AssertionChanges): Uint8Array;
}

export interface AssertionChanges {
  readonly clientData?: Readonly<Record<string, unknown>>;
  readonly flags?: number;
  readonly rpId?: string;
  readonly more?: Uint8Array;
  readonly challenge?: Uint8Array;
}

export function testPasskey(
  name: string,
  origin = 'https://zurich.example',
  rpId = 'zurich.example',
): TestPasskey {
  const seed = sha256(utf8ToBytes(`vitrine test vector ${name}`));
  const key = privateKeyOf(seed);
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return {
    ...parsePasskeySpki(spki),
    origin,
    rpId,
    sign(message, { clientData = {}, flags = 0x05, more = new Uint8Array(), ...changes } = {}) {
      const clientDataJSON = utf8ToBytes(
        JSON.stringify({
          type: 'webauthn.get',
          challenge: Buffer.from(changes.challenge ?? passkeyChallenge(message)).toString('base64url'),
          origin,
          crossOrigin: false,
          ...clientData,
        }),
      );
      const rpIdHash = createHash('sha256')
        .update(changes.rpId ?? rpId)
        .digest();
      const authenticatorData = Buffer.concat([rpIdHash, Uint8Array.of(flags, 0, 0, 0, 7), more]);
      const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()]);
      // Deterministic (RFC 6979), so that vectors do not change.
      const signature = p256.sign(signed, seed, { format: 'der', lowS: false });
      return formatPasskeySignature({ authenticatorData, clientDataJSON, signature });
    },
  };
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const [x, y] = [
    p256.getPublicKey(seed, false).subarray(1, 33),
    p256.getPublicKey(seed, false).subarray(33),
  ];
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  return createPrivateKey({
    format: 'jwk',
    key: { crv: 'P-256', d: text(seed), kty: 'EC', x: text(x), y: text(y) },
  });
}

/** As node:crypto signs: another signer than the one that the vectors are made with. */
export function nodeSignature(name: string, message: Uint8Array): Uint8Array {
  return sign('sha256', message, privateKeyOf(sha256(utf8ToBytes(`vitrine test vector ${name}`))));
}

export const REVIEWER = testPasskey('reviewer');

const text = (key: PublicKey): string => formatPublicKey(key);
const spoken = { addressee: ADDRESSEE, log: INTAKE_ORIGIN };
const byOrganisation = { ...spoken, key: text(ORGANISATION) };
const byReviewer = { ...spoken, key: formatSpeaker({ kind: 'passkey', ...REVIEWER }) };
const byVendor = { ...spoken, key: text(VENDOR) };
const reason = { digest: DIGEST };
const parties = { access: 'parties', digest: DIGEST } as const;
const engagement = OTHER_DIGEST;
const period = { from: 1_700_000_000_000, until: 1_800_000_000_000 };

export const OPINION = opinion.of({
  ...byOrganisation,
  assertion: DIGEST,
  assurance: 'limited',
  body: { digest: DIGEST },
  conclusion: 'qualified',
  coverage: { bytesInScope: 1_000, bytesShown: 620, readings: [DIGEST] },
  criteria: [DIGEST],
  engagement,
  exceptions: 2,
  expires: 1_900_000_000_000,
  findings: [DIGEST, OTHER_DIGEST],
  kind: 'source',
  organisation: ORGANISATION.keyid,
  partner: text(PARTNER),
  period,
  product: 'hello',
  releases: [DIGEST],
});

export const ONE_OF_EACH_INTAKE: readonly IntakeStatement[] = [
  submissionStatement({
    ...byOrganisation,
    body: { access: 'public', digest: DIGEST },
    kind: 'letter',
    key: text(ORGANISATION),
  }),
  organisation.of({
    ...byOrganisation,
    body: { digest: DIGEST },
    organisation: ORGANISATION.keyid,
    version: 1,
  }),
  organisationKey.of({ ...byOrganisation, organisation: ORGANISATION.keyid, successor: text(SUCCESSOR) }),
  member.of({
    ...byOrganisation,
    holder: DIGEST,
    member: formatSpeaker({ kind: 'passkey', ...REVIEWER }),
    organisation: ORGANISATION.keyid,
    replaces: DIGEST,
    roles: ['lead', 'reviewer'],
  }),
  memberEnd.of({
    ...byOrganisation,
    member: REVIEWER.keyid,
    organisation: ORGANISATION.keyid,
    reason: 'left',
  }),
  accreditation.of({
    ...spoken,
    body: { digest: DIGEST },
    key: text(PARTNER),
    organisation: ORGANISATION.keyid,
    period,
    scheme: 'ISO/IEC 17025',
  }),
  accreditationEnd.of({ ...spoken, accreditation: DIGEST, key: text(PARTNER), reason }),
  engagementRequest.of({
    ...byReviewer,
    body: parties,
    centre: 'zurich.example',
    criteria: [],
    kind: 'source',
    organisation: ORGANISATION.keyid,
    people: [REVIEWER.keyid],
    period,
    product: 'hello',
    releases: [DIGEST],
    secondPartner: true,
  }),
  engagementDecision.of({
    ...byVendor,
    decision: {
      decision: 'granted',
      detail: 'files',
      people: [REVIEWER.keyid],
      period,
      releases: [DIGEST],
      terms: { digest: DIGEST },
    },
    engagement,
  }),
  engagementAcceptance.of({ ...byOrganisation, decision: DIGEST, engagement, terms: DIGEST }),
  engagementEnd.of({ ...byOrganisation, engagement, outcome: { outcome: 'withdrawn', reason } }),
  evidenceRequest.of({ ...byReviewer, body: parties, control: 'sdl-1', engagement, number: 1 }),
  evidenceAnswer.of({ ...byVendor, body: parties, engagement, request: DIGEST }),
  procedure.of({
    ...byReviewer,
    body: parties,
    engagement,
    kind: 'walkthrough',
    number: 1,
    result: 'no-exception',
  }),
  finding.of({
    ...byReviewer,
    body: parties,
    cvss: { scoreTenths: 93, vector: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N' },
    engagement,
    grade: 'critical',
    number: 1,
    publicFrom: 1_900_000_000_000,
    release: DIGEST,
  }),
  findingResponse.of({
    ...byVendor,
    body: parties,
    due: 1_750_000_000_000,
    engagement,
    finding: DIGEST,
    status: 'planned',
  }),
  findingRetest.of({
    ...byReviewer,
    body: parties,
    engagement,
    finding: DIGEST,
    release: DIGEST,
    result: 'closed',
  }),
  OPINION,
  opinionWithdrawal.of({ ...byOrganisation, opinion: DIGEST, reason }),
  managementStatement.of({ ...byVendor, body: parties, engagement, kind: 'assertion' }),
  reading.of({
    ...byVendor,
    bytes: 10,
    engagement,
    head: DIGEST,
    key: text(VENDOR),
    period,
    reader: REVIEWER.keyid,
    records: 3,
    session: OTHER_DIGEST,
  }),
];
