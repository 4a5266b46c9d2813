// Files that should prove that a log signed two histories, and what must come of them. The attacker of the hostile ones
// wants an honest log to look as if it had forked. vectors/forks/ holds these cases for other implementations.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  consistencyProof,
  cosign,
  ed25519NoteSigner,
  EMPTY_ROOT,
  encodeBase64,
  formatCheckpoint,
  hashLeaf,
  type NodeAddress,
  rootOfLeaves,
  signNote,
} from '@vitrine/tlog';
import { type ForkCheckName, type ForkEvidence, formatForkEvidence } from '../src/fork.ts';
import { formatVerificationPolicy } from '../src/index.ts';
import { noteKey, vkeyOf, WITNESSED } from './signed-world.ts';

export interface ForkCase {
  readonly name: string;
  /** What is tried, in words. */
  readonly description: string;
  /** The file's text. */
  readonly evidence: string;
  readonly policy: string;
  readonly logVkeys?: readonly string[];
  readonly expected: {
    readonly ok: boolean;
    /** The first check that does not hold, and a part of its reason. */
    readonly check?: ForkCheckName;
    readonly reason?: string;
    /** Key names of the witnesses that cosigned both. */
    readonly cosignedBoth?: readonly string[];
  };
}

const ORIGIN = 'acme.example/statements';
const INTAKE = 'zurich.example/intake';
const TIME_SECONDS = 1_795_554_000;

export const FORK_POLICY: string = formatVerificationPolicy({
  logs: [ORIGIN, 'acme.example/keys'].map((name) => ({ vkey: vkeyOf(name, 0x01) })),
  keysEntry0: '0'.repeat(64),
  ...WITNESSED,
});

/** The leaf hashes of a log: the first `common` of every branch are the same. */
export function leavesOf(branch: string, size: number, common: number): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, at) =>
    hashLeaf(utf8ToBytes(at < common ? `entry ${at}` : `entry ${at} of ${branch}`)),
  );
}

export function signedCheckpoint(
  leaves: readonly Uint8Array[],
  options: {
    readonly origin?: string;
    readonly signer?: string;
    readonly cosigners?: readonly string[];
    readonly root?: Uint8Array;
  } = {},
): string {
  const { origin = ORIGIN, signer = origin, cosigners = [] } = options;
  const root = options.root ?? rootOfLeaves(leaves);
  const text = formatCheckpoint({ origin, treeSize: leaves.length, root, extensions: [] });
  const key = { ...noteKey(signer), name: origin };
  return signNote(
    text,
    [ed25519NoteSigner(key)],
    cosigners.map((name) => cosign(text, TIME_SECONDS, noteKey(name))),
  );
}

/** What the tree over these leaves begins with, proven. */
export async function proofOf(
  leaves: readonly Uint8Array[],
  size: number,
): Promise<NonNullable<ForkEvidence['proof']>> {
  const nodeAt = ({ level, index }: NodeAddress) =>
    rootOfLeaves(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return {
    root: size === 0 ? EMPTY_ROOT : rootOfLeaves(leaves.slice(0, size)),
    hashes: await consistencyProof(size, leaves.length, (nodes) => Promise.resolve(nodes.map(nodeAt))),
  };
}

function textOf(evidence: ForkEvidence): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(formatForkEvidence(evidence));
}

/** All cases, always the same. */
export async function forkCases(): Promise<readonly ForkCase[]> {
  const [main, other] = [leavesOf('main', 300, 4), leavesOf('other', 7, 4)];
  const [small, large] = [signedCheckpoint(other), signedCheckpoint(main)];
  const honest = signedCheckpoint(main.slice(0, 7));
  const proof = await proofOf(main, 7);
  const both = ['acme.example/cosigner', 'w1.example', 'w3.example'];
  const good = (name: string, description: string, evidence: ForkEvidence, more: Partial<ForkCase> = {}) => ({
    name,
    description,
    evidence: textOf(evidence),
    policy: FORK_POLICY,
    expected: { ok: true },
    ...more,
  });
  const bad = (
    name: string,
    description: string,
    evidence: ForkEvidence | string,
    [check, reason]: readonly [ForkCheckName, string],
    more: Partial<ForkCase> = {},
  ): ForkCase => ({
    name,
    description,
    evidence: typeof evidence === 'string' ? evidence : textOf(evidence),
    policy: FORK_POLICY,
    expected: { ok: false, check, reason },
    ...more,
  });
  const intake = [
    signedCheckpoint(other, { origin: INTAKE }),
    signedCheckpoint(main.slice(0, 7), { origin: INTAKE }),
  ] as const;
  const goodText = textOf({ checkpoints: [small, large], proof });
  return [
    good('good-same-size', 'two roots for one size', { checkpoints: [small, honest] }),
    good('good-other-history', 'the larger tree does not begin with the smaller', {
      checkpoints: [small, large],
      proof,
    }),
    good('good-power-of-two', 'the smaller tree is a node of the larger', {
      checkpoints: [signedCheckpoint(leavesOf('other', 8, 7)), large],
      proof: await proofOf(main, 8),
    }),
    good('good-empty-tree', 'a checkpoint of no entries with a root that an empty tree has not', {
      checkpoints: [signedCheckpoint([], { root: hashLeaf(utf8ToBytes('x')) }), large],
      proof: { root: EMPTY_ROOT, hashes: [] },
    }),
    good(
      'good-cosigned-both',
      'two witnesses cosigned both, and one only one of them',
      {
        checkpoints: [
          signedCheckpoint(other, { cosigners: both }),
          signedCheckpoint(main, { cosigners: ['w1.example', 'w2.example', 'w3.example'] }),
        ],
        proof,
      },
      { expected: { ok: true, cosignedBoth: ['w1.example', 'w3.example'] } },
    ),
    good(
      'good-intake-log',
      'a log that the policy does not name, and the user does',
      { checkpoints: intake },
      { logVkeys: [vkeyOf(INTAKE, 0x01)] },
    ),
    bad('same-checkpoint', 'one checkpoint twice', { checkpoints: [small, small] }, [
      'contradiction',
      'do not contradict',
    ]),
    bad('honest-growth', 'a log that only grew', { checkpoints: [honest, large], proof }, [
      'contradiction',
      'begins with the smaller',
    ]),
    bad(
      'honest-growth-with-invented-root',
      'a root that the larger tree never had',
      { checkpoints: [honest, large], proof: { ...proof, root: rootOfLeaves(other) } },
      ['contradiction', 'does not show'],
    ),
    bad(
      'proof-of-another-size',
      'what the larger tree had at another size',
      { checkpoints: [honest, large], proof: await proofOf(main, 6) },
      ['contradiction', 'does not show'],
    ),
    bad(
      'proof-cut-short',
      'a proof without its last hash',
      { checkpoints: [small, large], proof: { ...proof, hashes: proof.hashes.slice(0, -1) } },
      ['contradiction', 'does not show'],
    ),
    bad(
      'no-proof-hashes',
      'no proof where one is needed',
      { checkpoints: [small, large], proof: { ...proof, hashes: [] } },
      ['contradiction', 'does not show'],
    ),
    bad(
      'forged-signature',
      'the second checkpoint signed by another key of the log’s name',
      { checkpoints: [small, signedCheckpoint(main, { signer: 'forger' })], proof },
      ['signatures', 'checkpoint 2 is not signed'],
    ),
    bad(
      'altered-root',
      'a signed checkpoint whose root was changed afterwards',
      {
        checkpoints: [
          small,
          honest.replace(encodeBase64(rootOfLeaves(main.slice(0, 7))), encodeBase64(EMPTY_ROOT)),
        ],
      },
      ['signatures', 'checkpoint 2 is not signed'],
    ),
    bad(
      'two-logs',
      'checkpoints of two logs',
      { checkpoints: [small, signedCheckpoint(main.slice(0, 7), { origin: 'acme.example/keys' })] },
      ['signatures', 'two logs'],
    ),
    bad('unknown-log', 'a log that nobody vouches for', { checkpoints: intake }, ['signatures', 'neither']),
    bad('policy-malformed', 'no policy', { checkpoints: [small, honest] }, ['policy', 'policy'], {
      policy: 'quorum none\n',
    }),
    bad(
      'larger-first',
      'the larger checkpoint first',
      goodText.replace(JSON.stringify([small, large]), JSON.stringify([large, small])),
      ['evidence', 'larger checkpoint stands first'],
    ),
    bad('proof-missing', 'sizes differ, and there is no proof', goodText.replace(/,"proof":.*$/, '}'), [
      'evidence',
      'exactly where the sizes',
    ]),
    bad('unknown-member', 'a member that nobody knows', goodText.replace('{', '{"a":1,'), [
      'evidence',
      'malformed',
    ]),
    bad('not-canonical', 'a space too many', `${goodText} `, ['evidence', 'canonical']),
    bad('not-json', 'cut off', goodText.slice(0, -3), ['evidence', 'JSON']),
    bad('malformed-checkpoint', 'a checkpoint that is none', goodText.replace('\\n300\\n', '\\n0300\\n'), [
      'evidence',
      'second checkpoint',
    ]),
    bad(
      'lenient-base64',
      'a root without its padding',
      goodText.replace(/"root":"([^"]+)="/, '"root":"$1"'),
      ['evidence', 'base64'],
    ),
  ];
}
