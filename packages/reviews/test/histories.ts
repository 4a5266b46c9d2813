// Whoever says whatever, in whatever order: what properties of reviews are looked at with.

import type { IntakeStatement } from '@vitrine/statements/intake';
import { memberEnd, opinionWithdrawal } from '@vitrine/statements/intake';
import fc from 'fast-check';
import {
  accept,
  ACCREDITED,
  ACCREDITOR,
  by,
  digestOf,
  FOUND,
  found,
  grant,
  joining,
  type Key,
  KEYS,
  LAB,
  LEAD,
  opine,
  PARTNER,
  READER,
  request,
  respond,
  retest,
  Said,
  VENDOR,
} from './world.ts';

const asked = request();
const engagement = Said.digest(asked);
const granted = grant(engagement);
const decision = Said.digest(granted);
const one = found(engagement, 1);
const anew = found(engagement, 1, { grade: 'low', rewords: Said.digest(one) });
const finding = Said.digest(one);
const opinion = opine(engagement, { findings: [finding] });

/** What a speaker may try, whoever they are. */
const TRIES: readonly ((signer: (typeof KEYS)[number]) => IntakeStatement)[] = [
  () => FOUND,
  (signer) => joining(LEAD, ['lead', 'reviewer'], signer),
  (signer) => joining(READER, ['reviewer'], signer),
  (signer) => joining(PARTNER, ['administrator', 'partner'], signer),
  () => ACCREDITED,
  () => asked,
  () => granted,
  (signer) => accept(engagement, decision, signer),
  () => one,
  () => anew,
  (signer) => found(engagement, 2, {}, signer),
  (signer) => respond(engagement, finding, 'remediated', signer),
  (signer) => retest(engagement, finding, 'closed', signer),
  (signer) => retest(engagement, finding, 'still-open', signer),
  () => opinion,
  (signer) =>
    opinionWithdrawal.of({
      ...by(signer),
      opinion: Said.digest(opinion),
      reason: { digest: digestOf('why') },
    }),
  (signer) => grant(engagement, { detail: 'lines' }, signer),
  (signer) => memberEnd.of({ ...by(signer), member: READER.keyid, organisation: LAB.keyid, reason: 'left' }),
];

/** Who says it where all goes well. */
const LIKELY = [
  LAB,
  LAB,
  LAB,
  LAB,
  ACCREDITOR,
  LEAD,
  VENDOR,
  LAB,
  READER,
  READER,
  LEAD,
  VENDOR,
  READER,
  LEAD,
  LAB,
  LAB,
  VENDOR,
  LAB,
];

/** One after another. */
export interface Say {
  readonly statement: IntakeStatement;
  readonly signer: Key;
}

/** What goes well, in order, with little left out; and between, whoever says whatever. */
export const histories: fc.Arbitrary<readonly Say[]> = fc
  .record({
    well: fc
      .shuffledSubarray([...TRIES.keys()], { minLength: TRIES.length - 3 })
      .map((some) => some.toSorted((x, y) => x - y)),
    else: fc.array(
      fc.record({
        after: fc.nat(TRIES.length),
        what: fc.nat(TRIES.length - 1),
        who: fc.nat(KEYS.length - 1),
      }),
      { maxLength: 30 },
    ),
  })
  .map(({ well, else: others }) =>
    [
      ...well.map((what) => ({ at: what, what, signer: LIKELY[what] ?? LAB })),
      ...others.map(({ after, what, who }) => ({ at: after, what, signer: KEYS[who] ?? LAB })),
    ]
      .toSorted((x, y) => x.at - y.at)
      .flatMap(({ what, signer }) => {
        const statement = TRIES[what]?.(signer);
        return statement === undefined ? [] : [{ statement, signer }];
      }),
  );
