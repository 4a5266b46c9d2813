// The state of the keys log: a pure fold over its leaves. Whoever controls the log chooses its leaves, so an
// entry counts only if those signed it who may, as of the entries before it. What does not count is named.

import { sha256 } from '@noble/hashes/sha2.js';
import { encodeHex } from '@vitrine/tlog';
import { openEnvelope } from './dsse.ts';
import { StatementError } from './error.ts';
import { type PublicKey, parsePublicKey, type Verify, verifyEd25519 } from './key.ts';
import { parseLeaf } from './leaf.ts';
import {
  FORK_RESOLUTION_TYPE,
  type ForkResolutionPredicate,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  REGISTRATION_POLICY_TYPE,
  type RegistrationRule,
  ROOT_KEYS_TYPE,
  type RoleGrant,
  WITNESSES_TYPE,
  type WitnessesPredicate,
} from './predicates/keys.ts';
import {
  isPredicateType,
  type KeysStatement,
  predicateTypes,
  type Statement,
} from './predicates/registry.ts';
import { type EnvelopedStatement, parseStatementEnvelope } from './statement.ts';

/** A set of root keys. */
export interface RootKeys {
  readonly version: number;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

/** A revocation of a key as compromised. */
export interface Voiding {
  readonly fromIndex: number;
  /** When the keys log registered it. */
  readonly atMs: number;
  /** In the keys log. */
  readonly leafIndex: number;
}

/** A key that signs statements, from its addition to its end. */
export interface KeyRecord extends PublicKey {
  readonly roles: readonly RoleGrant[];
  /** The commitment to who stands behind it, if its key-add has one. */
  readonly holder?: string;
  /** Valid from here on. */
  readonly addedAtMs: number;
  /** Not valid from here on. */
  readonly endedAtMs?: number;
  readonly endedBy?: 'rotated' | 'retired' | 'compromised';
  /** The keyid of the key that took over. */
  readonly successor?: string;
  /** Signatures at this index of the root log and above are void, whenever they were registered. */
  readonly voidFrom?: number;
  /** What made them void, in the order in which it was said: from `fromIndex` on, by that entry of the keys log. */
  readonly voidings?: readonly Voiding[];
}

export interface RegistrationPolicy {
  readonly version: number;
  /** In force from here on, until the next. */
  readonly fromMs: number;
  readonly rules: readonly RegistrationRule[];
}

export interface KeysState {
  /** NAME/keys. */
  readonly origin: string;
  /** How many leaves were folded. */
  readonly size: number;
  /** Hex SHA-256 of entry 0's leaf bytes, which a verification policy pins. */
  readonly entry0?: string;
  readonly lastRegisteredAtMs: number;
  readonly rootKeys?: RootKeys;
  /** Each set since it was in force, the newest last. */
  readonly rootKeySets: readonly (RootKeys & { readonly fromMs: number })[];
  /** By version, ascending. */
  readonly policies: readonly RegistrationPolicy[];
  /** By keyid. */
  readonly keys: ReadonlyMap<string, KeyRecord>;
  readonly witnesses?: WitnessesPredicate;
  /** Which branch of a log goes on after a fork, in the order in which that was said. */
  readonly resolutions: readonly ForkResolutionPredicate[];
  /** Set once the log's own times run backwards: then it proves nothing, and nothing is admitted under it. */
  readonly unsound?: { readonly index: number; readonly reason: string };
}

/** Why an entry of the keys log counts for nothing. */
export type KeysRefusalCode =
  | 'not-a-statement'
  | 'time-backwards'
  | 'wrong-log'
  | 'not-entry-0'
  | 'no-root-keys'
  | 'wrong-version'
  | 'known-key'
  | 'unknown-key'
  | 'ended-key'
  | 'changes-nothing'
  | 'bad-signature'
  | 'threshold-not-met';

export type KeysEntry =
  | {
      readonly index: number;
      readonly counts: true;
      readonly registeredAtMs: number;
      readonly statement: KeysStatement;
      readonly payloadDigest: string;
      readonly identity: string;
      readonly signers: readonly string[];
    }
  | {
      readonly index: number;
      readonly counts: false;
      readonly code: KeysRefusalCode;
      readonly reason: string;
    };

/** The keys log before its first entry. `origin`: NAME/keys. */
export function emptyKeysState(origin: string): KeysState {
  return {
    origin,
    size: 0,
    lastRegisteredAtMs: 0,
    rootKeySets: [],
    policies: [],
    keys: new Map(),
    resolutions: [],
  };
}

/** Folds all leaves, in order, into the state and what each of them came to. */
export function foldKeys(
  origin: string,
  leaves: Iterable<Uint8Array>,
  verify: Verify = verifyEd25519,
): { readonly state: KeysState; readonly entries: readonly KeysEntry[] } {
  let state = emptyKeysState(origin);
  const entries: KeysEntry[] = [];
  for (const leaf of leaves) {
    const next = advanceKeys(state, leaf, verify);
    state = next.state;
    entries.push(next.entry);
  }
  return { state, entries };
}

/**
 * Folds one more leaf. The state given is left as it is, so a server asks with the leaf that it would append
 * whether it would count. Never throws on a bad leaf.
 */
export function advanceKeys(
  state: KeysState,
  leaf: Uint8Array,
  verify: Verify = verifyEd25519,
): { readonly state: KeysState; readonly entry: KeysEntry } {
  const index = state.size;
  const counted: KeysState = {
    ...state,
    size: index + 1,
    ...(index === 0 ? { entry0: encodeHex(sha256(leaf)) } : {}),
  };
  const time = readTime(leaf);
  if (time === undefined)
    return refused(counted, index, 'not-a-statement', 'the leaf has no time of registration');
  // Whoever writes the log could otherwise date a revocation before or after what it should stop.
  if (time < state.lastRegisteredAtMs) {
    const reason = `entry ${index} is dated before the entry that precedes it`;
    return refused(
      { ...counted, unsound: state.unsound ?? { index, reason } },
      index,
      'time-backwards',
      reason,
    );
  }
  const timed: KeysState = { ...counted, lastRegisteredAtMs: time };
  try {
    const parsed = parseStatementEnvelope(parseLeaf(leaf).envelope);
    const { statement } = parsed;
    if (!isKeysStatement(statement)) throw new Refusal('wrong-log', 'its type does not belong in a keys log');
    if (statement.predicate.log !== state.origin) {
      throw new Refusal(
        'wrong-log',
        `it was written for ${statement.predicate.log}, not for ${state.origin}`,
      );
    }
    const { next, signers } = apply(timed, index, time, { ...parsed, statement }, verify);
    const { payloadDigest, identity } = parsed;
    return {
      state: next,
      entry: { index, counts: true, registeredAtMs: time, statement, payloadDigest, identity, signers },
    };
  } catch (error) {
    if (error instanceof Refusal) return refused(timed, index, error.code, error.message);
    if (error instanceof StatementError) {
      const code = error.code === 'bad-signature' ? 'bad-signature' : 'not-a-statement';
      return refused(timed, index, code, error.message);
    }
    throw error;
  }
}

/** Whether a statement's type belongs in the keys log. */
export function isKeysStatement(statement: Statement): statement is KeysStatement {
  return isPredicateType(statement.predicateType) && predicateTypes[statement.predicateType].log === 'keys';
}

/** The rules in force at a time, or undefined before the first. */
export function policyAt(state: KeysState, atMs: number): RegistrationPolicy | undefined {
  return state.policies.findLast(({ fromMs }) => fromMs <= atMs);
}

/** The root keys in force at a time, or undefined before the first. */
export function rootKeysAt(state: KeysState, atMs: number): RootKeys | undefined {
  return state.rootKeySets.findLast(({ fromMs }) => fromMs <= atMs);
}

/** Whether a key was valid at a time, its voided signatures apart. */
export function isValidAt(key: KeyRecord, atMs: number): boolean {
  return key.addedAtMs <= atMs && (key.endedAtMs === undefined || atMs < key.endedAtMs);
}

/** A reason not to count an entry, inside this file only. */
class Refusal extends Error {
  readonly code: KeysRefusalCode;

  constructor(code: KeysRefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

function refused(
  state: KeysState,
  index: number,
  code: KeysRefusalCode,
  reason: string,
): { readonly state: KeysState; readonly entry: KeysEntry } {
  return { state, entry: { index, counts: false, code, reason } };
}

function readTime(leaf: Uint8Array): number | undefined {
  try {
    return parseLeaf(leaf).registeredAtMs;
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

type Enveloped = Omit<EnvelopedStatement, 'statement'> & { readonly statement: KeysStatement };

interface Applied {
  readonly next: KeysState;
  readonly signers: readonly string[];
}

// Each case first asks what costs nothing, then verifies signatures: a log that replays old entries by the
// thousand does not buy a verification with each.
function apply(state: KeysState, index: number, atMs: number, enveloped: Enveloped, verify: Verify): Applied {
  const { statement } = enveloped;
  if (statement.predicateType === ROOT_KEYS_TYPE) {
    return applyRootKeys(state, index, atMs, enveloped, statement.predicate, verify);
  }
  const root = state.rootKeys;
  if (root === undefined) throw new Refusal('no-root-keys', 'entry 0 did not establish root keys');
  const ofKey = (keyid: string): KeyRecord => {
    const key = state.keys.get(keyid);
    if (key === undefined) throw new Refusal('unknown-key', `key ${keyid} was never added`);
    return key;
  };
  const signed = (others: readonly PublicKey[] = []): readonly string[] =>
    openEnvelope(enveloped.envelope, [...state.keys.values(), ...root.keys, ...others], verify);
  const bySignersOf = (rule: (signers: readonly string[]) => boolean, others?: readonly PublicKey[]) => {
    const signers = signed(others);
    if (!rule(signers)) throw new Refusal('threshold-not-met', describeThreshold(root, signers));
    return signers;
  };
  const byRoot = (signers: readonly string[]): boolean => meets(root, signers);

  switch (statement.predicateType) {
    case REGISTRATION_POLICY_TYPE: {
      const { rules, version } = statement.predicate;
      expectVersion(version, (state.policies.at(-1)?.version ?? 0) + 1);
      const signers = bySignersOf(byRoot);
      return { next: { ...state, policies: [...state.policies, { version, fromMs: atMs, rules }] }, signers };
    }
    case WITNESSES_TYPE: {
      expectVersion(statement.predicate.version, (state.witnesses?.version ?? 0) + 1);
      const signers = bySignersOf(byRoot);
      return { next: { ...state, witnesses: statement.predicate }, signers };
    }
    case FORK_RESOLUTION_TYPE: {
      const signers = bySignersOf(byRoot);
      return { next: { ...state, resolutions: [...state.resolutions, statement.predicate] }, signers };
    }
    case KEY_ADD_TYPE: {
      const key = parsePublicKey(statement.predicate.key);
      if (state.keys.has(key.keyid)) throw new Refusal('known-key', `key ${key.keyid} was added before`);
      const signers = bySignersOf(byRoot, [key]);
      const { holder, roles } = statement.predicate;
      const added: KeyRecord = {
        ...key,
        roles,
        addedAtMs: atMs,
        ...(holder === undefined ? {} : { holder }),
      };
      return { next: withKeys(state, added), signers };
    }
    case KEY_ROTATE_TYPE: {
      const old = ofKey(statement.predicate.key);
      const successor = parsePublicKey(statement.predicate.successor);
      if (old.endedAtMs !== undefined) throw new Refusal('ended-key', `key ${old.keyid} had ended`);
      if (state.keys.has(successor.keyid)) {
        throw new Refusal('known-key', `the successor ${successor.keyid} was added before`);
      }
      // The successor signs too: nobody hands roles to a key whose holder did not take them.
      const signers = bySignersOf(
        (all) => all.includes(successor.keyid) && (all.includes(old.keyid) || byRoot(all)),
        [successor],
      );
      const ended: KeyRecord = { ...old, endedAtMs: atMs, endedBy: 'rotated', successor: successor.keyid };
      return { next: withKeys(state, ended, { ...successor, roles: old.roles, addedAtMs: atMs }), signers };
    }
    case KEY_REVOKE_TYPE: {
      const old = ofKey(statement.predicate.key);
      if (statement.predicate.reason === 'retired') {
        if (old.endedAtMs !== undefined) throw new Refusal('ended-key', `key ${old.keyid} had ended`);
        const signers = bySignersOf((all) => all.includes(old.keyid) || byRoot(all));
        return { next: withKeys(state, { ...old, endedAtMs: atMs, endedBy: 'retired' }), signers };
      }
      const { validBelow } = statement.predicate;
      if (old.voidFrom !== undefined && old.voidFrom <= validBelow) {
        throw new Refusal('changes-nothing', `key ${old.keyid} was already void from ${old.voidFrom}`);
      }
      const signers = bySignersOf(byRoot);
      const ended = old.endedAtMs === undefined ? { endedAtMs: atMs, endedBy: 'compromised' as const } : {};
      // The state has this entry counted already.
      const voiding = { fromIndex: validBelow, atMs, leafIndex: state.size - 1 };
      const voidings = [...(old.voidings ?? []), voiding];
      return { next: withKeys(state, { ...old, ...ended, voidFrom: validBelow, voidings }), signers };
    }
  }
}

function applyRootKeys(
  state: KeysState,
  index: number,
  atMs: number,
  { envelope }: Enveloped,
  predicate: { readonly keys: readonly string[]; readonly threshold: number; readonly version: number },
  verify: Verify,
): Applied {
  const { threshold, version } = predicate;
  const { rootKeys: old } = state;
  if (old === undefined && index !== 0)
    throw new Refusal('not-entry-0', 'root keys are established by entry 0 only');
  expectVersion(version, (old?.version ?? 0) + 1);
  const fresh: RootKeys = { version, threshold, keys: predicate.keys.map(parsePublicKey) };
  const known = [...state.keys.values(), ...(old?.keys ?? []), ...fresh.keys];
  const signers = openEnvelope(envelope, known, verify);
  if (old !== undefined && !meets(old, signers)) {
    throw new Refusal('threshold-not-met', `of the old root keys: ${describeThreshold(old, signers)}`);
  }
  if (!meets(fresh, signers)) {
    throw new Refusal('threshold-not-met', `of the new root keys: ${describeThreshold(fresh, signers)}`);
  }
  const rootKeySets = [...state.rootKeySets, { ...fresh, fromMs: atMs }];
  return { next: { ...state, rootKeys: fresh, rootKeySets }, signers };
}

function expectVersion(version: number, expected: number): void {
  if (version !== expected)
    throw new Refusal('wrong-version', `version ${version} where ${expected} follows`);
}

function meets(root: RootKeys, signers: readonly string[]): boolean {
  return root.keys.filter(({ keyid }) => signers.includes(keyid)).length >= root.threshold;
}

function describeThreshold(root: RootKeys, signers: readonly string[]): string {
  const present = root.keys.filter(({ keyid }) => signers.includes(keyid)).length;
  return `signed by ${present} of the ${root.keys.length} root keys, ${root.threshold} are needed, or by another key that may not say this`;
}

function withKeys(state: KeysState, ...records: readonly KeyRecord[]): KeysState {
  return { ...state, keys: new Map([...state.keys, ...records.map((each) => [each.keyid, each] as const)]) };
}
