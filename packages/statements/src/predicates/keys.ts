// What the keys log says: who may say what. The root keys, the registration policy, the witnesses, and every
// key from its addition to its end.

import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeHex, parseVkey } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson } from '../canonical-json.ts';
import { MAX_SIGNATURES } from '../dsse.ts';
import { keyidOf as keyidOfSpki, parsePublicKey } from '../key.ts';
import { count, httpUrl, instanceName, logOrigin, positive, productName, sha256Hex } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, statementOfMany, subject } from './in-toto.ts';
import { headOf } from './logs.ts';

export const ROOT_KEYS_TYPE = 'https://vitrine.dev/root-keys/v1';
export const REGISTRATION_POLICY_TYPE = 'https://vitrine.dev/registration-policy/v1';
export const WITNESSES_TYPE = 'https://vitrine.dev/witnesses/v1';
export const KEY_ADD_TYPE = 'https://vitrine.dev/key-add/v1';
export const KEY_ROTATE_TYPE = 'https://vitrine.dev/key-rotate/v1';
export const KEY_REVOKE_TYPE = 'https://vitrine.dev/key-revoke/v1';
export const FORK_RESOLUTION_TYPE = 'https://vitrine.dev/fork-resolution/v1';

/** So that the thresholds of an old and a new set of root keys fit on one envelope. */
export const MAX_ROOT_THRESHOLD = MAX_SIGNATURES / 2;

const MAX_ROOT_KEYS = 16;
const MAX_WITNESSES = 64;
const MAX_RULES = 64;
const MAX_ROLES = 16;
const MAX_PRODUCTS = 64;
const MAX_ENDED_CHECKPOINTS = 16;

/** The SPKI of an Ed25519 key in base64. */
export const publicKeyText = v.pipe(
  v.string(),
  v.check(isPublicKey, 'expected the SPKI of an Ed25519 key in base64'),
);
const roleName = v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,31}$/, 'expected a role: 1–32 of a–z -'));

const rootKeysPredicate = v.pipe(
  v.strictObject({
    instance: instanceName,
    keys: v.pipe(v.array(publicKeyText), v.minLength(1), v.maxLength(MAX_ROOT_KEYS)),
    log: logOrigin,
    threshold: v.pipe(positive, v.maxValue(MAX_ROOT_THRESHOLD)),
    version: positive,
  }),
  v.check(({ keys }) => isAscending(keys.map(keyidOf)), 'keys are sorted by keyid, none twice'),
  v.check(
    ({ keys, threshold }) => threshold <= keys.length,
    'the threshold is larger than the number of keys',
  ),
  v.check(({ instance, log }) => log === `${instance}/keys`, 'log is not <instance>/keys'),
);

const ruleSchema = v.strictObject({
  predicateType: v.pipe(
    v.string(),
    v.regex(/^https:\/\/vitrine\.dev\/[a-z][a-z-]{0,31}\/v[1-9][0-9]{0,3}$/, 'expected the URI of a type'),
  ),
  role: roleName,
  threshold: v.pipe(positive, v.maxValue(MAX_SIGNATURES)),
});

const registrationPolicyPredicate = v.strictObject({
  log: logOrigin,
  rules: v.pipe(
    v.array(ruleSchema),
    v.maxLength(MAX_RULES),
    v.check(
      (rules) => isAscending(rules.map(({ predicateType }) => predicateType)),
      'rules are sorted by predicateType, one a type',
    ),
  ),
  version: positive,
});

const cosigner = v.strictObject({
  /** A mirror vouches that the log's entries can be had too, a witness only that the log has not forked. */
  kind: v.exactOptional(v.literal('mirror')),
  operator: v.pipe(
    v.string(),
    v.regex(
      /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/,
      'expected an operator: 1–128 letters, digits and . _ : / -',
    ),
  ),
  /** The submission prefix of c2sp.org/tlog-witness or tlog-mirror. */
  url: v.exactOptional(httpUrl),
  vkey: v.pipe(v.string(), v.maxLength(300), v.check(isWitnessKey, 'expected the vkey of a cosigner (0x04)')),
});

const witnessesPredicate = v.pipe(
  v.strictObject({
    log: logOrigin,
    mirrorQuorum: v.exactOptional(positive),
    quorum: positive,
    version: positive,
    witnesses: v.pipe(v.array(cosigner), v.minLength(1), v.maxLength(MAX_WITNESSES)),
  }),
  v.check(
    ({ witnesses }) => isAscending(witnesses.map(({ vkey }) => vkey)),
    'witnesses are sorted by vkey, none twice',
  ),
  // A verification policy names cosigners by their key's name, and a cosignature does not say which name made it.
  v.check(
    ({ witnesses }) => isDistinct(witnesses.map(({ vkey }) => parseVkey(vkey).name)),
    'two witnesses have the same key name',
  ),
  v.check(
    ({ witnesses }) => isDistinct(witnesses.map(({ vkey }) => encodeHex(parseVkey(vkey).publicKey))),
    'two witnesses have the same key',
  ),
  v.check(
    ({ quorum, witnesses }) => quorum <= operatorsOf(witnesses, undefined).size,
    'the quorum is larger than the number of operators of witnesses',
  ),
  v.check(
    ({ mirrorQuorum = 0, witnesses }) => mirrorQuorum <= operatorsOf(witnesses, 'mirror').size,
    'mirrorQuorum is larger than the number of operators of mirrors',
  ),
);

const roleGrant = v.strictObject({
  products: v.pipe(
    v.array(v.union([v.literal('*'), productName])),
    v.minLength(1),
    v.maxLength(MAX_PRODUCTS),
    v.check(
      (products) => isAscending(products) && (products.length === 1 || !products.includes('*')),
      'products are ["*"] or sorted names, none twice',
    ),
  ),
  role: roleName,
});

const keyAddPredicate = v.strictObject({
  holder: v.exactOptional(sha256Hex),
  key: publicKeyText,
  log: logOrigin,
  roles: v.pipe(
    v.array(roleGrant),
    v.minLength(1),
    v.maxLength(MAX_ROLES),
    v.check((roles) => isAscending(roles.map(({ role }) => role)), 'roles are sorted, one grant a role'),
  ),
});

const keyRotatePredicate = v.pipe(
  v.strictObject({ key: sha256Hex, log: logOrigin, successor: publicKeyText }),
  v.check(({ key, successor }) => keyidOf(successor) !== key, 'a key cannot succeed itself'),
);

const keyRevokePredicate = v.variant('reason', [
  v.strictObject({ key: sha256Hex, log: logOrigin, reason: v.literal('retired') }),
  v.strictObject({ key: sha256Hex, log: logOrigin, reason: v.literal('compromised'), validBelow: count }),
]);

const forkResolutionPredicate = v.strictObject({
  /** SHA-256 of the texts of the checkpoints that are not of the branch kept; each stays as evidence. */
  ended: v.pipe(
    v.array(sha256Hex),
    v.minLength(1),
    v.maxLength(MAX_ENDED_CHECKPOINTS),
    v.check((digests) => isAscending(digests), 'digests are sorted, none twice'),
  ),
  /** The branch that goes on: the log had this size and root. */
  kept: headOf,
  log: logOrigin,
});

export const rootKeysSchema = v.pipe(
  statementOfMany(ROOT_KEYS_TYPE, subject(v.literal('root key'), { sha256: sha256Hex }), rootKeysPredicate),
  v.check(
    (statement) => sameTexts(statement.subject.map(sha256Of), statement.predicate.keys.map(keyidOf)),
    'the subjects are not the keys, in their order',
  ),
);

export const registrationPolicySchema = v.pipe(
  statementOf(
    REGISTRATION_POLICY_TYPE,
    subject(v.literal('registration policy'), { sha256: sha256Hex }),
    registrationPolicyPredicate,
  ),
  v.check(
    (statement) => sha256Of(statement.subject[0]) === rulesDigest(statement.predicate.rules),
    'the subject is not the digest of the rules',
  ),
);

export const witnessesSchema = v.pipe(
  statementOfMany(WITNESSES_TYPE, subject(v.string(), { sha256: sha256Hex }), witnessesPredicate),
  v.check(
    (statement) =>
      sameTexts(
        statement.subject.map(({ digest, name }) => `${digest.sha256} ${name}`),
        witnessSubjects(statement.predicate).map(({ digest, name }) => `${digest.sha256} ${name}`),
      ),
    'the subjects are not the witnesses, in their order',
  ),
);

export const keyAddSchema = v.pipe(
  statementOf(KEY_ADD_TYPE, subject(v.literal('key'), { sha256: sha256Hex }), keyAddPredicate),
  v.check(
    (statement) => sha256Of(statement.subject[0]) === keyidOf(statement.predicate.key),
    'the subject is not the key that the predicate adds',
  ),
);

export const keyRotateSchema = v.pipe(
  statementOf(KEY_ROTATE_TYPE, subject(v.literal('key'), { sha256: sha256Hex }), keyRotatePredicate),
  v.check(
    (statement) => sha256Of(statement.subject[0]) === statement.predicate.key,
    'the subject is not the key that the predicate rotates',
  ),
);

export const keyRevokeSchema = v.pipe(
  statementOf(KEY_REVOKE_TYPE, subject(v.literal('key'), { sha256: sha256Hex }), keyRevokePredicate),
  v.check(
    (statement) => sha256Of(statement.subject[0]) === statement.predicate.key,
    'the subject is not the key that the predicate revokes',
  ),
);

export const forkResolutionSchema = v.pipe(
  statementOf(FORK_RESOLUTION_TYPE, subject(logOrigin, { sha256: sha256Hex }), forkResolutionPredicate),
  v.check(
    ({ predicate: { kept }, subject: [{ digest, name }] }) =>
      name === kept.origin && digest.sha256 === kept.root,
    'the subject is not the branch that is kept',
  ),
);

export type RootKeysStatement = v.InferOutput<typeof rootKeysSchema>;
export type RegistrationPolicyStatement = v.InferOutput<typeof registrationPolicySchema>;
export type WitnessesStatement = v.InferOutput<typeof witnessesSchema>;
export type KeyAddStatement = v.InferOutput<typeof keyAddSchema>;
export type KeyRotateStatement = v.InferOutput<typeof keyRotateSchema>;
export type KeyRevokeStatement = v.InferOutput<typeof keyRevokeSchema>;
export type ForkResolutionStatement = v.InferOutput<typeof forkResolutionSchema>;
export type ForkResolutionPredicate = v.InferOutput<typeof forkResolutionPredicate>;
export type RootKeysPredicate = v.InferOutput<typeof rootKeysPredicate>;
export type RegistrationPolicyPredicate = v.InferOutput<typeof registrationPolicyPredicate>;
export type WitnessesPredicate = v.InferOutput<typeof witnessesPredicate>;
export type WitnessEntry = v.InferOutput<typeof cosigner>;
export type KeyAddPredicate = v.InferOutput<typeof keyAddPredicate>;
export type KeyRotatePredicate = v.InferOutput<typeof keyRotatePredicate>;
export type KeyRevokePredicate = v.InferOutput<typeof keyRevokePredicate>;
export type RegistrationRule = v.InferOutput<typeof ruleSchema>;
export type RoleGrant = v.InferOutput<typeof roleGrant>;

/** A set of root keys; its keys are sorted here. Entry 0 has version 1. */
export function rootKeysStatement(predicate: RootKeysPredicate): RootKeysStatement {
  const keys = predicate.keys.toSorted((a, b) => (keyidOf(a) < keyidOf(b) ? -1 : 1));
  return {
    _type: STATEMENT_TYPE,
    predicate: { ...predicate, keys },
    predicateType: ROOT_KEYS_TYPE,
    subject: keys.map((key) => ({ digest: { sha256: keyidOf(key) }, name: 'root key' })),
  };
}

/** The rules of registration from now on; they are sorted here. The first has version 1. */
export function registrationPolicyStatement(
  predicate: RegistrationPolicyPredicate,
): RegistrationPolicyStatement {
  const rules = predicate.rules.toSorted((a, b) => (a.predicateType < b.predicateType ? -1 : 1));
  return {
    _type: STATEMENT_TYPE,
    predicate: { ...predicate, rules },
    predicateType: REGISTRATION_POLICY_TYPE,
    subject: [{ digest: { sha256: rulesDigest(rules) }, name: 'registration policy' }],
  };
}

/**
 * The witnesses that the instance asks from now on; they are sorted here. The first has version 1. A checkpoint counts
 * when the witnesses of `quorum` operators cosigned it, and the mirrors of `mirrorQuorum`: keys of one operator count once.
 */
export function witnessesStatement(predicate: WitnessesPredicate): WitnessesStatement {
  const witnesses = predicate.witnesses.toSorted((a, b) => (a.vkey < b.vkey ? -1 : 1));
  const sorted = { ...predicate, witnesses };
  return {
    _type: STATEMENT_TYPE,
    predicate: sorted,
    predicateType: WITNESSES_TYPE,
    subject: witnessSubjects(sorted),
  };
}

/** That a key may speak in these roles. A key is added once. */
export function keyAddStatement(predicate: KeyAddPredicate): KeyAddStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: KEY_ADD_TYPE,
    subject: [{ digest: { sha256: keyidOf(predicate.key) }, name: 'key' }],
  };
}

/** That a key hands its roles to a successor. */
export function keyRotateStatement(predicate: KeyRotatePredicate): KeyRotateStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: KEY_ROTATE_TYPE,
    subject: [{ digest: { sha256: predicate.key }, name: 'key' }],
  };
}

/** That a key has ended: retired in good order, or compromised from a size of the root log on. */
export function keyRevokeStatement(predicate: KeyRevokePredicate): KeyRevokeStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: KEY_REVOKE_TYPE,
    subject: [{ digest: { sha256: predicate.key }, name: 'key' }],
  };
}

/** That a log which had signed two histories goes on with one of them; the checkpoints of others stay as evidence. */
export function forkResolutionStatement(predicate: ForkResolutionPredicate): ForkResolutionStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate: { ...predicate, ended: predicate.ended.toSorted() },
    predicateType: FORK_RESOLUTION_TYPE,
    subject: [{ digest: { sha256: predicate.kept.root }, name: predicate.kept.origin }],
  };
}

function witnessSubjects({ witnesses }: Pick<WitnessesPredicate, 'witnesses'>) {
  return witnesses.map(({ vkey }) => ({
    digest: { sha256: encodeHex(sha256(utf8ToBytes(vkey))) },
    name: parseVkey(vkey).name,
  }));
}

function rulesDigest(rules: readonly RegistrationRule[]): string {
  return encodeHex(sha256(formatCanonicalJson(rules)));
}

function sha256Of({ digest }: { readonly digest: { readonly sha256: string } }): string {
  return digest.sha256;
}

// Of text that may be no key at all: the schema says so by itself.
function keyidOf(key: string): string {
  try {
    return keyidOfSpki(decodeBase64(key));
  } catch {
    return '';
  }
}

function isPublicKey(key: string): boolean {
  try {
    parsePublicKey(key);
    return true;
  } catch {
    return false;
  }
}

function isWitnessKey(vkey: string): boolean {
  try {
    return parseVkey(vkey).type === 0x04;
  } catch {
    return false;
  }
}

function isDistinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

function operatorsOf(
  witnesses: readonly { readonly kind?: 'mirror'; readonly operator: string }[],
  kind: 'mirror' | undefined,
): ReadonlySet<string> {
  return new Set(witnesses.filter((each) => each.kind === kind).map(({ operator }) => operator));
}

function isAscending(texts: readonly string[]): boolean {
  return texts.every((text, i) => i === 0 || (texts[i - 1] ?? '') < text);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
