/** A whole source review, said at three centres: asked for in Zurich, decided in Washington, its opinion given in Singapore; shown alike by all. */
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngagementDetail, OpinionDetail } from '@vitrine/api';
import { headStatement, parseSpki, signStatement } from '@vitrine/statements';
import {
  engagementDecision,
  engagementEnd,
  evidenceAnswer,
  evidenceRequest,
  finding,
  findingResponse,
  findingRetest,
  managementStatement,
  memberEnd,
  opinion,
  opinionWithdrawal,
  procedure,
  reading,
} from '@vitrine/statements/intake';
import { encodeBase64 } from '@vitrine/tlog';
import {
  at,
  atByKey,
  Body,
  digestOf,
  eventually,
  HOUR_MS,
  Laboratory,
  newVoice,
  say,
  signed,
  voiceOf,
} from './review-world.ts';
import {
  code,
  publish,
  type ServedCentre,
  sha256,
  startThreeCentres,
  text,
  type ThreeCentres,
} from './running-centre.ts';

let three: ThreeCentres;
let vendor: ReturnType<typeof voiceOf>;
beforeAll(async () => {
  three = await startThreeCentres();
  vendor = voiceOf(three.washington.signer);
});
afterAll(() => three.dispose());

type EngagementShown = EngagementDetail['engagement'];

async function engagementAt(
  centre: ServedCentre,
  id: string,
  isSo: (engagement: EngagementShown) => boolean = () => true,
): Promise<EngagementShown> {
  return eventually(async () => {
    const call = centre.api.call('engagement', { params: { id } });
    if ((await code(call)) === 'not-found') return undefined;
    const { engagement } = await call;
    return isSo(engagement) ? engagement : undefined;
  });
}

/** What all three show of it, once all show it so; it is the same. */
async function engagementAtAll(
  id: string,
  isSo?: (engagement: EngagementShown) => boolean,
): Promise<EngagementShown> {
  const [shown, ...others] = await Promise.all(three.all.map((centre) => engagementAt(centre, id, isSo)));
  if (shown === undefined) throw new Error('there are no centres');
  for (const other of others) expect(other).toEqual(shown);
  return shown;
}

async function opinionAt(
  centre: ServedCentre,
  id: string,
  isSo: (shown: OpinionDetail['opinion']) => boolean = () => true,
): Promise<OpinionDetail['opinion']> {
  return eventually(async () => {
    const call = centre.api.call('opinion', { params: { id } });
    if ((await code(call)) === 'not-found') return undefined;
    const { opinion: shown } = await call;
    return isSo(shown) ? shown : undefined;
  });
}

/** Every centre shows the same at the same size of the root log. */
async function expectOneView(): Promise<void> {
  const sizes = await Promise.all(three.all.map(async ({ api }) => (await api.call('viewDigest')).rootSize));
  const rootSize = Math.max(...sizes);
  const digests = await Promise.all(
    three.all.map(({ api }) =>
      eventually(async () =>
        (await api.call('viewDigest')).rootSize < rootSize
          ? undefined
          : (await api.call('viewDigest', { query: { rootSize } })).digest,
      ),
    ),
  );
  expect(new Set(digests).size).toBe(1);
}

/** An engagement that is open, its parts said at three centres. */
async function opened(laboratory: Laboratory): Promise<string> {
  const { washington, zurich } = three;
  await laboratory.found(zurich);
  const engagement = await laboratory.ask(zurich);
  await engagementAt(washington, engagement);
  const terms = new Body('Nothing leaves the room.');
  const granting = laboratory.granting(washington, engagement, vendor, terms);
  const decision = await say(washington, granting, [vendor], [terms]);
  await engagementAt(zurich, engagement, ({ state }) => state === 'granted');
  await say(zurich, laboratory.accepting(zurich, engagement, decision, terms), [laboratory.lab]);
  await engagementAtAll(engagement, ({ state }) => state === 'open');
  return engagement;
}

const opinionOf = (centre: ServedCentre, laboratory: Laboratory, engagement: string, report: Body) => ({
  ...at(centre, laboratory.lab),
  assurance: 'limited' as const,
  body: report.open,
  conclusion: 'qualified' as const,
  criteria: [],
  engagement,
  exceptions: 1,
  expires: Date.now() + 24 * HOUR_MS,
  findings: [],
  kind: 'source' as const,
  organisation: laboratory.lab.keyid,
  partner: laboratory.partner.key,
  period: laboratory.period,
  product: 'hello',
  releases: [laboratory.release],
});

function intakeKeyOf(centre: ServedCentre): ReturnType<typeof voiceOf> {
  const key = createPrivateKey(readFileSync(join(centre.dir, 'keys', 'log-intake.pem')));
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return voiceOf({ ...parseSpki(spki), sign: (message) => sign(null, message, key) });
}

async function bodyAt(centre: ServedCentre, statement: string): Promise<Uint8Array> {
  return eventually(async () => {
    const response = await fetch(`${centre.url}/api/submissions/${statement}/body`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  });
}

/** What nobody gets by any address that gives bytes to everybody. */
async function expectKept(body: Body, statement: string): Promise<void> {
  for (const { url } of three.all)
    for (const path of [
      `/api/submissions/${statement}/body`,
      `/api/submissions/${body.digest}/body`,
      `/api/bodies/${body.digest}`,
      `/api/artifacts/${body.digest}/content`,
    ])
      expect((await fetch(url + path)).status, path).toBe(404);
}

describe('a source review', () => {
  test('from the request to the opinion, said at three centres and shown alike by all', async () => {
    const { singapore, washington, zurich } = three;
    const { digest: release } = await publish(washington, {
      product: 'hello',
      version: '1.0.0',
      source: { 'main.c': 'int main(void) { return 0; }\n' },
      artifacts: { 'hello.bin': randomBytes(64) },
    });
    const laboratory = new Laboratory(release);
    const { lab, lead, partner, reader } = laboratory;
    const engagement = await opened(laboratory);

    const secret = new Body('The updater takes unsigned updates.');
    const flaw = {
      ...at(zurich, reader),
      body: secret.parties,
      cvss: {
        scoreTenths: 93,
        vector: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N',
      },
      engagement,
      grade: 'critical' as const,
      number: 1,
      release,
    };
    const first = await say(zurich, finding.of(flaw), [reader], [secret]);
    const known = new Body('A comment is misspelt.');
    const small = { ...at(zurich, reader), body: known.public, engagement, grade: 'low' as const, number: 2 };
    const second = await say(zurich, finding.of(small), [reader], [known]);
    const session = {
      ...atByKey(zurich, intakeKeyOf(zurich)),
      bytes: 29,
      engagement,
      head: sha256('head'),
      period: laboratory.period,
      reader: reader.keyid,
      records: 3,
      session: sha256('session'),
    };
    const read = await say(zurich, reading.of(session), [intakeKeyOf(zurich)]);
    const question = new Body('Show us how releases are signed.');
    const asked = await say(
      zurich,
      evidenceRequest.of({ ...at(zurich, lead), body: question.parties, engagement, number: 1 }),
      [lead],
      [question],
    );
    const walk = new Body('We watched a release being signed.');
    await say(
      zurich,
      procedure.of({
        ...at(zurich, reader),
        body: walk.parties,
        engagement,
        kind: 'walkthrough',
        number: 1,
        result: 'no-exception',
      }),
      [reader],
      [walk],
    );
    await engagementAtAll(engagement, ({ findings, said }) => findings.count === 2 && said.procedures === 1);

    const answer = new Body('In a room with two people.');
    const words = new Body('We check signatures now.');
    const assertion = new Body('Our releases are as we say.');
    for (const [statement, body] of [
      [
        evidenceAnswer.of({ ...at(singapore, vendor), body: answer.parties, engagement, request: asked }),
        answer,
      ],
      [
        findingResponse.of({
          ...at(singapore, vendor),
          body: words.parties,
          engagement,
          finding: first,
          release,
          status: 'remediated',
        }),
        words,
      ],
      [
        managementStatement.of({
          ...at(singapore, vendor),
          body: assertion.public,
          engagement,
          kind: 'assertion',
        }),
        assertion,
      ],
    ] as const)
      await say(singapore, statement, [vendor], [body]);
    const responded = await engagementAtAll(
      engagement,
      ({ findings, said }) =>
        findings.counts.some(({ state }) => state === 'remediated') && said.managementStatements === 1,
    );
    expect(responded.findings.counts).toEqual([
      { grade: 'critical', state: 'remediated', count: 1 },
      { grade: 'low', state: 'open', count: 1 },
    ]);
    // The one for the parties is a count, and nothing else.
    expect(responded.findings.public.map(({ id }) => id)).toEqual([second]);
    expect(JSON.stringify(responded)).not.toContain(secret.digest);
    expect(responded.said).toEqual({
      evidenceRequests: 1,
      evidenceAnswers: 1,
      procedures: 1,
      managementStatements: 1,
      readings: 1,
    });

    const again = new Body('It does.');
    await say(
      zurich,
      findingRetest.of({
        ...at(zurich, reader),
        body: again.parties,
        engagement,
        finding: first,
        release,
        result: 'closed',
      }),
      [reader],
      [again],
    );
    await engagementAtAll(engagement, ({ findings }) =>
      findings.counts.some(({ grade, state }) => grade === 'critical' && state === 'closed'),
    );

    const report = new Body('It is as they say, but for a comment.');
    const annex = new Body('Where we looked.');
    const given = await say(
      singapore,
      opinion.of({
        ...opinionOf(singapore, laboratory, engagement, report),
        annex: annex.open,
        coverage: { bytesInScope: 100, bytesShown: 29, readings: [read] },
        findings: [first, second].sort(),
      }),
      [lab, partner],
      [report, annex],
    );
    const shown = await Promise.all(three.all.map((centre) => opinionAt(centre, given)));
    for (const one of shown)
      expect(one).toMatchObject({
        state: 'current',
        conclusion: 'qualified',
        hadAccess: true,
        accreditedThen: true,
        accreditedNow: true,
        byVendor: false,
        signedBy: 'organisation',
        partner: partner.keyid,
        body: report.digest,
        coverage: { bytesInScope: 100, bytesShown: 29 },
      });
    expect(new Set(shown.map((one) => JSON.stringify(one))).size).toBe(1);

    await say(
      zurich,
      engagementEnd.of({ ...at(zurich, lead), engagement, outcome: { outcome: 'finished' } }),
      [lead],
    );
    const ended = await engagementAtAll(engagement, ({ state }) => state === 'finished');
    expect(ended.opinions).toEqual([given]);
    await expectOneView();

    // Every public body at every centre, and none of those for the parties at any.
    for (const centre of three.all) {
      expect(sha256(await bodyAt(centre, given))).toBe(report.digest);
      expect(sha256(await bodyAt(centre, second))).toBe(known.digest);
    }
    await expectKept(secret, first);
    await expectKept(annex, annex.digest);

    for (const { api } of three.all) {
      const about = async (query: { product?: string; release?: string }) =>
        (await api.call('opinions', { query })).opinions.map(({ id }) => id);
      expect(await about({ product: 'hello' })).toContain(given);
      expect(await about({ release })).toEqual([given]);
      expect(await about({ product: 'other' })).toEqual([]);
      expect(await about({ product: 'hello', release: sha256('another') })).toEqual([]);
      const { organisation: shownLab } = await api.call('organisation', { params: { id: lab.keyid } });
      expect(shownLab.accreditations).toMatchObject([{ scheme: 'ISO/IEC 17025', holds: true }]);
      expect(shownLab.members.map(({ kind }) => kind).sort()).toEqual(['key', 'passkey', 'passkey']);
    }
  });

  test('an opinion counts where access was denied, and says so; what is denied and withdrawn is counted', async () => {
    const { singapore, washington, zurich } = three;
    const laboratory = new Laboratory();
    const { lab, lead, partner } = laboratory;
    await laboratory.found(singapore);
    const engagement = await laboratory.ask(singapore);
    const other = await laboratory.ask(singapore);
    await engagementAt(washington, other);
    const before = (await washington.api.call('engagements')).states;
    const reason = new Body('Not now.');
    const denial = engagementDecision.of({
      ...at(washington, vendor),
      decision: { decision: 'denied', reason: reason.open },
      engagement,
    });
    const denied = await say(washington, denial, [vendor], [reason]);
    const why = new Body('We have no time.');
    await say(
      zurich,
      engagementEnd.of({
        ...at(zurich, lead),
        engagement: other,
        outcome: { outcome: 'withdrawn', reason: why.open },
      }),
      [lead],
      [why],
    );
    const shown = await engagementAtAll(engagement, ({ state }) => state === 'denied');
    expect(shown.decision).toMatchObject({ digest: denied, reason: reason.digest });
    await engagementAtAll(other, ({ state }) => state === 'withdrawn');
    for (const { api } of three.all) {
      const { count, states } = await api.call('engagements');
      expect(states).toEqual({
        ...before,
        requested: before.requested - 2,
        denied: before.denied + 1,
        withdrawn: before.withdrawn + 1,
      });
      expect(Object.values(states).reduce((sum, some) => sum + some, 0)).toBe(count);
      const theirs = await api.call('engagements', { query: { organisation: lab.keyid, limit: 1 } });
      expect(theirs).toMatchObject({ count: 2, engagements: [{ id: engagement }] });
      const next = theirs.next ?? -1;
      const rest = await api.call('engagements', { query: { organisation: lab.keyid, after: next } });
      expect(rest).toMatchObject({ engagements: [{ id: other }], next: null });
    }

    const report = new Body('They would not let us look.');
    const adverse = opinion.of({
      ...opinionOf(singapore, laboratory, engagement, report),
      conclusion: 'disclaimer',
    });
    const given = await say(singapore, adverse, [lab, partner], [report]);
    for (const centre of three.all)
      expect(await opinionAt(centre, given)).toMatchObject({ hadAccess: false, state: 'current' });

    await say(
      zurich,
      opinionWithdrawal.of({ ...at(zurich, lead), opinion: given, reason: why.open }),
      [lead],
      [why],
    );
    for (const centre of three.all)
      await opinionAt(centre, given, ({ state, withdrawal }) => state === 'withdrawn' && withdrawal !== null);
    // Said again at another centre, in the hope that it counts anew: it is another statement there, and withdrawn is withdrawn.
    const repeated = await signed(adverse, [lab, partner], [report]);
    expect(await code(zurich.api.call('submit', { body: repeated }))).toBe('statement-refused');
    expect((await singapore.api.call('submit', { body: repeated })).duplicate).toBe(true);
    await expectOneView();
  });
});

describe('what has no standing', () => {
  test('is in the log, and counts for nothing at any centre', async () => {
    const { singapore, washington, zurich } = three;
    const laboratory = new Laboratory();
    const { lab, lead, partner, reader } = laboratory;
    const engagement = await opened(laboratory);
    const stranger = newVoice();
    const body = new Body('x');
    const found = await say(
      zurich,
      finding.of({ ...at(zurich, reader), body: body.parties, engagement, grade: 'high', number: 1 }),
      [reader],
      [body],
    );
    await engagementAtAll(engagement, ({ findings }) => findings.count === 1);

    const retest = (voice: typeof stranger) =>
      findingRetest.of({
        ...at(singapore, voice),
        body: body.parties,
        engagement,
        finding: found,
        result: 'closed',
      });
    // The vendor closes it, a stranger closes it, and records another.
    await say(singapore, retest(vendor), [vendor], [body]);
    await say(singapore, retest(stranger), [stranger], [body]);
    await say(
      singapore,
      finding.of({ ...at(singapore, stranger), body: body.public, engagement, grade: 'low', number: 2 }),
      [stranger],
      [body],
    );
    // The laboratory grants itself what was not granted, and answers itself.
    const terms = new Body('Anything goes.');
    await say(singapore, laboratory.granting(singapore, engagement, lab, terms), [lab], [terms]);
    await say(
      singapore,
      findingResponse.of({
        ...at(singapore, lab),
        body: body.parties,
        engagement,
        finding: found,
        status: 'risk-accepted',
      }),
      [lab],
      [body],
    );
    // A reader gives an opinion; the lead gives one without the second partner; the vendor ends the engagement and withdraws.
    const report = new Body('All is well.');
    const base = opinionOf(singapore, laboratory, engagement, report);
    await say(singapore, opinion.of({ ...base, key: reader.key }), [reader, partner], [report]);
    const { partner: _, ...alone } = base;
    await say(singapore, opinion.of({ ...alone, key: lead.key }), [lead], [report]);
    await say(
      singapore,
      engagementEnd.of({ ...at(singapore, vendor), engagement, outcome: { outcome: 'finished' } }),
      [vendor],
    );
    // Washington's centre says how far somebody read in Zurich: with a key that is not that of the log that it entered.
    await say(
      singapore,
      reading.of({
        ...atByKey(singapore, intakeKeyOf(zurich)),
        bytes: 1,
        engagement,
        head: sha256('head'),
        period: laboratory.period,
        reader: reader.keyid,
        records: 1,
        session: sha256('session'),
      }),
      [intakeKeyOf(zurich)],
    );
    // What entered after all that, and counts.
    const marker = new Body('marker');
    await say(
      singapore,
      evidenceRequest.of({ ...at(singapore, lead), body: marker.parties, engagement, number: 1 }),
      [lead],
      [marker],
    );
    const shown = await engagementAtAll(engagement, ({ said }) => said.evidenceRequests === 1);
    expect(shown).toMatchObject({ state: 'open', end: null, opinions: [] });
    expect(shown.decisions).toHaveLength(1);
    expect(shown.said.readings).toBe(0);
    expect(shown.findings).toMatchObject({
      count: 1,
      counts: [{ grade: 'high', state: 'open' }],
      public: [],
    });
    await expectOneView();
    expect(washington.name).toBe('acme.example');
  });

  test('a key that has ended says nothing more, although it said it before the head that anchored its end', async () => {
    const { singapore, washington, zurich } = three;
    const laboratory = new Laboratory();
    const { lab, lead, reader } = laboratory;
    const engagement = await opened(laboratory);
    await say(
      zurich,
      memberEnd.of({
        ...at(zurich, lab),
        member: reader.keyid,
        organisation: lab.keyid,
        reason: 'compromised',
      }),
      [lab],
    );
    await eventually(async () => {
      const { organisation } = await washington.api.call('organisation', { params: { id: lab.keyid } });
      return organisation.members.find(({ keyid }) => keyid === reader.keyid)?.ended ?? undefined;
    });
    const body = new Body('by the thief');
    const late = finding.of({
      ...at(singapore, reader),
      body: body.parties,
      engagement,
      grade: 'low',
      number: 1,
    });
    await say(singapore, late, [reader], [body]);
    const marker = new Body('marker');
    await say(
      singapore,
      evidenceRequest.of({ ...at(singapore, lead), body: marker.parties, engagement, number: 1 }),
      [lead],
      [marker],
    );
    const shown = await engagementAtAll(engagement, ({ said }) => said.evidenceRequests === 1);
    expect(shown.findings.count).toBe(0);
    // The dates in the log are the root log's: of an entry, those of the head that anchored it.
    expect(shown.atMs).toBeGreaterThan(0);
  });
});

describe('bad input', () => {
  test('bodies that are altered, missing, too many or too large, and replays, are refused, and nothing is kept', async () => {
    const { singapore, washington, zurich } = three;
    const laboratory = new Laboratory();
    const engagement = await opened(laboratory);
    const { lab, partner, reader } = laboratory;
    const { api } = zurich;
    const before = (await api.call('log', { params: { log: 'intake' } })).durableSize;
    const report = new Body('report');
    const annex = new Body('annex');
    const statement = opinion.of({
      ...opinionOf(zurich, laboratory, engagement, report),
      annex: annex.open,
    });
    const good = await signed(statement, [lab, partner], [report, annex]);
    const send = (change: object) => code(api.call('submit', { body: { ...good, ...change } }));
    const base64 = ({ bytes }: Body): string => encodeBase64(bytes);
    expect(await send({ bodies: [base64(report)] })).toBe('body-missing');
    expect(await send({ bodies: [] })).toBe('body-missing');
    expect(await send({ bodies: [base64(report), base64(new Body('altered'))] })).toBe('digest-mismatch');
    expect(await send({ body: base64(new Body('one more')) })).toBe('digest-mismatch');
    expect(await send({ bodies: [base64(report), base64(annex), base64(annex)] })).toBe('invalid-request');
    expect(await send({ bodies: [base64(report), 'YR=='] })).toBe('invalid-request');
    const large = encodeBase64(new Uint8Array(1024 * 1024 + 1));
    expect(await send({ bodies: [base64(report), large] })).toBe('body-too-large');
    const oneSigned = await signed(statement, [lab]);
    expect(await send({ envelope: oneSigned.envelope })).toBe('statement-refused');
    const other = await signed(statement, [lab, reader]);
    expect(await send({ envelope: other.envelope })).toBe('statement-refused');
    const { origin } = await washington.api.call('log', { params: { log: 'statements' } });
    const head = { origin, root: sha256('root'), treeSize: 1 };
    const rootStatement = await signStatement(headStatement({ head, log: origin }), [
      three.washington.signer,
    ]);
    expect(await send({ envelope: text(rootStatement), bodies: [] })).toBe('malformed-envelope');
    // A statement for Zurich, replayed in Singapore.
    expect(await code(singapore.api.call('submit', { body: good }))).toBe('statement-refused');
    expect((await api.call('log', { params: { log: 'intake' } })).durableSize).toBe(before);
    const notHere = await fetch(`${zurich.url}/api/submissions/${digestOf(statement)}/body`);
    expect(notHere.status).toBe(404);

    expect(await send({})).toBeUndefined();
    expect((await api.call('submit', { body: good })).duplicate).toBe(true);
    const given = await opinionAt(zurich, digestOf(statement));
    expect(given.annex).toBe(annex.digest);
    await expectKept(annex, annex.digest);
  });

  test('a body for the parties takes nothing from the public that the vendor has published', async () => {
    const { washington, zurich } = three;
    const artifact = randomBytes(64);
    const notes = new Body('release notes');
    await publish(
      washington,
      {
        product: 'hello',
        version: '2.0.0',
        source: { 'main.c': 'int main(void) { return 1; }\n' },
        artifacts: { 'hello.bin': artifact },
        documents: { notes: { digest: notes.digest } },
      },
      [notes.bytes],
    );
    const laboratory = new Laboratory();
    const engagement = await opened(laboratory);
    const { lead } = laboratory;
    let number = 0;
    for (const bytes of [artifact, notes.bytes]) {
      const stolen = { bytes, digest: sha256(bytes) };
      const statement = evidenceRequest.of({
        ...at(zurich, lead),
        body: { access: 'parties', digest: stolen.digest },
        engagement,
        number: ++number,
      });
      const envelope = await signed(statement, [lead]);
      await zurich.api.call('submit', { body: { ...envelope, bodies: [encodeBase64(bytes)] } });
    }
    await engagementAtAll(engagement, ({ said }) => said.evidenceRequests === 2);
    for (const { url } of three.all)
      await eventually(async () => {
        const responses = await Promise.all(
          [`artifacts/${sha256(artifact)}/content`, `bodies/${notes.digest}`].map((path) =>
            fetch(`${url}/api/${path}`),
          ),
        );
        return responses.every(({ ok }) => ok) ? true : undefined;
      });
  });

  test('kill -9 in the middle: what was accepted counts, once', async () => {
    const { zurich } = three;
    const laboratory = new Laboratory();
    const engagement = await opened(laboratory);
    const { reader } = laboratory;
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        [1, 2, 3].map((each) => {
          const body = new Body('finding');
          const said = { body: body.parties, engagement, grade: 'low' as const, number: 3 * round + each };
          return say(zurich, finding.of({ ...at(zurich, reader), ...said }), [reader], [body]);
        }),
      );
      await zurich.stop('SIGKILL');
      await zurich.restart();
    }
    const shown = await engagementAtAll(engagement, ({ findings }) => findings.count === 9);
    expect(shown.findings.counts).toEqual([{ grade: 'low', state: 'open', count: 9 }]);
    await expectOneView();
  });
});
