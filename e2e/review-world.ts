/** A laboratory, its people, an accreditor and the vendor, and what they say at real centres: signed with keys and with software passkeys. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '@vitrine/api';
import {
  formatEnvelope,
  formatPublicKey,
  formatStatement,
  payloadDigestOf,
  preAuthEncoding,
  type Signer,
  STATEMENT_PAYLOAD_TYPE,
  withSignatures,
} from '@vitrine/statements';
import {
  accreditation,
  engagementAcceptance,
  engagementDecision,
  engagementRequest,
  formatSpeaker,
  type IntakeStatement,
  intakeTypes,
  member,
  organisation,
  type SpeakerKey,
} from '@vitrine/statements/intake';
import { encodeBase64 } from '@vitrine/tlog';
import { testPasskey } from '../packages/statements/test/intake-world.ts';
import { newSigner, type ServedCentre, sha256, text } from './running-centre.ts';

export const HOUR_MS = 3_600_000;

/** Someone who speaks: with a key, or with a passkey. */
export interface Voice {
  readonly keyid: string;
  readonly key: SpeakerKey;
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export function voiceOf(signer: Signer): Voice & { readonly key: string } {
  return { keyid: signer.keyid, key: formatPublicKey(signer), sign: (message) => signer.sign(message) };
}

/** With a new key. */
export const newVoice = (): ReturnType<typeof voiceOf> => voiceOf(newSigner());

/** With a new passkey of a centre's page. */
function newPasskey(): Voice {
  const passkey = testPasskey(randomBytes(16).toString('hex'));
  const { keyid, origin, rpId, spki } = passkey;
  return {
    keyid,
    key: formatSpeaker({ kind: 'passkey', keyid, origin, rpId, spki }),
    sign: (message) => passkey.sign(message),
  };
}

/** Bytes that nobody has said before, and their digest. */
export class Body {
  readonly bytes: Uint8Array;
  readonly digest: string;

  constructor(words: string) {
    this.bytes = Buffer.from(`${words} ${randomBytes(32).toString('hex')}`);
    this.digest = createHash('sha256').update(this.bytes).digest('hex');
  }

  get open(): { readonly digest: string } {
    return { digest: this.digest };
  }

  get parties(): { readonly access: 'parties'; readonly digest: string } {
    return { access: 'parties', digest: this.digest };
  }

  get public(): { readonly access: 'public'; readonly digest: string } {
    return { access: 'public', digest: this.digest };
  }
}

export interface Submission {
  readonly envelope: string;
  readonly bodies: string[];
}

export async function signed(
  statement: IntakeStatement,
  voices: readonly Voice[],
  bodies: readonly Body[] = [],
): Promise<Submission> {
  const payload = formatStatement(statement, intakeTypes);
  const message = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload);
  const signatures = await Promise.all(
    voices.map(async (voice) => ({ keyid: voice.keyid, sig: await voice.sign(message) })),
  );
  const empty = { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [] };
  return {
    envelope: text(formatEnvelope(withSignatures(empty, signatures))),
    bodies: bodies.map(({ bytes }) => encodeBase64(bytes)),
  };
}

export const digestOf = (statement: IntakeStatement): string =>
  payloadDigestOf(formatStatement(statement, intakeTypes));

/** Says it at a centre. @returns its payload digest */
export async function say(
  { api }: { readonly api: ApiClient },
  statement: IntakeStatement,
  voices: readonly Voice[],
  bodies: readonly Body[] = [],
): Promise<string> {
  const { digest } = await api.call('submit', { body: await signed(statement, voices, bodies) });
  return digest;
}

/** What every statement that enters at a centre begins with. */
export const at = (centre: ServedCentre, { key }: Voice) => ({
  addressee: 'acme.example/statements',
  key,
  log: `${centre.name}/intake`,
});
export const atByKey = (centre: ServedCentre, voice: Voice & { readonly key: string }) => ({
  ...at(centre, voice),
  key: voice.key,
});

/** Asks until the answer is one. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
}

/** The laboratory, with whom it needs. */
export class Laboratory {
  readonly lab = newVoice();
  readonly lead = newPasskey();
  readonly reader = newPasskey();
  readonly partner = newVoice();
  readonly accreditor = newVoice();
  readonly reason = new Body('reason');
  readonly period: { readonly from: number; readonly until: number };
  readonly release: string;

  constructor(release = sha256(randomBytes(8))) {
    this.release = release;
    this.period = { from: Date.now() - HOUR_MS, until: Date.now() + 24 * HOUR_MS };
  }

  /** Founded and accredited at a centre, with its people. */
  async found(centre: ServedCentre): Promise<void> {
    const { accreditor, lab, lead, partner, period, reader } = this;
    const charter = new Body('We test software.');
    const certificate = new Body('Accredited for the testing of software.');
    const spoken = atByKey(centre, lab);
    const statement = { ...spoken, body: charter.open, organisation: lab.keyid, version: 1 };
    await say(centre, organisation.of(statement), [lab], [charter]);
    for (const [person, roles] of [
      [lead, ['lead', 'reviewer']],
      [reader, ['reviewer']],
      [partner, ['partner']],
    ] as const)
      await say(
        centre,
        member.of({ ...spoken, member: person.key, organisation: lab.keyid, roles: [...roles] }),
        [lab],
      );
    await say(
      centre,
      accreditation.of({
        ...at(centre, accreditor),
        body: certificate.open,
        organisation: lab.keyid,
        period,
        scheme: 'ISO/IEC 17025',
      }),
      [accreditor],
      [certificate],
    );
  }

  /** Asks for access at a centre. @returns the engagement */
  async ask(centre: ServedCentre): Promise<string> {
    const why = new Body('We want to read the source.');
    const request = engagementRequest.of({
      ...at(centre, this.lead),
      body: why.parties,
      centre: centre.name,
      criteria: [],
      kind: 'source',
      organisation: this.lab.keyid,
      people: [this.lead.keyid, this.reader.keyid].sort(),
      period: this.period,
      product: 'hello',
      releases: [this.release],
      secondPartner: true,
    });
    return say(centre, request, [this.lead], [why]);
  }

  /** What the vendor says of it when it grants everything. */
  granting(centre: ServedCentre, engagement: string, vendor: Voice, terms: Body) {
    return engagementDecision.of({
      ...at(centre, vendor),
      decision: {
        decision: 'granted',
        detail: 'files',
        people: [this.lead.keyid, this.reader.keyid].sort(),
        period: this.period,
        releases: [this.release],
        terms: terms.open,
      },
      engagement,
    });
  }

  accepting(centre: ServedCentre, engagement: string, decision: string, terms: Body) {
    return engagementAcceptance.of({ ...at(centre, this.lab), decision, engagement, terms: terms.digest });
  }
}
