// Admission to an intake log. Whoever holds a key may speak: a statement is signed by the keys that it names, and nobody's
// permission is asked, the vendor's least of all. What standing the speaker has is for the fold to say.

import type { NotAdmitted } from '../admit.ts';
import { StatementError } from '../error.ts';
import { parseStatementEnvelope } from '../statement.ts';
import { type IntakeStatement, intakeTypes } from './intake-types.ts';
import { openSpeakers, parseSpeaker, type Speaker, type SpeakerVerify, speakerVerify } from './speaker.ts';

/** A statement of an intake log that counts. */
export interface AdmittedIntake {
  readonly admitted: true;
  readonly statement: IntakeStatement;
  readonly payloadDigest: string;
  readonly identity: string;
  /** The keyid of the one who says it. */
  readonly signer: string;
}

/**
 * Whether an envelope counts in a centre's intake log. Pure; never throws on a bad envelope.
 *
 * @param entry `origin`: that of the intake log; `addressee`: the vendor's root log
 */
export function admitIntake(
  entry: { readonly origin: string; readonly addressee: string; readonly envelope: Uint8Array },
  verify: SpeakerVerify = speakerVerify,
): AdmittedIntake | NotAdmitted {
  try {
    const { statement, envelope, payloadDigest, identity } = parseStatementEnvelope(
      entry.envelope,
      intakeTypes,
    );
    const { addressee, log } = statement.predicate;
    if (log !== entry.origin)
      return refused('wrong-log', `it was written for ${log}, not for ${entry.origin}`);
    if (addressee !== entry.addressee)
      return refused('wrong-log', `it is addressed to ${addressee}, not to ${entry.addressee}`);
    const [signer, ...others] = speakersOf(statement);
    const named = [signer, ...others].map(({ keyid }) => keyid);
    if (envelope.signatures.some(({ keyid }) => !named.includes(keyid)))
      return refused('unknown-key', 'it must be signed by the keys that it names, and by no others');
    openSpeakers(envelope, [signer, ...others], verify);
    return { admitted: true, statement, payloadDigest, identity, signer: signer.keyid };
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    const code = error.code === 'bad-signature' ? 'bad-signature' : 'not-a-statement';
    return refused(code, error.message);
  }
}

/** The keys that must sign a statement: the one who says it, and whoever says it together with them. */
function speakersOf({ predicate }: IntakeStatement): readonly [Speaker, ...Speaker[]] {
  const also = [
    ...('partner' in predicate ? [predicate.partner] : []),
    ...('successor' in predicate ? [predicate.successor] : []),
  ];
  return [parseSpeaker(predicate.key), ...also.map(parseSpeaker)];
}

function refused(code: NotAdmitted['code'], reason: string): NotAdmitted {
  return { admitted: false, code, reason };
}
