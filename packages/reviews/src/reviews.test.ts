import {
  accreditationEnd,
  engagementDecision,
  engagementEnd,
  member,
  memberEnd,
  opinionWithdrawal,
  organisation,
  organisationKey,
  procedure,
  reading,
} from '@vitrine/statements/intake';
import { describe, expect, test } from 'vitest';
import {
  ACCREDITED,
  ACCREDITOR,
  accept,
  accepted,
  by,
  CENTRE,
  DAY_MS,
  digestOf,
  FOUND,
  found,
  grant,
  joining,
  key,
  LAB,
  LEAD,
  opine,
  PARTNER,
  parties,
  PERIOD,
  READER,
  RELEASE,
  request,
  respond,
  retest,
  Said,
  START_MS,
  STRANGER,
  VENDOR,
} from '../test/world.ts';
import {
  accreditationsAt,
  type Change,
  engagementState,
  findingState,
  mayOpen,
  memberOf,
  type Organisation,
  type Outcome,
  opinionState,
  publicFromMs,
} from './index.ts';

const code = ({ refusal }: Outcome<Change>): string | null => refusal?.code ?? null;

function lab(said: Said): Organisation {
  const known = said.fold.organisations.get(LAB.keyid);
  if (known === undefined) throw new Error('there is no laboratory');
  return known;
}

describe('organisations', () => {
  test('one is founded once, by the key that names it, and changed by itself', async () => {
    const said = new Said();
    expect(code(await said.say(joining(LEAD, ['lead']), LAB))).toBe('not-founded');
    expect(code(await said.say(FOUND, LAB))).toBeNull();
    expect(code(await said.say(FOUND, LAB))).toBe('already-said');
    const again = organisation.of({ ...FOUND.predicate, body: { digest: digestOf('another') } });
    expect(code(await said.say(again, LAB))).toBe('wrong-version');
    const next = organisation.of({
      ...by(STRANGER),
      body: { digest: digestOf('taken over') },
      organisation: LAB.keyid,
      version: 2,
    });
    expect(code(await said.say(next, STRANGER))).toBe('no-standing');
  });

  test('people are named by the organisation and its administrators, join once, and end', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    expect(code(await said.say(joining(STRANGER, ['lead'], STRANGER), STRANGER))).toBe('no-standing');
    await said.say(joining(LEAD, ['lead']), LAB);
    expect(code(await said.say(joining(READER, ['reviewer'], LEAD), LEAD))).toBe('no-standing');
    await said.say(joining(PARTNER, ['administrator']), LAB);
    expect(code(await said.say(joining(READER, ['reviewer'], PARTNER), PARTNER))).toBeNull();
    const left = memberEnd.of({
      ...by(VENDOR),
      member: READER.keyid,
      organisation: LAB.keyid,
      reason: 'left',
    });
    expect(code(await said.say(left, VENDOR))).toBe('no-standing');
    const stolen = memberEnd.of({
      ...by(READER),
      member: READER.keyid,
      organisation: LAB.keyid,
      reason: 'compromised',
    });
    expect(code(await said.say(stolen, READER))).toBeNull();
    expect(memberOf(lab(said), READER.keyid)).toBeUndefined();
    expect(code(await said.say(joining(READER, ['reviewer']), LAB))).toBe('already-said');
  });

  test('a lost passkey is replaced by the person’s own organisation, and by nobody else', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    await said.say(joining(LEAD, ['lead']), LAB);
    const anew = key('lead anew');
    const replacement = (signer: typeof LAB) =>
      member.of({
        ...by(signer),
        member: anew.text,
        organisation: LAB.keyid,
        replaces: LEAD.keyid,
        roles: ['lead'],
      });
    expect(code(await said.say(replacement(VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(replacement(LAB), LAB))).toBeNull();
    expect(lab(said).members[LEAD.keyid]?.ended).toMatchObject({ reason: 'replaced', by: anew.keyid });
    expect(memberOf(lab(said), anew.keyid)?.roles).toEqual(['lead']);
  });

  test('its key is handed over, and the old one says nothing any more', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    const successor = key('lab, later');
    const handing = organisationKey.of({ ...by(LAB), organisation: LAB.keyid, successor: successor.text });
    expect(code(await said.say(handing, LAB))).toBeNull();
    expect(code(await said.say(joining(LEAD, ['lead']), LAB))).toBe('no-standing');
    expect(code(await said.say(joining(LEAD, ['lead'], successor), successor))).toBeNull();
    const back = organisationKey.of({ ...by(successor), organisation: LAB.keyid, successor: LAB.text });
    expect(code(await said.say(back, successor))).toBe('already-said');
  });

  test('accreditations are of others, and end with their period or before', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    expect(
      code(await said.say({ ...ACCREDITED, predicate: { ...ACCREDITED.predicate, key: LAB.text } }, LAB)),
    ).toBe('no-standing');
    expect(code(await said.say(ACCREDITED, ACCREDITOR))).toBeNull();
    expect(accreditationsAt(lab(said), START_MS + DAY_MS)).toHaveLength(1);
    expect(accreditationsAt(lab(said), START_MS + 365 * DAY_MS)).toHaveLength(0);
    const ending = (signer: typeof LAB) =>
      accreditationEnd.of({
        ...by(signer),
        accreditation: Said.digest(ACCREDITED),
        reason: { digest: digestOf('why') },
      });
    expect(code(await said.say(ending(VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(ending(ACCREDITOR), ACCREDITOR))).toBeNull();
    expect(accreditationsAt(lab(said), START_MS + DAY_MS)).toHaveLength(0);
  });
});

describe('engagements', () => {
  const inside = PERIOD.from + DAY_MS;

  test('requested, granted, accepted, open on its day, over by itself', async () => {
    const { said, engagement } = await accepted();
    const known = said.fold.engagements.get(engagement);
    if (known === undefined) throw new Error('there is none');
    expect(engagementState(known, PERIOD.from - 1)).toBe('accepted');
    expect(engagementState(known, PERIOD.from)).toBe('open');
    expect(engagementState(known, PERIOD.until - 1)).toBe('open');
    expect(engagementState(known, PERIOD.until)).toBe('over');
    expect(mayOpen(known, lab(said), READER.keyid, inside)).toEqual([RELEASE]);
    expect(mayOpen(known, lab(said), READER.keyid, PERIOD.until)).toEqual([]);
    for (const nobody of [VENDOR, PARTNER, STRANGER, LAB])
      expect(mayOpen(known, lab(said), nobody.keyid, inside)).toEqual([]);
  });

  test('without accepted terms nothing opens, and other terms are not accepted', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    await said.say(joining(LEAD, ['lead']), LAB);
    await said.say(joining(READER, ['reviewer']), LAB);
    const asked = request();
    await said.say(asked, LEAD);
    const engagement = Said.digest(asked);
    const granted = grant(engagement);
    expect(code(await said.say(grant(engagement, {}, LEAD), LEAD))).toBe('no-standing');
    await said.say(granted, VENDOR);
    const decision = Said.digest(granted);
    expect(code(await said.say(accept(engagement, decision, LAB, digestOf('other terms')), LAB))).toBe(
      'wrong-version',
    );
    expect(code(await said.say(accept(engagement, digestOf('other'), LAB), LAB))).toBe('wrong-version');
    expect(code(await said.say(accept(engagement, decision, VENDOR), VENDOR))).toBe('no-standing');
    const known = said.fold.engagements.get(engagement);
    expect(known && engagementState(known, inside)).toBe('granted');
    expect(known && mayOpen(known, lab(said), READER.keyid, inside)).toEqual([]);
  });

  test('a grant is no wider than what was asked for', async () => {
    const { said, engagement } = await accepted();
    expect(code(await said.say(grant(engagement, { releases: [digestOf('another')] }), VENDOR))).toBe(
      'not-in-scope',
    );
    expect(code(await said.say(grant(engagement, { people: [STRANGER.keyid] }), VENDOR))).toBe(
      'not-in-scope',
    );
  });

  test('a new grant closes what was open until its terms are accepted; revoking closes it for good', async () => {
    const { said, engagement } = await accepted();
    const state = () => engagementState(said.fold.engagements.get(engagement) ?? never(), inside);
    await said.say(grant(engagement, { detail: 'lines' }), VENDOR);
    expect(state()).toBe('granted');
    const revoked = engagementDecision.of({
      ...by(VENDOR),
      decision: { decision: 'revoked', reason: { digest: digestOf('why') } },
      engagement,
    });
    await said.say(revoked, VENDOR);
    expect(state()).toBe('revoked');
    // A centre that repeats the first grant, whose terms were accepted, opens nothing.
    expect(code(await said.say(grant(engagement), VENDOR))).toBe('already-said');
    expect(state()).toBe('revoked');
    const twice = engagementDecision.of({
      ...by(VENDOR),
      decision: { decision: 'revoked', reason: { digest: digestOf('once more') } },
      engagement,
    });
    expect(code(await said.say(twice, VENDOR))).toBe('wrong-version');
  });

  test('a person whose key has ended opens nothing', async () => {
    const { said, engagement } = await accepted();
    await said.say(
      memberEnd.of({ ...by(LAB), member: READER.keyid, organisation: LAB.keyid, reason: 'left' }),
      LAB,
    );
    expect(
      mayOpen(said.fold.engagements.get(engagement) ?? never(), lab(said), READER.keyid, inside),
    ).toEqual([]);
  });

  test('only the organisation ends it, and then the vendor decides nothing more', async () => {
    const { said, engagement } = await accepted();
    const end = (signer: typeof LAB) =>
      engagementEnd.of({ ...by(signer), engagement, outcome: { outcome: 'finished' } });
    expect(code(await said.say(end(VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(end(LAB), LAB))).toBeNull();
    expect(code(await said.say(grant(engagement, { detail: 'lines' }), VENDOR))).toBe('ended');
  });

  test('access is asked for by leads, for people of the organisation', async () => {
    const { said } = await accepted();
    expect(code(await said.say(request(READER), READER))).toBe('no-standing');
    expect(code(await said.say(request(LEAD, { people: [STRANGER.keyid] }), LEAD))).toBe('no-standing');
    expect(code(await said.say(request(LEAD, { organisation: STRANGER.keyid }), LEAD))).toBe('not-founded');
  });
});

describe('findings', () => {
  test('the vendor answers beside it, and only a retest by the reviewer closes it', async () => {
    const { said, engagement } = await accepted();
    const one = found(engagement, 1);
    expect(code(await said.say(found(engagement, 1, {}, VENDOR), VENDOR))).toBe('no-standing');
    await said.say(one, READER);
    const id = Said.digest(one);
    const state = () => findingState(said.fold.findings.get(id) ?? never());
    expect(state()).toBe('open');
    expect(code(await said.say(retest(engagement, id, 'closed', VENDOR), VENDOR))).toBe('no-standing');
    for (const status of ['responded', 'planned', 'remediated', 'risk-accepted'] as const) {
      await said.say(respond(engagement, id, status), VENDOR);
      expect(state()).toBe(status);
    }
    await said.say(retest(engagement, id, 'still-open'), READER);
    expect(state()).toBe('open');
    await said.say(retest(engagement, id, 'closed'), LEAD);
    expect(state()).toBe('closed');
    const late = respond(engagement, id, 'responded');
    const body = parties('once more');
    expect(code(await said.say({ ...late, predicate: { ...late.predicate, body } }, VENDOR))).toBe('ended');
    expect(said.fold.findings.get(id)?.wordings).toHaveLength(1);
  });

  test('a number is one finding’s; a new wording names the one in force, and the old one stays', async () => {
    const { said, engagement } = await accepted();
    const one = found(engagement, 1);
    await said.say(one, READER);
    expect(code(await said.say(found(engagement, 1, { grade: 'low' }), READER))).toBe('already-said');
    const anew = found(engagement, 1, { grade: 'low', rewords: Said.digest(one) });
    expect(code(await said.say({ ...anew, predicate: { ...anew.predicate, number: 2 } }, READER))).toBe(
      'wrong-version',
    );
    expect(code(await said.say(anew, READER))).toBeNull();
    expect(
      code(await said.say(found(engagement, 1, { grade: 'medium', rewords: Said.digest(one) }), READER)),
    ).toBe('wrong-version');
    expect(said.fold.findings.get(Said.digest(one))?.wordings.map(({ said: { grade } }) => grade)).toEqual([
      'high',
      'low',
    ]);
    // Said of the new wording, it is said of the finding.
    expect(code(await said.say(respond(engagement, Said.digest(anew), 'planned'), VENDOR))).toBeNull();
  });

  test('public on a date', async () => {
    const { said, engagement } = await accepted();
    const one = found(engagement, 1, { publicFrom: START_MS + 90 * DAY_MS });
    await said.say(one, READER);
    expect(publicFromMs(said.fold.findings.get(Said.digest(one)) ?? never())).toBe(START_MS + 90 * DAY_MS);
  });
});

describe('opinions', () => {
  test('of the organisation, on what it was asked about, with its findings', async () => {
    const { said, engagement } = await accepted();
    const one = found(engagement, 1);
    await said.say(one, READER);
    const opinion = opine(engagement, { findings: [Said.digest(one)] });
    expect(code(await said.say(opine(engagement, {}, VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(opine(engagement, {}, READER), READER))).toBe('no-standing');
    expect(code(await said.say(opine(engagement, { releases: [digestOf('another')] }), LAB))).toBe(
      'not-in-scope',
    );
    expect(code(await said.say(opine(engagement, { kind: 'process' }), LAB))).toBe('not-in-scope');
    expect(code(await said.say(opine(engagement, { findings: [digestOf('none')] }), LAB))).toBe(
      'unknown-finding',
    );
    expect(code(await said.say(opinion, LAB))).toBeNull();
    const known = said.fold.opinions.get(Said.digest(opinion)) ?? never();
    expect(known).toMatchObject({ signedBy: 'organisation', hadAccess: true });
    expect(opinionState(known, START_MS + 400 * DAY_MS - 1)).toBe('current');
    expect(opinionState(known, START_MS + 400 * DAY_MS)).toBe('expired');
    const withdrawing = (signer: typeof LAB) =>
      opinionWithdrawal.of({ ...by(signer), opinion: known.id, reason: { digest: digestOf('why') } });
    expect(code(await said.say(withdrawing(VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(withdrawing(LAB), LAB))).toBeNull();
    expect(opinionState(said.fold.opinions.get(known.id) ?? never(), said.atMs)).toBe('withdrawn');
  });

  test('no vendor can refuse one: it counts where access was denied, and says so', async () => {
    const said = new Said();
    await said.say(FOUND, LAB);
    await said.say(joining(LEAD, ['lead']), LAB);
    await said.say(joining(READER, ['reviewer']), LAB);
    const asked = request();
    await said.say(asked, LEAD);
    const engagement = Said.digest(asked);
    await said.say(
      engagementDecision.of({
        ...by(VENDOR),
        decision: { decision: 'denied', reason: { digest: digestOf('no') } },
        engagement,
      }),
      VENDOR,
    );
    const adverse = opine(engagement, { conclusion: 'disclaimer' });
    expect(code(await said.say(adverse, LAB))).toBeNull();
    expect(said.fold.opinions.get(Said.digest(adverse))?.hadAccess).toBe(false);
  });

  test('a second partner where the engagement asks for one', async () => {
    const { said } = await accepted();
    const asked = request(LEAD, { secondPartner: true });
    await said.say(asked, LEAD);
    const engagement = Said.digest(asked);
    expect(code(await said.say(opine(engagement), LAB))).toBe('no-standing');
    expect(code(await said.say(opine(engagement, { partner: READER.text }), LAB))).toBe('no-standing');
    expect(code(await said.say(opine(engagement, { partner: PARTNER.text }), LAB))).toBeNull();
  });
});

describe('what else is said', () => {
  test('each by whose it is to say', async () => {
    const { said, engagement } = await accepted();
    const walked = (signer: typeof LAB) =>
      procedure.of({
        ...by(signer),
        body: parties('walked'),
        engagement,
        kind: 'walkthrough',
        number: 1,
        result: 'exception',
      });
    expect(code(await said.say(walked(VENDOR), VENDOR))).toBe('no-standing');
    expect(code(await said.say(walked(READER), READER))).toBeNull();
    const read = (signer: typeof LAB) =>
      reading.of({
        ...by(signer),
        bytes: 10,
        engagement,
        head: digestOf('head'),
        key: signer.text,
        period: PERIOD,
        reader: READER.keyid,
        records: 1,
        session: digestOf('session'),
      });
    expect(code(await said.say(read(READER), READER))).toBe('no-standing');
    expect(code(await said.say(read(CENTRE), CENTRE))).toBeNull();
  });
});

function never(): never {
  throw new Error('there is none');
}
