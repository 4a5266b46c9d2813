// Good and hostile cases of packages/statements, always the same. vectors/statements/ holds them for
// implementations in other languages.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeBase64, formatVkey } from '@vitrine/tlog';
import {
  forkResolutionStatement,
  type AdmissionRefusalCode,
  artifactStatement,
  closedStatement,
  formatPublicKey,
  headStatement,
  type KeysRefusalCode,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  registrationPolicyStatement,
  releaseStatement,
  type Signer,
  type Statement,
  type StatementErrorCode,
  signStatement,
  witnessesStatement,
} from '../src/index.ts';
import {
  ANCHOR,
  BASE,
  KEYS_ORIGIN,
  keyAdd,
  keysLeaves,
  leafOf,
  MINUTE_MS,
  PUBLISHER,
  ROOT,
  ROOT_ORIGIN,
  registrationPolicy,
  rootKeys,
  type SignedEntry,
  START_MS,
} from './keys-log-builder.ts';
import { testSigner } from './test-signer.ts';

const DIGEST = 'a'.repeat(64);
const MALLORY = testSigner('mallory');
const SUCCESSOR = testSigner('successor');

export function release(log = ROOT_ORIGIN, product = 'hello'): Statement {
  return releaseStatement({
    artifacts: { count: 1, list: DIGEST },
    log,
    product,
    source: { files: 214, manifest: DIGEST, root: DIGEST },
    version: '2.10-3',
  });
}

export interface JsonCase {
  readonly name: string;
  readonly json: string;
  /** Null where it is canonical. */
  readonly code: StatementErrorCode | null;
}

const JSON_DRAFTS: readonly (readonly [name: string, json: string, code: StatementErrorCode | null])[] = [
  ['empty object', '{}', null],
  ['nested', '{"a":[1,{"b":null}],"c":"é","d":true}', null],
  ['largest safe integer', '9007199254740991', null],
  ['smallest safe integer', '-9007199254740991', null],
  ['order by UTF-16 code units', '{"\u20ac":1,"\ud83d\ude02":2,"\ufb33":3}', null],
  ['digits in order of text', '{"1":1,"10":2,"2":3}', null],
  ['shortest escapes', '"\\b\\t\\n\\f\\r\\"\\\\\\u0000\\u001f\u007f\u2028/"', null],
  ['order by code points', '{"\u20ac":1,"\ufb33":3,"\ud83d\ude02":2}', 'not-canonical-json'],
  ['digits in order of numbers', '{"1":1,"2":3,"10":2}', 'not-canonical-json'],
  ['white space', '{"a": 1}', 'not-canonical-json'],
  ['newline at the end', '{}\n', 'not-canonical-json'],
  ['unsorted members', '{"b":1,"a":2}', 'not-canonical-json'],
  ['a member twice', '{"a":1,"a":1}', 'not-canonical-json'],
  ['a member twice, once escaped', '{"a":1,"\\u0061":1}', 'not-canonical-json'],
  ['negative zero', '-0', 'not-canonical-json'],
  ['exponent', '1e3', 'not-canonical-json'],
  ['fraction of zero', '1.0', 'not-canonical-json'],
  ['fraction', '1.5', 'not-canonical-json'],
  ['past the safe integers', '9007199254740992', 'not-canonical-json'],
  ['a number that rounds', '9007199254740993', 'not-canonical-json'],
  ['infinite when read', '1e999', 'not-canonical-json'],
  ['escaped slash', '"\\/"', 'not-canonical-json'],
  ['upper-case escape', '"\\u001F"', 'not-canonical-json'],
  ['escaped letter', '"\\u0061"', 'not-canonical-json'],
  ['half a surrogate pair', '"\\ud800"', 'not-canonical-json'],
  ['half a surrogate pair in a name', '{"\\udc00":1}', 'not-canonical-json'],
  ['leading zero', '01', 'malformed-json'],
  ['not a number', 'NaN', 'malformed-json'],
  ['comment', '{}//', 'malformed-json'],
  ['trailing comma', '[1,]', 'malformed-json'],
  ['two values', '{}{}', 'malformed-json'],
  ['byte order mark', '\ufeff{}', 'malformed-json'],
  ['raw control character', '"\n"', 'malformed-json'],
  ['nothing', '', 'malformed-json'],
  ['nested 17 deep', `${'['.repeat(17)}${']'.repeat(17)}`, 'malformed-json'],
  ['nested 16 deep', `${'['.repeat(16)}${']'.repeat(16)}`, null],
  ['brackets in a text are no depth', `"${'['.repeat(100)}\\"${'{'.repeat(100)}"`, null],
];

export const JSON_CASES: readonly JsonCase[] = JSON_DRAFTS.map(([name, json, code]) => ({
  name,
  json,
  code,
}));

export interface EnvelopeCase {
  readonly name: string;
  readonly envelope: string;
  readonly code: StatementErrorCode | null;
}

export async function envelopeCases(): Promise<readonly EnvelopeCase[]> {
  const good = await signedText(release(), [PUBLISHER]);
  const two = await signedText(release(), [PUBLISHER, MALLORY]);
  const payloadOf = (payload: string): string =>
    good.replace(/"payload":"[^"]*"/, `"payload":"${encodeBase64(utf8ToBytes(payload))}"`);
  const [, payload = ''] = /"payload":"([^"]*)"/.exec(good) ?? [];
  const json = atob(payload);
  const [, signature = ''] = /"signatures":\[(.*)\]\}$/.exec(good) ?? [];
  const [, first = '', second = ''] = /"signatures":\[(\{.*?\}),(\{.*?\})\]\}$/.exec(two) ?? [];
  const cases: [string, string, StatementErrorCode | null][] = [
    ['good', good, null],
    ['good with two signatures', two, null],
    ['white space', `${good} `, 'not-canonical-json'],
    ['payload twice', good.replace('{"payload"', '{"payload":"","payload"'), 'not-canonical-json'],
    ['unknown member', good.replace('{"payload"', '{"cert":"","payload"'), 'malformed-envelope'],
    [
      'member of the prototype',
      good.replace('{"payload"', '{"__proto__":{},"payload"'),
      'malformed-envelope',
    ],
    ['unknown member of a signature', good.replace('{"keyid"', '{"cert":"","keyid"'), 'malformed-envelope'],
    ['no signature', good.replace(/"signatures":\[.*\]/, '"signatures":[]'), 'malformed-envelope'],
    ['keyid twice', good.replace(`[${signature}]`, `[${signature},${signature}]`), 'malformed-envelope'],
    ['signatures not sorted', two.replace(`${first},${second}`, `${second},${first}`), 'malformed-envelope'],
    [
      '17 signatures',
      good.replace(
        signature,
        Array.from({ length: 17 }, (_, i) =>
          signature.replace(/"keyid":".{2}/, `"keyid":"${String(i + 10)}`),
        ).join(','),
      ),
      'malformed-envelope',
    ],
    [
      'keyid in upper case',
      good.replace(PUBLISHER.keyid, PUBLISHER.keyid.toUpperCase()),
      'malformed-envelope',
    ],
    ['keyid missing', good.replace(`"keyid":"${PUBLISHER.keyid}",`, ''), 'malformed-envelope'],
    [
      'signature of 63 bytes',
      good.replace(/"sig":"[^"]*"/, `"sig":"${encodeBase64(new Uint8Array(63))}"`),
      'malformed-envelope',
    ],
    ['signature in URL base64', good.replace(/"sig":"./, '"sig":"_'), 'malformed-envelope'],
    ['signature without padding', good.replace('==","', '","').replace('=="}', '"}'), 'malformed-envelope'],
    [
      'signature with stray bits',
      good.replace(/.(=="\})/, (_all, end: string) => `B${end}`),
      'malformed-envelope',
    ],
    ['another payload type', good.replace('vnd.in-toto', 'vnd.vitrine.acceptance'), 'malformed-envelope'],
    ['payload that is no text', good.replace(/"payload":"[^"]*"/, '"payload":"/w=="'), 'malformed-json'],
    ['payload with white space', payloadOf(` ${json}`), 'not-canonical-json'],
    [
      'payload with a member twice',
      payloadOf(json.replace('"product"', '"product":"other","product"')),
      'not-canonical-json',
    ],
    [
      'payload without a type',
      payloadOf(json.replace(/"predicateType":"[^"]*",/, '')),
      'malformed-statement',
    ],
    ['unknown type', payloadOf(json.replace('release/v1', 'release/v2')), 'unknown-type'],
    [
      'type of the prototype',
      payloadOf(json.replace('https://vitrine.dev/release/v1', '__proto__')),
      'unknown-type',
    ],
    [
      'type named constructor',
      payloadOf(json.replace('https://vitrine.dev/release/v1', 'constructor')),
      'unknown-type',
    ],
    [
      'in-toto statement of another version',
      payloadOf(json.replace('Statement/v1', 'Statement/v0.1')),
      'malformed-statement',
    ],
    [
      'unknown member of the predicate',
      payloadOf(json.replace('{"artifacts"', '{"approved":true,"artifacts"')),
      'malformed-statement',
    ],
    [
      'unknown member of the statement',
      payloadOf(json.replace('{"_type"', '{"Z":1,"_type"')),
      'malformed-statement',
    ],
    ['no log', payloadOf(json.replace(/"log":"[^"]*",/, '')), 'malformed-statement'],
    [
      'two subjects',
      payloadOf(json.replace(/"subject":\[(.*)\]/, '"subject":[$1,$1]')),
      'malformed-statement',
    ],
    ['no subject', payloadOf(json.replace(/"subject":\[.*\]/, '"subject":[]')), 'malformed-statement'],
    [
      'a subject of another source',
      payloadOf(json.replace(/"vitrineSnapshot":"a/, '"vitrineSnapshot":"b')),
      'malformed-statement',
    ],
    ['a negative count', payloadOf(json.replace('"files":214', '"files":-1')), 'malformed-statement'],
    ['a count as text', payloadOf(json.replace('"files":214', '"files":"214"')), 'malformed-statement'],
    ['a product in upper case', payloadOf(json.replace('"hello"', '"Hello"')), 'malformed-statement'],
    ['a product that climbs', payloadOf(json.replace('"hello"', '".."')), 'malformed-statement'],
    ['a version of 65 characters', payloadOf(json.replace('2.10-3', '1'.repeat(65))), 'malformed-statement'],
    ['a version with a newline', payloadOf(json.replace('2.10-3', '2.10-3\\n')), 'malformed-statement'],
    [
      'a release that supersedes itself',
      payloadOf(json.replace('"version"', '"supersedes":"2.10-3","version"')),
      'malformed-statement',
    ],
    [
      'null for a member that may be left out',
      payloadOf(json.replace('"product"', '"notes":null,"product"')),
      'malformed-statement',
    ],
    ['8185 bytes', `"${'x'.repeat(8183)}"`, 'too-large'],
  ];
  for (const name of [
    '',
    '.',
    '..',
    'a/b',
    'a\\b',
    'a\u0000',
    'a\nb',
    'gnp\u202eexe',
    'a\u2066b',
    'x'.repeat(256),
  ]) {
    const artifact = JSON.stringify(name).slice(1, -1);
    cases.push([
      `artifact named ${JSON.stringify(name).slice(0, 20)}`,
      await artifactNamed(artifact),
      'malformed-statement',
    ]);
  }
  for (const name of ['a', '...', 'hello 2.10.deb', 'Überraschung.txt', 'a'.repeat(255)]) {
    cases.push([`artifact named ${name.slice(0, 20)}`, await artifactNamed(name), null]);
  }
  return cases.map(([name, envelope, code]) => ({ name, envelope, code }));
}

async function artifactNamed(escaped: string): Promise<string> {
  const predicate = { log: ROOT_ORIGIN, product: 'hello', release: DIGEST, sizeBytes: 1, version: '1' };
  const good = await signedText(artifactStatement({ name: 'NAME', sha256: DIGEST }, predicate), [PUBLISHER]);
  const [, payload = ''] = /"payload":"([^"]*)"/.exec(good) ?? [];
  return good.replace(payload, encodeBase64(utf8ToBytes(atob(payload).replace('NAME', escaped))));
}

async function signedText(statement: Statement, signers: readonly Signer[]): Promise<string> {
  return new TextDecoder().decode(await signStatement(statement, signers));
}

export interface KeysLogCase {
  readonly name: string;
  readonly origin: string;
  /** Base64. */
  readonly leaves: readonly string[];
  /** What each leaf comes to: null where it counts. */
  readonly codes: readonly (KeysRefusalCode | null)[];
  /** Whether the log as a whole proves anything. */
  readonly sound: boolean;
}

const [ROOT_1, ROOT_2, ROOT_3] = [testSigner('root 1'), testSigner('root 2'), testSigner('root 3')];
const roots = [ROOT_1, ROOT_2, ROOT_3];
const fresh = ['new root 1', 'new root 2'].map(testSigner);
const rotate = (key: Signer, successor: Signer): Statement =>
  keyRotateStatement({ key: key.keyid, log: KEYS_ORIGIN, successor: formatPublicKey(successor) });
const retire = (key: Signer): Statement =>
  keyRevokeStatement({ key: key.keyid, log: KEYS_ORIGIN, reason: 'retired' });
const compromise = (key: Signer, validBelow: number): Statement =>
  keyRevokeStatement({ key: key.keyid, log: KEYS_ORIGIN, reason: 'compromised', validBelow });
const witnesses = (version: number): Statement =>
  witnessesStatement({
    log: KEYS_ORIGIN,
    quorum: 1,
    version,
    witnesses: [
      {
        operator: 'acme.example',
        vkey: formatVkey({
          name: 'acme.example/cosigner',
          type: 0x04,
          publicKey: testSigner('cosigner').rawPublicKey,
        }),
      },
    ],
  });

const forkResolution = (): Statement =>
  forkResolutionStatement({
    ended: ['2'.repeat(64), '1'.repeat(64)],
    kept: { origin: 'acme.example/statements', root: '3'.repeat(64), treeSize: 7 },
    log: KEYS_ORIGIN,
  });

type KeysDraft = readonly [
  name: string,
  entries: readonly SignedEntry[],
  codes: readonly (KeysRefusalCode | null)[],
];

const counted = BASE.map(() => null);

const KEYS_DRAFTS: readonly KeysDraft[] = [
  ['a fresh instance', BASE, counted],
  [
    'root keys that they did not sign',
    [[rootKeys(), [MALLORY]], ...BASE.slice(1)],
    ['bad-signature', 'no-root-keys', 'no-root-keys', 'no-root-keys'],
  ],
  ['entry 0 is no root keys', BASE.slice(1), ['no-root-keys', 'no-root-keys', 'no-root-keys']],
  [
    'root keys come second',
    [
      [registrationPolicy(), [ROOT]],
      [rootKeys(), [ROOT]],
    ],
    ['no-root-keys', 'not-entry-0'],
  ],
  ['root keys of version 2 come first', [[rootKeys([ROOT], { version: 2 }), [ROOT]]], ['wrong-version']],
  [
    'root keys of another instance',
    [[rootKeys([ROOT], { instance: 'other.example' }), [ROOT]]],
    ['wrong-log'],
  ],
  [
    'one of three signs root keys of threshold two',
    [[rootKeys(roots, { threshold: 2 }), [ROOT_1]]],
    ['threshold-not-met'],
  ],
  [
    'two of three sign root keys of threshold two',
    [
      [rootKeys(roots, { threshold: 2 }), [ROOT_1, ROOT_3]],
      [registrationPolicy(), [ROOT_2]],
      [registrationPolicy(), [ROOT_2, ROOT_3]],
    ],
    [null, 'threshold-not-met', null],
  ],
  [
    'new root keys signed by both sets',
    [
      ...BASE,
      [rootKeys(fresh, { threshold: 2, version: 2 }), [ROOT, ...fresh]],
      [keyAdd(MALLORY), [ROOT]],
      [keyAdd(MALLORY), fresh],
    ],
    [...counted, null, 'bad-signature', null],
  ],
  [
    'new root keys that only the new set signed',
    [...BASE, [rootKeys([MALLORY], { version: 2 }), [MALLORY]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'new root keys that only the old set signed',
    [...BASE, [rootKeys([MALLORY], { version: 2 }), [ROOT]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'entry 0 replayed after new root keys',
    [...BASE, [rootKeys(fresh, { version: 2 }), [ROOT, ...fresh]], [rootKeys(), [ROOT]]],
    [...counted, null, 'wrong-version'],
  ],
  [
    'a policy version left out',
    [...BASE, [registrationPolicy(3), [ROOT]], [registrationPolicy(2), [ROOT]]],
    [...counted, 'wrong-version', null],
  ],
  [
    'an old policy replayed',
    [...BASE, [registrationPolicy(2, []), [ROOT]], [registrationPolicy(1), [ROOT]]],
    [...counted, null, 'wrong-version'],
  ],
  [
    'witnesses, once each version',
    [
      ...BASE,
      [witnesses(1), [ROOT]],
      [witnesses(1), [ROOT]],
      [witnesses(2), [ROOT]],
      [witnesses(3), [PUBLISHER]],
    ],
    [...counted, null, 'wrong-version', null, 'threshold-not-met'],
  ],
  [
    'a fork resolved by the root keys, and by nobody else',
    [...BASE, [forkResolution(), [PUBLISHER]], [forkResolution(), [ROOT]]],
    [...counted, 'threshold-not-met', null],
  ],
  ['a key adds another', [...BASE, [keyAdd(MALLORY), [PUBLISHER]]], [...counted, 'threshold-not-met']],
  ['a key adds itself', [...BASE, [keyAdd(MALLORY), [MALLORY]]], [...counted, 'threshold-not-met']],
  [
    'an unknown key beside the root',
    [...BASE, [keyAdd(SUCCESSOR), [ROOT, MALLORY]]],
    [...counted, 'bad-signature'],
  ],
  ['a key added twice', [...BASE, [keyAdd(PUBLISHER, 'custodian'), [ROOT]]], [...counted, 'known-key']],
  [
    'rotated by the old key and the successor',
    [...BASE, [rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]]],
    [...counted, null],
  ],
  [
    'rotated by root and successor',
    [...BASE, [rotate(PUBLISHER, SUCCESSOR), [ROOT, SUCCESSOR]]],
    [...counted, null],
  ],
  [
    'rotated without the successor',
    [...BASE, [rotate(PUBLISHER, SUCCESSOR), [PUBLISHER]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'rotated by the successor alone',
    [...BASE, [rotate(PUBLISHER, SUCCESSOR), [SUCCESSOR]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'rotated by another key',
    [...BASE, [rotate(PUBLISHER, SUCCESSOR), [ANCHOR, SUCCESSOR]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'rotated to a key that is known',
    [...BASE, [rotate(PUBLISHER, ANCHOR), [PUBLISHER, ANCHOR]]],
    [...counted, 'known-key'],
  ],
  [
    'rotated twice',
    [
      ...BASE,
      [rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]],
      [rotate(PUBLISHER, MALLORY), [PUBLISHER, MALLORY]],
    ],
    [...counted, null, 'ended-key'],
  ],
  [
    'a key that was never added is rotated',
    [...BASE, [rotate(MALLORY, SUCCESSOR), [ROOT, SUCCESSOR]]],
    [...counted, 'unknown-key'],
  ],
  [
    'retired by itself, then added again',
    [...BASE, [retire(PUBLISHER), [PUBLISHER]], [keyAdd(PUBLISHER), [ROOT]], [retire(PUBLISHER), [ROOT]]],
    [...counted, null, 'known-key', 'ended-key'],
  ],
  ['retired by another key', [...BASE, [retire(PUBLISHER), [ANCHOR]]], [...counted, 'threshold-not-met']],
  [
    'called compromised by itself',
    [...BASE, [compromise(PUBLISHER, 0), [PUBLISHER]]],
    [...counted, 'threshold-not-met'],
  ],
  [
    'compromised, lower, higher',
    [
      ...BASE,
      [compromise(PUBLISHER, 10), [ROOT]],
      [compromise(PUBLISHER, 5), [ROOT]],
      [compromise(PUBLISHER, 10), [ROOT]],
    ],
    [...counted, null, null, 'changes-nothing'],
  ],
  [
    'compromised after it was retired',
    [...BASE, [retire(PUBLISHER), [PUBLISHER]], [compromise(PUBLISHER, 5), [ROOT]]],
    [...counted, null, null],
  ],
  ['a release in the keys log', [...BASE, [release(KEYS_ORIGIN), [PUBLISHER]]], [...counted, 'wrong-log']],
  [
    'an entry for another keys log',
    [
      ...BASE,
      [
        keyAddStatement({
          key: formatPublicKey(MALLORY),
          log: 'other.example/keys',
          roles: [{ products: ['*'], role: 'publisher' }],
        }),
        [ROOT],
      ],
    ],
    [...counted, 'wrong-log'],
  ],
  [
    'an entry for the root log',
    [...BASE, [registrationPolicyStatement({ log: ROOT_ORIGIN, rules: [], version: 2 }), [ROOT]]],
    [...counted, 'wrong-log'],
  ],
];

export async function keysLogCases(): Promise<readonly KeysLogCase[]> {
  const written = await Promise.all(
    KEYS_DRAFTS.map(async ([name, entries, codes]) => toCase(name, await keysLeaves(entries), codes)),
  );
  const base = await keysLeaves(BASE);
  const late = await leafOf(retire(PUBLISHER), [ROOT], START_MS);
  const junk = utf8ToBytes('\u0000\u0000\u0001\u009e no envelope');
  return [
    ...written,
    toCase(
      'leaves that are none',
      [...base, new Uint8Array(0), new Uint8Array(7), new Uint8Array(8193), junk.subarray(0, 3)],
      [...counted, 'not-a-statement', 'not-a-statement', 'not-a-statement', 'not-a-statement'],
    ),
    toCase('a revocation dated back', [...base, late], [...counted, 'time-backwards'], false),
  ];
}

function toCase(
  name: string,
  leaves: readonly Uint8Array[],
  codes: KeysLogCase['codes'],
  sound = true,
): KeysLogCase {
  return { name, origin: KEYS_ORIGIN, leaves: leaves.map(encodeBase64), codes, sound };
}

export interface AdmissionCase {
  readonly name: string;
  /** Base64. */
  readonly keysLeaves: readonly string[];
  readonly origin: string;
  readonly leafIndex: number;
  /** Base64. */
  readonly leaf: string;
  /** Null where it is admitted. */
  readonly code: AdmissionRefusalCode | null;
}

interface AdmissionDraft {
  readonly name: string;
  readonly more?: readonly SignedEntry[];
  readonly statement?: Statement;
  readonly signers?: readonly Signer[];
  readonly atMs?: number;
  readonly leafIndex?: number;
  readonly code: AdmissionRefusalCode | null;
}

const AFTER_MS = START_MS + 10 * MINUTE_MS;
const two = (type: string, role: string, threshold: number) => [
  { predicateType: `https://vitrine.dev/${type}/v1`, role, threshold },
];
const head = headStatement({ head: { origin: KEYS_ORIGIN, root: DIGEST, treeSize: 4 }, log: ROOT_ORIGIN });

const closed = closedStatement({
  closed: { origin: 'acme.example/builds', root: DIGEST, treeSize: 4 },
  log: ROOT_ORIGIN,
  reason: { digest: DIGEST },
});

const ADMISSION_DRAFTS: readonly AdmissionDraft[] = [
  { name: 'a release by a publisher', code: null },
  { name: 'a head by the anchor', statement: head, signers: [ANCHOR], code: null },
  { name: 'a head by a publisher', statement: head, code: 'threshold-not-met' },
  {
    name: 'an anchor of some products',
    more: [[keyAdd(MALLORY, 'anchor', ['hello']), [ROOT]]],
    statement: head,
    signers: [MALLORY],
    code: 'threshold-not-met',
  },
  { name: 'an unknown key', signers: [MALLORY], code: 'unknown-key' },
  { name: 'a root key without a role', signers: [ROOT], code: 'unknown-key' },
  { name: 'a good signature beside an unknown key', signers: [PUBLISHER, MALLORY], code: 'unknown-key' },
  { name: 'a good signature beside one that does not count', signers: [PUBLISHER, ANCHOR], code: null },
  { name: 'a closing by the root key', statement: closed, signers: [ROOT], code: null },
  {
    name: 'a closing where no policy lets anyone say anything',
    more: [[registrationPolicy(2, []), [ROOT]]],
    statement: closed,
    signers: [ROOT],
    code: null,
  },
  { name: 'a closing by the anchor', statement: closed, signers: [ANCHOR], code: 'unknown-key' },
  {
    name: 'a closing by an anchor, which a policy lets say it',
    more: [[registrationPolicy(2, two('closed', 'anchor', 1)), [ROOT]]],
    statement: closed,
    signers: [ANCHOR],
    code: 'unknown-key',
  },
  {
    name: 'a closing by the root key and the anchor',
    statement: closed,
    signers: [ROOT, ANCHOR],
    code: 'unknown-key',
  },
  {
    name: 'a closing before any root keys',
    statement: closed,
    signers: [ROOT],
    atMs: START_MS - 1,
    code: 'no-policy',
  },
  {
    name: 'a closing by one of two root keys',
    more: [[rootKeys([ROOT, SUCCESSOR], { threshold: 2, version: 2 }), [ROOT, SUCCESSOR]]],
    statement: closed,
    signers: [ROOT],
    code: 'threshold-not-met',
  },
  {
    name: 'a closing by both of two root keys',
    more: [[rootKeys([ROOT, SUCCESSOR], { threshold: 2, version: 2 }), [ROOT, SUCCESSOR]]],
    statement: closed,
    signers: [ROOT, SUCCESSOR],
    code: null,
  },
  {
    name: 'a closing by a root key of before',
    more: [[rootKeys([SUCCESSOR], { version: 2 }), [ROOT, SUCCESSOR]]],
    statement: closed,
    signers: [ROOT],
    code: 'unknown-key',
  },
  {
    name: 'a closing by the root key of then',
    more: [[rootKeys([SUCCESSOR], { version: 2 }), [ROOT, SUCCESSOR]]],
    statement: closed,
    signers: [ROOT],
    atMs: START_MS + 3 * MINUTE_MS,
    code: null,
  },
  { name: 'written for another instance', statement: release('other.example/statements'), code: 'wrong-log' },
  { name: 'written for the keys log', statement: release(KEYS_ORIGIN), code: 'wrong-log' },
  { name: 'a type of the keys log', statement: keyAdd(MALLORY), signers: [ROOT], code: 'wrong-log' },
  { name: 'before any policy', atMs: START_MS, code: 'no-policy' },
  { name: 'before the key was added', atMs: START_MS + MINUTE_MS, code: 'unknown-key' },
  { name: 'in the millisecond in which the key was added', atMs: START_MS + 2 * MINUTE_MS, code: null },
  { name: 'a policy without rules', more: [[registrationPolicy(2, []), [ROOT]]], code: 'no-rule' },
  {
    name: 'before the policy without rules',
    more: [[registrationPolicy(2, []), [ROOT]]],
    atMs: START_MS + 3 * MINUTE_MS,
    code: null,
  },
  {
    name: 'one of two publishers',
    more: [[registrationPolicy(2, two('release', 'publisher', 2)), [ROOT]]],
    code: 'threshold-not-met',
  },
  {
    name: 'two of two publishers',
    more: [
      [registrationPolicy(2, two('release', 'publisher', 2)), [ROOT]],
      [keyAdd(MALLORY), [ROOT]],
    ],
    signers: [PUBLISHER, MALLORY],
    code: null,
  },
  {
    name: 'a publisher of another product',
    more: [[keyAdd(MALLORY, 'publisher', ['other']), [ROOT]]],
    signers: [MALLORY],
    code: 'threshold-not-met',
  },
  {
    name: 'a publisher of this product',
    more: [[keyAdd(MALLORY, 'publisher', ['hello', 'other']), [ROOT]]],
    signers: [MALLORY],
    code: null,
  },
  {
    name: 'a custodian',
    more: [[keyAdd(MALLORY, 'custodian'), [ROOT]]],
    signers: [MALLORY],
    code: 'threshold-not-met',
  },
  { name: 'after the key was retired', more: [[retire(PUBLISHER), [PUBLISHER]]], code: 'threshold-not-met' },
  {
    name: 'in the millisecond in which the key was retired',
    more: [[retire(PUBLISHER), [PUBLISHER]]],
    atMs: START_MS + 4 * MINUTE_MS,
    code: 'threshold-not-met',
  },
  {
    name: 'before the key was retired',
    more: [[retire(PUBLISHER), [PUBLISHER]]],
    atMs: START_MS + 4 * MINUTE_MS - 1,
    code: null,
  },
  {
    name: 'the old key after its rotation',
    more: [[rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]]],
    code: 'threshold-not-met',
  },
  {
    name: 'the successor after the rotation',
    more: [[rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]]],
    signers: [SUCCESSOR],
    code: null,
  },
  {
    name: 'the successor before the rotation',
    more: [[rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]]],
    signers: [SUCCESSOR],
    atMs: START_MS + 3 * MINUTE_MS,
    code: 'unknown-key',
  },
  {
    name: 'compromised, below',
    more: [[compromise(PUBLISHER, 8), [ROOT]]],
    atMs: START_MS + 3 * MINUTE_MS,
    leafIndex: 7,
    code: null,
  },
  {
    name: 'compromised, at the size',
    more: [[compromise(PUBLISHER, 8), [ROOT]]],
    atMs: START_MS + 3 * MINUTE_MS,
    leafIndex: 8,
    code: 'threshold-not-met',
  },
  {
    name: 'compromised, below by index and after by time',
    more: [[compromise(PUBLISHER, 8), [ROOT]]],
    leafIndex: 7,
    code: 'threshold-not-met',
  },
  {
    name: 'the successor of a compromised key stands',
    more: [
      [rotate(PUBLISHER, SUCCESSOR), [PUBLISHER, SUCCESSOR]],
      [compromise(PUBLISHER, 0), [ROOT]],
    ],
    signers: [SUCCESSOR],
    code: null,
  },
  {
    name: 'a keys log that runs backwards',
    more: [[retire(ANCHOR), [ROOT], START_MS]],
    code: 'keys-log-unsound',
  },
];

export async function admissionCases(): Promise<readonly AdmissionCase[]> {
  return await Promise.all(
    ADMISSION_DRAFTS.map(
      async ({
        name,
        more = [],
        statement = release(),
        signers = [PUBLISHER],
        atMs = AFTER_MS,
        leafIndex = 20,
        code,
      }) => ({
        name,
        keysLeaves: (await keysLeaves([...BASE, ...more])).map(encodeBase64),
        origin: ROOT_ORIGIN,
        leafIndex,
        leaf: encodeBase64(await leafOf(statement, signers, atMs)),
        code,
      }),
    ),
  );
}
