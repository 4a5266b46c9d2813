import { describe, expect, test } from 'vitest';
import { ONE_OF_EACH_INTAKE, OPINION } from '../test/intake-world.ts';
import { namedBodies, opinion } from './intake.ts';

const DIGEST = 'a'.repeat(64);
const open = { access: 'public', digest: DIGEST };
const closed = { access: 'parties', digest: DIGEST };

const expected: Readonly<Record<string, readonly object[]>> = {
  submission: [open],
  organisation: [open],
  'organisation-key': [],
  member: [],
  'member-end': [],
  accreditation: [open],
  'accreditation-end': [open],
  'engagement-request': [closed],
  'engagement-decision': [open],
  'engagement-acceptance': [],
  'engagement-end': [open],
  'evidence-request': [closed],
  'evidence-answer': [closed],
  procedure: [closed],
  finding: [closed],
  'finding-response': [closed],
  'finding-retest': [closed],
  opinion: [open],
  'opinion-withdrawal': [open],
  'management-statement': [closed],
  reading: [],
};

describe('the bodies that come with a statement', () => {
  test.each(ONE_OF_EACH_INTAKE.map((each) => [each.predicateType.split('/').at(-2) ?? '', each] as const))(
    '%s',
    (name, statement) => expect(namedBodies(statement)).toEqual(expected[name]),
  );

  test('a report that is its own annex is one body, and public', () => {
    const annexed = (digest: string) => opinion.of({ ...OPINION.predicate, annex: { digest } });
    expect(namedBodies(annexed('b'.repeat(64)))).toEqual([
      open,
      { access: 'parties', digest: 'b'.repeat(64) },
    ]);
    expect(namedBodies(annexed(DIGEST))).toEqual([open]);
  });
});
