// A small instance for tests and vectors: a keys log, a root log, cosigned checkpoints, evidence of any of it.
// Real keys and real signatures; an attacker's variants are made with the keys that the attacker would hold.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  artifactStatement,
  DEFAULT_RULES,
  formatArtifactList,
  formatLeaf,
  formatPublicKey,
  keyAddStatement,
  type ListedArtifact,
  parseStatementLeaf,
  registrationPolicyStatement,
  type ReleasePredicate,
  releaseStatement,
  rootKeysStatement,
  type Signer,
  type Statement,
  signStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import {
  cosign,
  ed25519NoteSigner,
  encodeHex,
  formatCheckpoint,
  formatVkey,
  hashLeaf,
  hashNode,
  rootOfLeaves,
  signNote,
} from '@vitrine/tlog';
import { type TestSigner, testSigner } from '../../statements/test/test-signer.ts';
import { type Evidence, formatEvidence, formatVerificationPolicy, type PolicyDraft } from '../src/index.ts';

/** 24 November 2026 at 21:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 24, 21, 0);

export const MINUTE_MS = 60_000;

export const FILE_BYTES = utf8ToBytes('the bytes of hello_2.10-3_amd64.deb\n');

export const FILE: ListedArtifact = {
  name: 'hello_2.10-3_amd64.deb',
  sha256: hexSha256(FILE_BYTES),
  sizeBytes: FILE_BYTES.length,
};

export const REASON = utf8ToBytes('The binary contained a debugging back door.\n');

export function hexSha256(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes));
}

/** Who may cosign: the instance itself and three witnesses. */
export const COSIGNERS = ['acme.example/cosigner', 'w1.example', 'w2.example', 'w3.example'] as const;
export type Cosigner = (typeof COSIGNERS)[number];

export interface WorldOptions {
  readonly instance?: string;
  readonly rootSigners?: readonly TestSigner[];
  readonly rootThreshold?: number;
  readonly publisherProducts?: string[];
}

export class SignedWorld {
  readonly instance: string;
  readonly rootOrigin: string;
  readonly keysOrigin: string;
  readonly rootSigners: readonly TestSigner[];
  readonly publisher = testSigner('publisher');
  readonly anchor = testSigner('anchor');
  readonly keysLeaves: Uint8Array[] = [];
  readonly rootLeaves: Uint8Array[] = [];
  #nowMs = START_MS;

  private constructor({ instance = 'acme.example', rootSigners = [testSigner('root')] }: WorldOptions) {
    this.instance = instance;
    this.rootOrigin = `${instance}/statements`;
    this.keysOrigin = `${instance}/keys`;
    this.rootSigners = rootSigners;
  }

  /** With root keys, the default registration policy, a publisher and an anchor key. */
  static async create(options: WorldOptions = {}): Promise<SignedWorld> {
    const world = new SignedWorld(options);
    const log = world.keysOrigin;
    await world.appendKeys(
      rootKeysStatement({
        instance: world.instance,
        keys: world.rootSigners.map(formatPublicKey),
        log,
        threshold: options.rootThreshold ?? 1,
        version: 1,
      }),
    );
    await world.appendKeys(registrationPolicyStatement({ log, rules: [...DEFAULT_RULES], version: 1 }));
    await world.addKey(world.publisher, 'publisher', options.publisherProducts);
    await world.addKey(world.anchor, 'anchor');
    return world;
  }

  /** The time of the next entry. */
  get nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): void {
    this.#nowMs += ms;
  }

  async addKey(key: Signer, role: string, products: string[] = ['*']): Promise<number> {
    const { keysOrigin: log } = this;
    return await this.appendKeys(
      keyAddStatement({ key: formatPublicKey(key), log, roles: [{ products, role }] }),
    );
  }

  async appendKeys(
    statement: Statement,
    signers: readonly Signer[] = this.rootSigners,
    atMs?: number,
  ): Promise<number> {
    return await this.#append(this.keysLeaves, statement, signers, atMs);
  }

  async appendRoot(
    statement: Statement,
    signers: readonly Signer[] = [this.publisher],
    atMs?: number,
  ): Promise<number> {
    return await this.#append(this.rootLeaves, statement, signers, atMs);
  }

  async #append(
    leaves: Uint8Array[],
    statement: Statement,
    signers: readonly Signer[],
    atMs = this.#nowMs,
  ): Promise<number> {
    const envelope = await signStatement(statement, signers);
    this.#nowMs += MINUTE_MS;
    return leaves.push(formatLeaf({ registeredAtMs: atMs, envelope })) - 1;
  }

  payloadDigestOf(rootIndex: number): string {
    return parseStatementLeaf(at(this.rootLeaves, rootIndex)).payloadDigest;
  }

  async publishRelease({
    artifacts = [FILE],
    product = 'hello',
    version = '2.10-3',
    more = {},
    signers = [this.publisher],
  }: {
    readonly artifacts?: readonly ListedArtifact[];
    readonly product?: string;
    readonly version?: string;
    readonly more?: Partial<ReleasePredicate>;
    readonly signers?: readonly Signer[];
  } = {}): Promise<number> {
    return await this.appendRoot(
      releaseStatement({
        artifacts: { count: artifacts.length, list: hexSha256(formatArtifactList(artifacts)) },
        log: this.rootOrigin,
        product,
        source: {
          files: 214,
          manifest: hexSha256(utf8ToBytes('manifest')),
          root: hexSha256(utf8ToBytes('source root')),
        },
        version,
        ...more,
      }),
      signers,
    );
  }

  async publishArtifact(
    release: number,
    {
      file = FILE,
      product = 'hello',
      version = '2.10-3',
      signers = [this.publisher],
      atMs,
    }: {
      readonly file?: ListedArtifact;
      readonly product?: string;
      readonly version?: string;
      readonly signers?: readonly Signer[];
      readonly atMs?: number;
    } = {},
  ): Promise<number> {
    const { sizeBytes } = file;
    const predicate = {
      log: this.rootOrigin,
      product,
      release: this.payloadDigestOf(release),
      sizeBytes,
      version,
    };
    return await this.appendRoot(artifactStatement(file, predicate), signers, atMs);
  }

  async withdraw(
    release: number,
    {
      product = 'hello',
      version = '2.10-3',
      reason = REASON,
      signers = [this.publisher] as readonly Signer[],
    } = {},
  ): Promise<number> {
    const predicate = {
      log: this.rootOrigin,
      product,
      reason: { digest: hexSha256(reason) },
      release: this.payloadDigestOf(release),
      version,
    };
    return await this.appendRoot(withdrawalStatement(predicate), signers);
  }

  checkpoint(
    log: 'statements' | 'keys',
    {
      leaves = log === 'keys' ? this.keysLeaves : this.rootLeaves,
      atMs = this.#nowMs,
      cosigners = ['acme.example/cosigner'],
      logKey = noteKey(`${this.instance}/${log}`),
    }: CheckpointOptions = {},
  ): string {
    const root = rootOfLeaves(leaves.map(hashLeaf));
    const text = formatCheckpoint({
      origin: `${this.instance}/${log}`,
      treeSize: leaves.length,
      root,
      extensions: [],
    });
    const cosignatures = cosigners.map((name) => cosign(text, Math.floor(atMs / 1000), noteKey(name)));
    return signNote(text, [ed25519NoteSigner(logKey)], cosignatures);
  }

  /** Evidence about root entries, the first one first. */
  evidence(indices: readonly number[], options: EvidenceOptions = {}): Uint8Array {
    return formatEvidence(this.evidenceParts(indices, options));
  }

  evidenceParts(indices: readonly number[], options: EvidenceOptions = {}): Evidence {
    const rootLeaves = options.rootLeaves ?? this.rootLeaves;
    const checkpointNote = options.rootCheckpoint ?? this.checkpoint('statements', { leaves: rootLeaves });
    const hashes = rootLeaves.map(hashLeaf);
    const keysLeaves = options.keysLeaves ?? this.keysLeaves;
    return {
      statements: indices.map((index) => ({
        leaf: at(rootLeaves, index),
        proof: { index, hashes: inclusionPath(hashes, index), checkpointNote },
      })),
      keys: {
        checkpoint: options.keysCheckpoint ?? this.checkpoint('keys', { leaves: keysLeaves }),
        leaves: keysLeaves,
      },
      bodies: options.bodies ?? [formatArtifactList([FILE])],
    };
  }

  policy(draft: Partial<PolicyDraft> = {}): string {
    return formatVerificationPolicy({
      logs: [this.rootOrigin, this.keysOrigin].map((name) => ({ vkey: vkeyOf(name, 0x01) })),
      witnesses: [{ name: 'self', vkey: vkeyOf('acme.example/cosigner', 0x04) }],
      quorum: 'self',
      keysEntry0: hexSha256(at(this.keysLeaves, 0)),
      ...draft,
    });
  }
}

interface CheckpointOptions {
  readonly leaves?: readonly Uint8Array[];
  readonly atMs?: number;
  readonly cosigners?: readonly Cosigner[];
  readonly logKey?: ReturnType<typeof noteKey>;
}

interface EvidenceOptions {
  readonly rootLeaves?: readonly Uint8Array[];
  readonly rootCheckpoint?: string;
  readonly keysLeaves?: readonly Uint8Array[];
  readonly keysCheckpoint?: string;
  readonly bodies?: readonly Uint8Array[];
}

/** A policy in which two of three witnesses of two operators must cosign. */
export const WITNESSED: Pick<PolicyDraft, 'witnesses' | 'groups' | 'quorum' | 'operators'> = {
  witnesses: COSIGNERS.map((name, i) => ({ name: i === 0 ? 'self' : `w${i}`, vkey: vkeyOf(name, 0x04) })),
  groups: [{ name: 'two', threshold: 2, members: ['self', 'w1', 'w2', 'w3'] }],
  quorum: 'two',
  operators: [
    { operator: 'north', keyNames: ['w1.example', 'w2.example'] },
    { operator: 'south', keyNames: ['w3.example'] },
  ],
};

export function noteKey(name: string) {
  const signer = testSigner(name);
  return { name, publicKey: signer.rawPublicKey, sign: (message: Uint8Array) => signer.sign(message) };
}

export function vkeyOf(name: string, type: 0x01 | 0x04): string {
  const { publicKey } = noteKey(name);
  return formatVkey({ name, type, publicKey });
}

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}

/** RFC 6962, section 2.1.1, as it is written there. */
function inclusionPath(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  if (hashes.length <= 1) return [];
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), rootOfLeaves(right, hashNode)]
    : [...inclusionPath(right, index - split), rootOfLeaves(left, hashNode)];
}
