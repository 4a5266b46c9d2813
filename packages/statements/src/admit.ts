// Admission to the root log. The server asks at its door; every projection and every verifier asks again,
// because a malicious writer would not have asked.

import { openEnvelope } from './dsse.ts';
import { StatementError } from './error.ts';
import { type PublicKey, type Verify, verifyEd25519 } from './key.ts';
import {
  isKeysStatement,
  isValidAt,
  type KeyRecord,
  type KeysState,
  policyAt,
  rootKeysAt,
  type Voiding,
} from './keys-log.ts';
import { parseLeaf } from './leaf.ts';
import type { RegistrationRule } from './predicates/keys.ts';
import { CLOSED_TYPE, HEAD_TYPE } from './predicates/logs.ts';
import { isIntakeStatement, type RootStatement } from './predicates/registry.ts';
import { type EnvelopedStatement, parseStatementEnvelope } from './statement.ts';

/** Why a statement is not admitted. */
export type AdmissionRefusalCode =
  | 'not-a-statement'
  | 'wrong-log'
  | 'keys-log-unsound'
  | 'no-policy'
  | 'no-rule'
  | 'unknown-key'
  | 'bad-signature'
  | 'threshold-not-met';

export interface Admitted {
  readonly admitted: true;
  readonly statement: RootStatement;
  readonly registeredAtMs: number;
  readonly payloadDigest: string;
  readonly identity: string;
  /** The rule that it met: of `closed/v1`, which no policy gives away, that its root keys say it. */
  readonly rule: RegistrationRule;
  /** The keyids whose signatures counted for the rule. */
  readonly signers: readonly string[];
}

export interface NotAdmitted {
  readonly admitted: false;
  readonly code: AdmissionRefusalCode;
  readonly reason: string;
  /** Set where it counted until a key was revoked as compromised: it counts for nothing, but who tells what was known then needs it. */
  readonly voided?: Voided;
}

/** A statement that counted, and counts no more. */
export interface Voided {
  /** As it was admitted before. */
  readonly admission: Admitted;
  /** Since when the keys that are left are too few, by the keys log's time. */
  readonly atMs: number;
  /** Of the revocation, in the keys log. */
  readonly leafIndex: number;
}

export type Admission = Admitted | NotAdmitted;

/**
 * Whether an entry of the root log counts. Pure; never throws on a bad leaf.
 *
 * @param keys the keys log as far as the verdict should know it, later revocations included
 * @param entry `origin`: NAME/statements; `leafIndex`: its index in the root log
 */
export function admit(
  keys: KeysState,
  entry: { readonly origin: string; readonly leafIndex: number; readonly leaf: Uint8Array },
  verify: Verify = verifyEd25519,
): Admission {
  return judging(() => {
    const { registeredAtMs, envelope } = parseLeaf(entry.leaf);
    return judge(
      keys,
      { origin: entry.origin, leafIndex: entry.leafIndex, registeredAtMs, envelope },
      verify,
    );
  });
}

/**
 * Whether an envelope would be admitted if it were registered now: at the door, before it has an index.
 * Signatures by a key known to be compromised do not count, wherever the statement would stand.
 */
export function admitEnvelope(
  keys: KeysState,
  entry: { readonly origin: string; readonly atMs: number; readonly envelope: Uint8Array },
  verify: Verify = verifyEd25519,
): Admission {
  const { origin, atMs, envelope } = entry;
  return judging(() =>
    judge(keys, { origin, leafIndex: Number.POSITIVE_INFINITY, registeredAtMs: atMs, envelope }, verify),
  );
}

/**
 * Why heads that this key alone signs would not be admitted, from the newest entry of the keys log on; undefined if they
 * would. A centre signs its heads with one key: once that one may not say them, nothing in its other logs is anchored any
 * more, the statement that ended the key included. So a centre asks this of a key statement before it registers it.
 *
 * It is no rule of the fold. The root keys may end whatever key they like, and a reader who overlooked that because no
 * other anchor is left would go on believing a stolen one.
 */
export function whyNoHeads(keys: KeysState, keyid: string): string | undefined {
  if (keys.unsound !== undefined) return `the keys log proves nothing: ${keys.unsound.reason}`;
  const atMs = keys.lastRegisteredAtMs;
  const rule = policyAt(keys, atMs)?.rules.find(({ predicateType }) => predicateType === HEAD_TYPE);
  if (rule === undefined) return 'no rule lets anyone say head/v1';
  if (rule.threshold > 1)
    return `head/v1 needs the signatures of ${rule.threshold} keys, and a centre signs its heads with one key`;
  const key = keys.keys.get(keyid);
  if (key === undefined) return `key ${keyid} was never added`;
  const excuse = whyNot(key, rule, undefined, Number.POSITIVE_INFINITY, atMs);
  return excuse === undefined ? undefined : `key ${keyid} ${excuse}`;
}

/**
 * Whether a key may act in a role, for a product or, without one, for all of them: for what no rule of the registration policy
 * asks for, because it is not said in the root log. A key that is unknown may nothing, and nobody may if the keys log is unsound.
 *
 * @param at `leafIndex`: from which entry of the root log on it acts; `atMs`: when that was registered
 */
export function holdsRole(
  keys: KeysState,
  keyid: string,
  { role, product }: { readonly role: string; readonly product: string | undefined },
  at: { readonly leafIndex: number; readonly atMs: number },
): boolean {
  const key = keys.keys.get(keyid);
  if (key === undefined || keys.unsound !== undefined) return false;
  return whyNot(key, { role }, product, at.leafIndex, at.atMs) === undefined;
}

interface Candidate {
  readonly origin: string;
  readonly leafIndex: number;
  readonly registeredAtMs: number;
  readonly envelope: Uint8Array;
}

function judging(judgement: () => Admission): Admission {
  try {
    return judgement();
  } catch (error) {
    if (error instanceof StatementError) return refused('not-a-statement', error.message);
    throw error;
  }
}

function judge(keys: KeysState, candidate: Candidate, verify: Verify): Admission {
  const { origin, registeredAtMs } = candidate;
  const enveloped = parseStatementEnvelope(candidate.envelope);
  const { statement } = enveloped;
  if (isKeysStatement(statement)) return refused('wrong-log', 'its type belongs in the keys log');
  if (isIntakeStatement(statement)) return refused('wrong-log', 'its type belongs in an intake log');
  if (statement.predicate.log !== origin) {
    return refused('wrong-log', `it was written for ${statement.predicate.log}, not for ${origin}`);
  }
  if (keys.unsound !== undefined) {
    return refused('keys-log-unsound', `the keys log is not sound: ${keys.unsound.reason}`);
  }
  // Whoever may end a log may end what is said against them: no policy gives that to a role.
  if (statement.predicateType === CLOSED_TYPE)
    return judgeByRootKeys(keys, { ...enveloped, statement }, registeredAtMs, verify);
  const policy = policyAt(keys, registeredAtMs);
  if (policy === undefined) return refused('no-policy', 'no registration policy was in force then');
  const rule = policy.rules.find(({ predicateType }) => predicateType === statement.predicateType);
  if (rule === undefined) {
    return refused(
      'no-rule',
      `registration policy ${policy.version} has no rule for ${statement.predicateType}`,
    );
  }
  // As of then: a key that is added later does not make an entry count that did not count before.
  const known = [...keys.keys.values()].filter(({ addedAtMs }) => addedAtMs <= registeredAtMs);
  const unknown = enveloped.envelope.signatures.find(
    ({ keyid }) => !known.some((key) => key.keyid === keyid),
  );
  if (unknown !== undefined)
    return refused('unknown-key', `key ${unknown.keyid} had not been added to the keys log`);
  return judgeSigners(known, rule, { ...enveloped, statement }, candidate, verify);
}

/** Admits what the root keys in force then have signed, as many as must, and nobody besides them. */
function judgeByRootKeys(
  keys: KeysState,
  { envelope, identity, payloadDigest, statement }: Enveloped,
  registeredAtMs: number,
  verify: Verify,
): Admission {
  const root = rootKeysAt(keys, registeredAtMs);
  if (root === undefined) return refused('no-policy', 'no root keys were in force then');
  const stranger = envelope.signatures.find(({ keyid }) => !root.keys.some((key) => key.keyid === keyid));
  if (stranger !== undefined) return refused('unknown-key', `key ${stranger.keyid} was no root key`);
  const signers = openSignatures(envelope, root.keys, verify);
  if (typeof signers === 'string') return refused('bad-signature', signers);
  if (signers.length < root.threshold)
    return refused(
      'threshold-not-met',
      `${root.threshold} of the ${root.keys.length} root keys must sign, ${signers.length} did`,
    );
  const rule = { predicateType: statement.predicateType, role: 'root', threshold: root.threshold };
  return { admitted: true, statement, registeredAtMs, payloadDigest, identity, rule, signers };
}

function judgeSigners(
  known: readonly KeyRecord[],
  rule: RegistrationRule,
  { envelope, identity, payloadDigest, statement }: Enveloped,
  { leafIndex, registeredAtMs }: Candidate,
  verify: Verify,
): Admission {
  const verified = openSignatures(envelope, known, verify);
  if (typeof verified === 'string') return refused('bad-signature', verified);
  const { predicate } = statement;
  const product = 'product' in predicate ? predicate.product : undefined;
  const excuses: string[] = [];
  const signers: string[] = [];
  const voidings: { readonly keyid: string; readonly by: Voiding }[] = [];
  for (const key of known.filter(({ keyid }) => verified.includes(keyid))) {
    const excuse = whyNot(key, rule, product, leafIndex, registeredAtMs);
    if (excuse === undefined) signers.push(key.keyid);
    else excuses.push(`key ${key.keyid} ${excuse}`);
    const by = key.voidings?.find(({ fromIndex }) => fromIndex <= leafIndex);
    if (by !== undefined && whyNot(key, rule, product, -1, registeredAtMs) === undefined)
      voidings.push({ keyid: key.keyid, by });
  }
  const admittedBy = (keyids: readonly string[]): Admitted => ({
    admitted: true,
    statement,
    registeredAtMs,
    payloadDigest,
    identity,
    rule,
    signers: keyids.toSorted(),
  });
  if (signers.length >= rule.threshold) return admittedBy(signers);
  const needed = `${rule.threshold} ${rule.threshold === 1 ? 'key' : 'keys'} with the role ${rule.role} must sign, ${signers.length} did`;
  const refusal = refused('threshold-not-met', [needed, ...excuses].join('; '));
  // The one after which those that were left were too few.
  const last = voidings.toSorted((left, right) => left.by.atMs - right.by.atMs)[
    signers.length + voidings.length - rule.threshold
  ];
  if (last === undefined || !Number.isFinite(leafIndex)) return refusal;
  const admission = admittedBy([...signers, ...voidings.map(({ keyid }) => keyid)]);
  return { ...refusal, voided: { admission, atMs: last.by.atMs, leafIndex: last.by.leafIndex } };
}

/** Why the signature of a key does not count, or undefined if it does. */
function whyNot(
  key: KeyRecord,
  rule: Pick<RegistrationRule, 'role'>,
  product: string | undefined,
  leafIndex: number,
  atMs: number,
): string | undefined {
  if (key.voidFrom !== undefined && leafIndex >= key.voidFrom) {
    return `is compromised: its signatures are void from entry ${key.voidFrom} on`;
  }
  if (!isValidAt(key, atMs)) return `had been ${key.endedBy ?? 'ended'} before`;
  const grant = key.roles.find(({ role }) => role === rule.role);
  if (grant === undefined) return `does not hold the role ${rule.role}`;
  if (grant.products.includes('*')) return undefined;
  if (product === undefined) return `holds the role ${rule.role} for some products only`;
  return grant.products.includes(product) ? undefined : `does not hold the role ${rule.role} for ${product}`;
}

function openSignatures(
  envelope: Enveloped['envelope'],
  known: readonly PublicKey[],
  verify: Verify,
): readonly string[] | string {
  try {
    return openEnvelope(envelope, known, verify);
  } catch (error) {
    if (error instanceof StatementError) return error.message;
    throw error;
  }
}

type Enveloped = Omit<EnvelopedStatement, 'statement'> & { readonly statement: RootStatement };

function refused(code: AdmissionRefusalCode, reason: string): NotAdmitted {
  return { admitted: false, code, reason };
}
