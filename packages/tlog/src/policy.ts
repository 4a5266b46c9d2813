// Trust policies: c2sp.org/tlog-policy. A policy says which logs are accepted, and which witnesses must have
// cosigned a checkpoint.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { displayUtf8, equalBytes } from './bytes.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { cosignatureTime } from './cosignature.ts';
import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { type NoteVerifier, openNote, type ParseVkey, parseVkey } from './note.ts';

/** The largest policy accepted, in bytes. */
export const MAX_POLICY_BYTES = 1_000_000;

/** The most logs, witnesses and groups accepted, of each (the specification recommends at least 32). */
export const MAX_POLICY_DEFINITIONS = 1024;

export interface PolicyLog {
  /** Type 0x01 or 0x06; its name is the log's origin. */
  readonly key: NoteVerifier;
  readonly url?: string;
}

export interface PolicyWitness {
  readonly kind: 'witness';
  /** The policy file's own name for it, for people: octets that are not UTF-8 show as U+FFFD. */
  readonly name: string;
  /** Type 0x04 or 0x06. */
  readonly key: NoteVerifier;
  readonly url?: string;
}

export interface PolicyGroup {
  readonly kind: 'group';
  readonly name: string;
  /** How many members must have witnessed a checkpoint, 1 to members.length. */
  readonly threshold: number;
  readonly members: readonly QuorumMember[];
}

export type QuorumMember = PolicyWitness | PolicyGroup;

/** A comment line as it stands, `#` and leading white space included. */
export interface PolicyComment {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  readonly quorum: QuorumMember | 'none';
  /** Ignored by the format; other packages may read their own lines from here. */
  readonly comments: readonly PolicyComment[];
}

export interface PolicyCosignature {
  readonly witness: PolicyWitness;
  /** The latest time at which it cosigned, in POSIX seconds. */
  readonly timeSeconds: number;
}

export type CheckpointVerdict =
  | {
      readonly ok: true;
      readonly checkpoint: Checkpoint;
      readonly log: PolicyLog;
      /** Of every witness of the policy that cosigned, in the policy's order. */
      readonly cosignatures: readonly PolicyCosignature[];
      /**
       * The largest T such that the cosignatures dated T or later meet the quorum, in POSIX seconds; undefined
       * under `quorum none`, where nobody vouches for a time.
       */
      readonly timeSeconds: number | undefined;
    }
  | { readonly ok: false; readonly reason: string };

/**
 * Parses a policy file. Every line must end in a newline, so that a truncated file is not a weaker policy. `readVkey`
 * says which keys it may hold: by default those of type 0x01 and 0x04; the parseVkey of `@vitrine/tlog/ml-dsa` adds
 * 0x06.
 *
 * @throws TlogError `malformed-policy`, with the number of the line
 * @see c2sp.org/tlog-policy, "Policy file syntax and structure"
 */
export function parsePolicy(policy: Uint8Array | string, readVkey: ParseVkey = parseVkey): Policy {
  return new PolicyReader(readVkey).read(splitLines(policy));
}

/**
 * Whether a checkpoint is signed by a log of the policy and cosigned by its quorum. A bad signature by any log or
 * witness that the policy knows condemns the checkpoint. Never throws.
 */
export function verifyCheckpoint(note: Uint8Array | string, policy: Policy): CheckpointVerdict {
  try {
    return judgeCheckpoint(note, policy);
  } catch (error) {
    if (error instanceof TlogError) return { ok: false, reason: error.message };
    throw error;
  }
}

function judgeCheckpoint(note: Uint8Array | string, policy: Policy): CheckpointVerdict {
  const keys = [...policy.logs, ...policy.witnesses].map(({ key }) => key);
  const opened = openNote(note, keys);
  const checkpoint = parseCheckpoint(opened.text);
  const signers = new Map(opened.signatures.map((signature) => [signature.verifier, signature]));
  const log = policy.logs.find(({ key }) => key.name === checkpoint.origin && signers.has(key));
  if (log === undefined) {
    return { ok: false, reason: `no log of the policy signed this checkpoint of ${checkpoint.origin}` };
  }
  const times = new Map<NoteVerifier, number>();
  for (const { verifier, signature } of opened.signatures) {
    if (verifier.type === 0x01) continue;
    times.set(verifier, Math.max(times.get(verifier) ?? 0, cosignatureTime(signature)));
  }
  const cosignatures = policy.witnesses.flatMap((witness) => {
    const timeSeconds = times.get(witness.key);
    return timeSeconds === undefined ? [] : [{ witness, timeSeconds }];
  });
  if (policy.quorum === 'none') return { ok: true, checkpoint, log, cosignatures, timeSeconds: undefined };
  const timeSeconds = witnessedSince(policy.quorum, times);
  if (timeSeconds === undefined) {
    const who = cosignatures.map(({ witness }) => witness.name).join(', ') || 'nobody';
    return { ok: false, reason: `quorum ${policy.quorum.name} is not met: cosigned by ${who}` };
  }
  return { ok: true, checkpoint, log, cosignatures, timeSeconds };
}

/** The largest T such that cosignatures dated T or later suffice; undefined if all of them do not. */
function witnessedSince(member: QuorumMember, times: ReadonlyMap<NoteVerifier, number>): number | undefined {
  if (member.kind === 'witness') return times.get(member.key);
  const since = member.members
    .map((each) => witnessedSince(each, times))
    .filter((time) => time !== undefined)
    .sort((a, b) => b - a);
  return since[member.threshold - 1];
}

/** A line whose octets are characters U+0000 to U+00FF: names are compared as octets, whatever they encode. */
interface OctetLine {
  readonly line: number;
  readonly octets: string;
}

function splitLines(policy: Uint8Array | string): OctetLine[] {
  if (typeof policy === 'string' && !policy.isWellFormed()) throw malformed(undefined, 'it is not UTF-8');
  if (policy.length > MAX_POLICY_BYTES)
    throw malformed(undefined, `it is larger than ${MAX_POLICY_BYTES} bytes`);
  const bytes = typeof policy === 'string' ? utf8ToBytes(policy) : policy;
  const octets = Array.from(bytes, (octet) => String.fromCharCode(octet)).join('');
  const lines = octets.split('\n');
  if (lines.pop() !== '') throw malformed(lines.length + 1, 'the last line does not end in a newline');
  return lines.map((text, i) => ({ line: i + 1, octets: text }));
}

class PolicyReader {
  readonly #parseVkey: ParseVkey;
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  readonly #comments: PolicyComment[] = [];
  readonly #named = new Map<string, QuorumMember>();
  readonly #grouped = new Set<QuorumMember>();
  #quorum: QuorumMember | 'none' | undefined;

  constructor(readVkey: ParseVkey) {
    this.#parseVkey = readVkey;
  }

  read(lines: readonly OctetLine[]): Policy {
    for (const line of lines) this.#readLine(line);
    if (this.#quorum === undefined) throw malformed(undefined, 'it has no quorum line');
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum,
      comments: this.#comments,
    };
  }

  #readLine({ line, octets }: OctetLine): void {
    for (let i = 0; i < octets.length; i++) {
      const code = octets.charCodeAt(i);
      if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
        throw malformed(line, `control character 0x${code.toString(16).padStart(2, '0')}`);
      }
    }
    const [keyword, ...items] = octets.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === undefined) return;
    if (keyword.startsWith('#')) this.#comments.push({ line, text: display(octets) });
    else if (keyword === 'log') this.#readLog(line, items);
    else if (keyword === 'witness') this.#readWitness(line, items);
    else if (keyword === 'group') this.#readGroup(line, items);
    else if (keyword === 'quorum') this.#readQuorum(line, items);
    else throw malformed(line, `${JSON.stringify(display(keyword))} is not log, witness, group or quorum`);
  }

  #readLog(line: number, [vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw malformed(line, 'expected "log <vkey> [<url>]"');
    const key = this.#readKey(line, vkey);
    if (key.type === 0x04) throw malformed(line, 'the key of a log must be of type 0x01 (Ed25519) or 0x06');
    checkDistinct(line, key, this.#logs);
    checkUnambiguous(line, key, this.#witnesses);
    this.#logs.push({ key, ...(url === undefined ? {} : { url: display(url) }) });
    checkCount(line, this.#logs);
  }

  #readWitness(line: number, [name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      throw malformed(line, 'expected "witness <name> <vkey> [<url>]"');
    }
    const key = this.#readKey(line, vkey);
    if (key.type === 0x01) {
      throw malformed(line, 'the key of a witness must be of type 0x04 or 0x06 (cosignature)');
    }
    checkDistinct(line, key, this.#witnesses);
    checkUnambiguous(line, key, this.#logs);
    const optional = url === undefined ? {} : { url: display(url) };
    const witness: PolicyWitness = { kind: 'witness', name: display(name), key, ...optional };
    this.#define(line, name, witness);
    this.#witnesses.push(witness);
    checkCount(line, this.#witnesses);
  }

  #readGroup(line: number, [name, threshold, ...names]: readonly string[]): void {
    if (name === undefined || threshold === undefined || names.length === 0) {
      throw malformed(line, 'expected "group <name> all|any|<k> <name>..."');
    }
    const members = names.map((each) => this.#takeMember(line, each));
    const group: PolicyGroup = {
      kind: 'group',
      name: display(name),
      threshold: readThreshold(line, threshold, members.length),
      members,
    };
    this.#define(line, name, group);
    this.#groups.push(group);
    checkCount(line, this.#groups);
  }

  #readQuorum(line: number, [name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw malformed(line, 'expected "quorum <name>"');
    if (this.#quorum !== undefined) throw malformed(line, 'a second quorum line');
    this.#quorum = name === 'none' ? 'none' : this.#lookUp(line, name);
  }

  #readKey(line: number, vkey: string): NoteVerifier {
    try {
      return this.#parseVkey(display(vkey));
    } catch (cause) {
      throw malformed(line, cause instanceof Error ? cause.message : 'malformed verifier key', { cause });
    }
  }

  #define(line: number, name: string, member: QuorumMember): void {
    if (name === 'none') throw malformed(line, 'the name none is predefined');
    if (this.#named.has(name)) throw malformed(line, `${display(name)} is already defined`);
    this.#named.set(name, member);
  }

  #lookUp(line: number, name: string): QuorumMember {
    const member = this.#named.get(name);
    if (member === undefined) throw malformed(line, `${display(name)} is not defined on an earlier line`);
    return member;
  }

  #takeMember(line: number, name: string): QuorumMember {
    const member = this.#lookUp(line, name);
    if (this.#grouped.has(member)) throw malformed(line, `${display(name)} is already a member of a group`);
    this.#grouped.add(member);
    return member;
  }
}

function readThreshold(line: number, text: string, members: number): number {
  if (text === 'all') return members;
  if (text === 'any') return 1;
  const threshold = parseDecimal(text);
  if (threshold === undefined || threshold < 1 || threshold > members) {
    throw malformed(line, `the threshold must be all, any, or 1 to ${members}, not ${display(text)}`);
  }
  return threshold;
}

interface KeyHolder {
  readonly key: NoteVerifier;
}

function checkDistinct(line: number, key: NoteVerifier, others: readonly KeyHolder[]): void {
  for (const { key: other } of others) {
    if (equalBytes(other.publicKey, key.publicKey)) {
      throw malformed(line, `the public key of ${key.name} is already that of ${other.name}`);
    }
  }
  checkUnambiguous(line, key, others);
}

// Of a signature nobody could say whose it is: also where a log's own ML-DSA-44 key is listed as a witness of it.
function checkUnambiguous(line: number, key: NoteVerifier, others: readonly KeyHolder[]): void {
  if (others.some(({ key: { name, keyId } }) => name === key.name && keyId === key.keyId)) {
    throw malformed(line, `two keys share the name ${key.name} and the same key ID`);
  }
}

function checkCount(line: number, definitions: readonly unknown[]): void {
  if (definitions.length > MAX_POLICY_DEFINITIONS) {
    throw malformed(line, `more than ${MAX_POLICY_DEFINITIONS} definitions of one kind`);
  }
}

function display(octets: string): string {
  return displayUtf8(Uint8Array.from(octets, (character) => character.charCodeAt(0)));
}

function malformed(line: number | undefined, why: string, options?: ErrorOptions): TlogError {
  const where = line === undefined ? '' : ` line ${line}:`;
  return new TlogError('malformed-policy', `malformed policy:${where} ${why}`, options);
}
