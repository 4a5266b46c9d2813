import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ADDRESSEE,
  INTAKE_ORIGIN,
  nodeSignature,
  ONE_OF_EACH_INTAKE,
  OPINION,
  ORGANISATION,
  PARTNER,
  REVIEWER,
  SUCCESSOR,
  testPasskey,
  VENDOR,
} from '../test/intake-world.ts';
import {
  type Envelope,
  formatEnvelope,
  formatStatement,
  parseStatement,
  parseStatementEnvelope,
  preAuthEncoding,
  STATEMENT_PAYLOAD_TYPE,
  StatementError,
  withSignatures,
} from './index.ts';
import {
  admitIntake,
  finding,
  formatPasskeySignature,
  type IntakeStatement,
  intakeTypes,
  keyidOfSpeaker,
  openPasskeySignature,
  parsePasskeySpki,
  parseSpeaker,
  speakerKey,
  verifyP256,
} from './intake.ts';
import * as v from 'valibot';

const SIGNERS = [ORGANISATION, PARTNER, REVIEWER, SUCCESSOR, VENDOR];

/** Signed by every key that the statement names, and by `more`. */
function signed(
  statement: IntakeStatement,
  more: readonly string[] = [],
  without: readonly string[] = [],
): Uint8Array {
  const payload = formatStatement(statement, intakeTypes);
  const { predicate } = statement;
  const named = [
    keyidOfSpeaker(predicate.key),
    ...('partner' in predicate ? [keyidOfSpeaker(predicate.partner)] : []),
    ...('successor' in predicate ? [keyidOfSpeaker(predicate.successor)] : []),
    ...more,
  ].filter((keyid) => !without.includes(keyid));
  return envelopeOf(payload, named);
}

function envelopeOf(payload: Uint8Array, keyids: readonly string[]): Uint8Array {
  const message = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload);
  const empty: Envelope = { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [] };
  const signatures = keyids.map((keyid) => {
    const signer = SIGNERS.find((each) => each.keyid === keyid);
    if (signer === undefined) throw new Error(`no signer ${keyid}`);
    return { keyid, sig: signer.sign(message) };
  });
  return formatEnvelope(withSignatures(empty, signatures));
}

const admitted = (envelope: Uint8Array, at: { origin?: string; addressee?: string } = {}) =>
  admitIntake({ origin: INTAKE_ORIGIN, addressee: ADDRESSEE, ...at, envelope });

function codeOf(envelope: Uint8Array, at?: { origin?: string; addressee?: string }): string | null {
  const verdict = admitted(envelope, at);
  return verdict.admitted ? null : verdict.code;
}

describe('every type of an intake log', () => {
  test('there is one of each here', () => {
    expect(ONE_OF_EACH_INTAKE.map(({ predicateType }) => predicateType).sort()).toEqual(
      Object.keys(intakeTypes).sort(),
    );
  });

  test.each(ONE_OF_EACH_INTAKE.map((each) => [each.predicateType, each] as const))(
    '%s',
    (_type, statement) => {
      const payload = formatStatement(statement, intakeTypes);
      expect(parseStatement(payload, intakeTypes)).toEqual(statement);
      const verdict = admitted(signed(statement));
      expect(verdict).toMatchObject({ admitted: true, signer: keyidOfSpeaker(statement.predicate.key) });
    },
  );

  test.each(ONE_OF_EACH_INTAKE.map((each) => [each.predicateType, each] as const))(
    '%s about something else than its subject, with a member too many, for another log',
    (_type, statement) => {
      const [subject] = statement.subject;
      const other = { ...statement, subject: [{ ...subject, digest: { sha256: 'c'.repeat(64) } }] };
      expect(() => formatStatement(other, intakeTypes)).toThrow(StatementError);
      const more = { ...statement, predicate: { ...statement.predicate, more: 1 } };
      expect(() => formatStatement(more, intakeTypes)).toThrow(StatementError);
      expect(codeOf(signed(statement), { origin: 'other.example/intake' })).toBe('wrong-log');
      expect(codeOf(signed(statement), { addressee: 'other.example/statements' })).toBe('wrong-log');
    },
  );

  test('a type of the root log is none of an intake log, and the reverse', () => {
    const [statement] = ONE_OF_EACH_INTAKE;
    if (statement === undefined) throw new Error('there is none');
    expect(() => parseStatementEnvelope(signed(OPINION))).toThrow(/unknown type/);
  });

  test('fits a leaf, passkeys and partners included', () => {
    for (const statement of ONE_OF_EACH_INTAKE) expect(signed(statement).length).toBeLessThan(8_184);
  });
});

describe('who signs', () => {
  const byReviewer = ONE_OF_EACH_INTAKE.find(({ predicateType }) => predicateType === finding.predicateType);
  if (byReviewer === undefined) throw new Error('there is none');

  test('the key that is named, and no other', () => {
    expect(codeOf(envelopeOf(formatStatement(byReviewer, intakeTypes), [VENDOR.keyid]))).toBe('unknown-key');
    expect(codeOf(signed(byReviewer, [VENDOR.keyid]))).toBe('unknown-key');
  });

  test('an opinion that names a partner needs the partner', () => {
    expect(codeOf(signed(OPINION, [], [PARTNER.keyid]))).toBe('bad-signature');
    expect(codeOf(signed(OPINION, [], [ORGANISATION.keyid]))).toBe('bad-signature');
  });

  test('a partner who is the signer does not make two', () => {
    const alone = { ...OPINION, predicate: { ...OPINION.predicate, partner: OPINION.predicate.key } };
    expect(() => formatStatement(alone, intakeTypes)).toThrow(/a second partner is another one/);
  });

  test('one signature by a key of the other kind does not count', () => {
    const payload = formatStatement(byReviewer, intakeTypes);
    const envelope: Envelope = {
      payloadType: STATEMENT_PAYLOAD_TYPE,
      payload,
      signatures: [
        { keyid: REVIEWER.keyid, sig: VENDOR.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload)) },
      ],
    };
    expect(codeOf(formatEnvelope(envelope))).toBe('bad-signature');
  });
});

describe('passkeys', () => {
  const message = new TextEncoder().encode('what is signed');
  const refusal = (sig: Uint8Array, key = REVIEWER): string => {
    try {
      openPasskeySignature(key, message, sig);
      return '';
    } catch (error) {
      if (error instanceof StatementError && error.code === 'bad-signature') return error.message;
      throw error;
    }
  };

  test('as a browser signs', () => expect(refusal(REVIEWER.sign(message))).toBe(''));

  test.each([
    ['another challenge', { challenge: new Uint8Array(32) }, /another challenge/],
    ['a registration', { clientData: { type: 'webauthn.create' } }, /webauthn\.get/],
    ['another page', { clientData: { origin: 'https://evil.example' } }, /evil\.example/],
    [
      'a longer name of the page',
      { clientData: { origin: 'https://zurich.example.evil.example' } },
      /zurich\.example\.evil/,
    ],
    ['a frame', { clientData: { crossOrigin: true } }, /frame/],
    ['a frame that says whose', { clientData: { topOrigin: 'https://evil.example' } }, /topOrigin/],
    ['another relying party', { rpId: 'evil.example' }, /another relying party/],
    ['nobody present', { flags: 0x04 }, /present/],
    ['nobody verified', { flags: 0x01 }, /verified/],
    ['bytes that no flag announces', { more: new Uint8Array(3) }, /bytes/],
  ])('%s', (_name, changes, reason) => expect(refusal(REVIEWER.sign(message, changes))).toMatch(reason));

  test('extensions that are announced are covered by the signature', () => {
    expect(refusal(REVIEWER.sign(message, { flags: 0x85, more: Uint8Array.of(0xa0) }))).toBe('');
  });

  test('another key, another message', () => {
    expect(refusal(testPasskey('other').sign(message))).toMatch(/does not verify/);
    expect(() => openPasskeySignature(REVIEWER, new Uint8Array(1), REVIEWER.sign(message))).toThrow(
      /another challenge/,
    );
  });

  test('any bit that is turned is noticed', () => {
    const sig = REVIEWER.sign(message);
    fc.assert(
      fc.property(fc.nat(sig.length - 1), fc.nat(7), (at, bit) => {
        const altered = sig.slice();
        altered[at] = (altered[at] ?? 0) ^ (1 << bit);
        expect(refusal(altered)).not.toBe('');
      }),
      { numRuns: 300 },
    );
  });

  test('node:crypto and this give the same answers', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(200),
        fc.boolean(),
        (bytes, at, alter) => {
          const der = new Uint8Array(nodeSignature('reviewer', bytes));
          if (alter) der[at % der.length] = (der[at % der.length] ?? 0) ^ 1;
          const key = createPublicKey({ key: Buffer.from(REVIEWER.spki), format: 'der', type: 'spki' });
          const raw = rawOf(der);
          const theirs =
            raw !== undefined && nodeVerify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, raw);
          expect(raw !== undefined && verifyP256(REVIEWER.spki, bytes, raw)).toBe(theirs);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a key is a point of the curve, on a page of its relying party', () => {
    const off = REVIEWER.spki.slice();
    off[90] = (off[90] ?? 0) ^ 1;
    expect(() => parsePasskeySpki(off)).toThrow(StatementError);
    const spki = Buffer.from(REVIEWER.spki).toString('base64');
    const accepts = (origin: string, rpId: string): boolean =>
      v.safeParse(speakerKey, { passkey: { origin, rpId, spki } }).success;
    expect(accepts('https://a.zurich.example', 'zurich.example')).toBe(true);
    expect(accepts('http://localhost:4173', 'localhost')).toBe(true);
    expect(accepts('https://evilzurich.example', 'zurich.example')).toBe(false);
    expect(accepts('https://zurich.example/', 'zurich.example')).toBe(false);
    expect(accepts('https://ZURICH.example', 'zurich.example')).toBe(false);
    expect(parseSpeaker({ passkey: { origin: 'http://localhost:4173', rpId: 'localhost', spki } }).kind).toBe(
      'passkey',
    );
  });

  test('what is no assertion at all', () => {
    for (const junk of [new Uint8Array(), new TextEncoder().encode('{}'), new Uint8Array(2_000)])
      expect(refusal(junk)).not.toBe('');
    const empty = formatPasskeySignature({
      authenticatorData: new Uint8Array(),
      clientDataJSON: new Uint8Array(),
      signature: new Uint8Array(),
    });
    expect(refusal(empty)).not.toBe('');
  });
});

/** r ‖ s of a DER signature, where it is one. */
function rawOf(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[2] !== 0x02) return undefined;
  const rLength = der[3] ?? 0;
  if (der[4 + rLength] !== 0x02) return undefined;
  const raw = new Uint8Array(64);
  for (const [integer, to] of [
    [der.subarray(4, 4 + rLength), 32],
    [der.subarray(6 + rLength), 64],
  ] as const) {
    const digits = integer.length > 32 ? integer.subarray(integer.length - 32) : integer;
    raw.set(digits, to - digits.length);
  }
  return raw;
}
