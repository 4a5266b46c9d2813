// A vendor, a laboratory with its people, an accreditor and a centre, and what they say one after another.

import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { formatPublicKey, parseSpki } from '@vitrine/statements';
import type { IntakeStatement } from '@vitrine/statements/intake';
import {
  accreditation,
  engagementAcceptance,
  engagementDecision,
  engagementRequest,
  finding,
  findingResponse,
  findingRetest,
  member,
  opinion,
  organisation,
} from '@vitrine/statements/intake';
import { type Change, isReviewSaying, type Outcome, ReviewsFold, type Told } from '../src/index.ts';

export const ADDRESSEE = 'acme.example/statements';
export const ORIGIN = 'zurich.example/intake';
export const DAY_MS = 86_400_000;
export const START_MS = 1_700_000_000_000;

export interface Key {
  readonly keyid: string;
  readonly text: string;
}

export function key(name: string): Key {
  const seed = createHash('sha256').update(`reviews ${name}`).digest();
  // PKCS #8 of an Ed25519 key is this prefix and its seed (RFC 8410, section 7).
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = parseSpki(
    new Uint8Array(createPublicKey(secret).export({ format: 'der', type: 'spki' })),
  );
  return { keyid: publicKey.keyid, text: formatPublicKey(publicKey) };
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
export const LAB = key('lab');
export const LEAD = key('lead');
export const READER = key('reader');
export const PARTNER = key('partner');
export const VENDOR = key('vendor');
export const ACCREDITOR = key('accreditor');
export const CENTRE = key('centre');
export const STRANGER = key('stranger');
export const KEYS = [LAB, LEAD, READER, PARTNER, VENDOR, ACCREDITOR, CENTRE, STRANGER];
export const RELEASE = digestOf('release');
export const TERMS = digestOf('terms');
export const PERIOD = { from: START_MS + 10 * DAY_MS, until: START_MS + 24 * DAY_MS };

const spoken = { addressee: ADDRESSEE, log: ORIGIN };
export const by = ({ text }: Key) => ({ ...spoken, key: text });
export const parties = (text: string) => ({ access: 'parties', digest: digestOf(text) }) as const;

/** Says statements at a fold, a minute apart unless told otherwise. */
export class Said {
  readonly fold = new ReviewsFold();
  atMs = START_MS;
  #leafIndex = 0;

  async say(statement: IntakeStatement, signer: Key): Promise<Outcome<Change>> {
    if (!isReviewSaying(statement)) throw new TypeError('it is no statement of a review');
    this.atMs += 60_000;
    const told: Told<typeof statement> = {
      statement,
      entry: { origin: ORIGIN, leafIndex: this.#leafIndex++ },
      atMs: this.atMs,
      saidAtMs: this.atMs,
      digest: digestOf(JSON.stringify(statement)),
      signer: signer.keyid,
    };
    return this.fold.say(told, {
      isVendor: signer.keyid === VENDOR.keyid,
      isCentre: signer.keyid === CENTRE.keyid,
    });
  }

  /** The payload digest under which `say` knows a statement. */
  static digest(statement: IntakeStatement): string {
    return digestOf(JSON.stringify(statement));
  }
}

export const FOUND = organisation.of({
  ...by(LAB),
  body: { digest: digestOf('lab') },
  organisation: LAB.keyid,
  version: 1,
});
export const joining = (
  person: Key,
  roles: ('administrator' | 'lead' | 'liaison' | 'partner' | 'reviewer')[],
  signer = LAB,
) => member.of({ ...by(signer), member: person.text, organisation: LAB.keyid, roles });
export const ACCREDITED = accreditation.of({
  ...by(ACCREDITOR),
  body: { digest: digestOf('certificate') },
  organisation: LAB.keyid,
  period: { from: START_MS, until: START_MS + 365 * DAY_MS },
  scheme: 'ISO/IEC 17025',
});
export const request = (signer = LEAD, more: object = {}) =>
  engagementRequest.of({
    ...by(signer),
    body: parties('why'),
    centre: 'zurich.example',
    criteria: [],
    kind: 'source',
    organisation: LAB.keyid,
    people: [LEAD.keyid, READER.keyid].sort(),
    period: PERIOD,
    product: 'hello',
    releases: [RELEASE],
    secondPartner: false,
    ...more,
  });
export const grant = (engagement: string, more: object = {}, signer = VENDOR) =>
  engagementDecision.of({
    ...by(signer),
    decision: {
      decision: 'granted',
      detail: 'files',
      people: [LEAD.keyid, READER.keyid].sort(),
      period: PERIOD,
      releases: [RELEASE],
      terms: { digest: TERMS },
      ...more,
    },
    engagement,
  });
export const accept = (engagement: string, decision: string, signer = LAB, terms = TERMS) =>
  engagementAcceptance.of({ ...by(signer), decision, engagement, terms });
export const found = (engagement: string, number: number, more: object = {}, signer = READER) =>
  finding.of({
    ...by(signer),
    body: parties(`finding ${number}`),
    engagement,
    grade: 'high',
    number,
    release: RELEASE,
    ...more,
  });
export const respond = (
  engagement: string,
  of: string,
  status: 'planned' | 'remediated' | 'responded' | 'risk-accepted',
  signer = VENDOR,
) =>
  findingResponse.of({ ...by(signer), body: parties(`response ${status}`), engagement, finding: of, status });
export const retest = (engagement: string, of: string, result: 'closed' | 'still-open', signer = READER) =>
  findingRetest.of({ ...by(signer), body: parties(`retest ${result}`), engagement, finding: of, result });
export const opine = (engagement: string, more: object = {}, signer = LAB) =>
  opinion.of({
    ...by(signer),
    assurance: 'limited',
    body: { digest: digestOf('report') },
    conclusion: 'qualified',
    criteria: [],
    engagement,
    exceptions: 1,
    expires: START_MS + 400 * DAY_MS,
    findings: [],
    kind: 'source',
    organisation: LAB.keyid,
    period: PERIOD,
    product: 'hello',
    releases: [RELEASE],
    ...more,
  });

/** A laboratory with its people, and an engagement that is accepted. */
export async function accepted(): Promise<{ readonly said: Said; readonly engagement: string }> {
  const said = new Said();
  await said.say(FOUND, LAB);
  await said.say(joining(LEAD, ['lead', 'reviewer']), LAB);
  await said.say(joining(READER, ['reviewer']), LAB);
  await said.say(joining(PARTNER, ['partner']), LAB);
  const asked = request();
  await said.say(asked, LEAD);
  const engagement = Said.digest(asked);
  const granted = grant(engagement);
  await said.say(granted, VENDOR);
  await said.say(accept(engagement, Said.digest(granted)), LAB);
  return { said, engagement };
}
