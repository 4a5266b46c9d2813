/** What a statement of an intake log says, in full, for who is about to sign it: every member of it, no digest shortened. */
import type { IntakeStatement } from '@vitrine/statements/intake';
import { keyidOfSpeaker } from '@vitrine/statements/intake';

const sentences: { readonly [Type in IntakeStatement['predicateType']]: string } = {
  'https://vitrine.dev/submission/v1': 'Something is said to the vendor.',
  'https://vitrine.dev/organisation/v1': 'An organisation says who it is.',
  'https://vitrine.dev/organisation-key/v1':
    'An organisation hands its name to another key, which alone speaks for it from now on.',
  'https://vitrine.dev/member/v1': 'A key may speak for an organisation in these roles.',
  'https://vitrine.dev/member-end/v1': 'A key does not speak for an organisation any more.',
  'https://vitrine.dev/accreditation/v1': 'An organisation is accredited.',
  'https://vitrine.dev/accreditation-end/v1': 'An accreditation ends before its time.',
  'https://vitrine.dev/reading/v1': 'A centre says what was read in a session.',
  'https://vitrine.dev/engagement-request/v1': 'Access is asked for, for a review.',
  'https://vitrine.dev/engagement-decision/v1': 'The vendor decides on a review.',
  'https://vitrine.dev/engagement-acceptance/v1': 'The terms of a review are accepted.',
  'https://vitrine.dev/engagement-end/v1': 'A review ends.',
  'https://vitrine.dev/evidence-request/v1': 'Evidence is asked for.',
  'https://vitrine.dev/evidence-answer/v1': 'Evidence is shown.',
  'https://vitrine.dev/procedure/v1': 'A procedure was performed.',
  'https://vitrine.dev/finding/v1': 'Something was found.',
  'https://vitrine.dev/finding-response/v1': 'The vendor responds to a finding.',
  'https://vitrine.dev/finding-retest/v1': 'A finding was tested again.',
  'https://vitrine.dev/opinion/v1': 'An opinion is given. Its words never change; it can only be withdrawn.',
  'https://vitrine.dev/opinion-withdrawal/v1': 'An opinion is taken back. It stays, as withdrawn.',
  'https://vitrine.dev/management-statement/v1': 'The management says this in its own words.',
};

const TIMES = new Set(['due', 'expires', 'from', 'publicFrom', 'until']);
const KEYS = new Set(['key', 'member', 'partner', 'successor']);

/** Lines of text. */
export function intakeInWords({ predicate, predicateType }: IntakeStatement): readonly string[] {
  const { addressee, log, ...said } = predicate;
  const members = Object.entries(said).flatMap(([name, value]) => memberInWords(name, value));
  const width = Math.max(...members.map(([name]) => name.length));
  return [
    sentences[predicateType],
    ...members.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    `(for the log ${log} and to ${addressee}, and no other)`,
  ];
}

function memberInWords(name: string, value: unknown): readonly (readonly [name: string, value: string])[] {
  const last = name.split(' ').at(-1) ?? name;
  if (typeof value === 'number')
    return [[name, TIMES.has(last) ? new Date(value).toISOString() : String(value)]];
  if (Array.isArray(value))
    return value.length === 0 ? [[name, 'none']] : value.map((each) => [name, String(each)]);
  if (typeof value !== 'object' || value === null) {
    const text = String(value);
    return [[name, KEYS.has(last) && !/^[0-9a-f]{64}$/.test(text) ? `key ${keyidOfSpeaker(text)}` : text]];
  }
  return Object.entries(value).flatMap(([inner, each]) =>
    inner === 'spki' && typeof each === 'string'
      ? [[`${name} spki`, `passkey ${keyidOfSpeaker(each)}`] as const]
      : memberInWords(inner === name ? name : `${name} ${inner}`, each),
  );
}
