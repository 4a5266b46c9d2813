// Whoever says whatever in whatever order: history only grows, and nobody gains what is not theirs.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { histories } from '../test/histories.ts';
import { DAY_MS, KEYS, LAB, PERIOD, Said, VENDOR } from '../test/world.ts';
import { engagementState, findingState, mayOpen, memberOf, type ReviewsFold } from './index.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 60 : 3_000;

test('history only grows, and nobody gains what is not theirs', async () => {
  const seen = { closed: 0, open: 0, opinions: 0, reworded: 0 };
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const said = new Said();
      for (const { signer, statement } of history) {
        const before = snapshot(said.fold);
        await said.say(statement, signer);
        requireGrown(before, said.fold);
        requireTheirs(said.fold);
        count(seen, said.fold);
      }
    }),
    { numRuns: RUNS },
  );
  // Otherwise nothing was tried.
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
});

function count(
  seen: { closed: number; open: number; opinions: number; reworded: number },
  { engagements, findings, opinions }: ReviewsFold,
): void {
  for (const each of findings.values()) {
    if (findingState(each) === 'closed') seen.closed++;
    if (each.wordings.length > 1) seen.reworded++;
  }
  for (const each of engagements.values())
    if (engagementState(each, PERIOD.from + DAY_MS) === 'open') seen.open++;
  seen.opinions += opinions.size;
}

type Snapshot = Pick<ReviewsFold, 'engagements' | 'findings' | 'opinions' | 'organisations'>;

function snapshot({ engagements, findings, opinions, organisations }: ReviewsFold): Snapshot {
  return {
    engagements: new Map(engagements),
    findings: new Map(findings),
    opinions: new Map(opinions),
    organisations: new Map(organisations),
  };
}

const beginning = <Item>(of: readonly Item[], all: readonly Item[]): void => {
  expect(all.slice(0, of.length)).toEqual(of);
};

function requireGrown(before: Snapshot, now: ReviewsFold): void {
  for (const [id, known] of before.findings) {
    const later = now.findings.get(id);
    beginning(known.wordings, later?.wordings ?? []);
    beginning(known.responses, later?.responses ?? []);
    beginning(known.retests, later?.retests ?? []);
  }
  for (const [id, known] of before.engagements) {
    beginning(known.decisions, now.engagements.get(id)?.decisions ?? []);
    expect(now.engagements.get(id)?.request).toEqual(known.request);
  }
  for (const [id, known] of before.opinions) {
    const later = now.opinions.get(id);
    expect(later?.said).toEqual(known.said);
    if (known.withdrawal !== undefined) expect(later?.withdrawal).toEqual(known.withdrawal);
  }
  for (const [id, known] of before.organisations)
    for (const [keyid, person] of Object.entries(known.members)) {
      const later = now.organisations.get(id)?.members[keyid];
      expect(later).toBeDefined();
      if (person.ended !== undefined) expect(later?.ended).toEqual(person.ended);
    }
}

function requireTheirs({ engagements, findings, opinions, organisations }: ReviewsFold): void {
  const lab = organisations.get(LAB.keyid);
  for (const each of findings.values()) {
    expect(each.wordings.every((wording) => wording.by !== VENDOR.keyid)).toBe(true);
    expect(each.retests.every((one_) => one_.by !== VENDOR.keyid)).toBe(true);
    expect(each.responses.every((response) => response.by === VENDOR.keyid)).toBe(true);
    if (findingState(each) === 'closed') expect(each.retests.at(-1)?.said.result).toBe('closed');
  }
  for (const each of engagements.values()) {
    expect(each.decisions.every((one_) => one_.by === VENDOR.keyid)).toBe(true);
    for (const { keyid } of KEYS) {
      const opens = lab === undefined ? [] : mayOpen(each, lab, keyid, PERIOD.from + DAY_MS);
      if (opens.length === 0) continue;
      expect(engagementState(each, PERIOD.from + DAY_MS)).toBe('open');
      expect(lab && memberOf(lab, keyid)).toBeDefined();
      expect(each.request.people).toContain(keyid);
      expect(each.acceptance?.by).not.toBe(VENDOR.keyid);
    }
  }
  for (const each of opinions.values()) expect(each.said.organisation).toBe(LAB.keyid);
}
