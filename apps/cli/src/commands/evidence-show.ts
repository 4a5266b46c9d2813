/** `vitrine evidence show FILE`: what stands in an evidence file, decoded. Nothing in it is believed but what a policy, where one is given, makes of it. */
import { parseStatementLeaf, StatementError } from '@vitrine/statements';
import {
  cosignatureTime,
  encodeBase64,
  encodeHex,
  parseCheckpoint,
  parseNote,
  TlogError,
} from '@vitrine/tlog';
import { EvidenceError, parseEvidence } from '@vitrine/verifier';
import type { Evidence } from '@vitrine/verifier';
import { describeClaims, isForkEvidence, parseForkEvidence } from '@vitrine/verifier/fork';
import { judgeEvidence } from '../evidence-judgement.ts';
import { readEvidence } from '../evidence-renewal.ts';
import { reasonOf, refused } from '../failure.ts';
import { readPolicy } from '../policy-option.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { printVerdict } from '../verdict-output.ts';
import { waiting } from '../waiting.ts';

export interface EvidenceShowOptions {
  /** Adds the verdict below. */
  readonly policy?: string;
  /** The centre that is asked for the newest evidence about the same statement; that is then shown. */
  readonly server?: string;
  readonly json?: boolean;
}

interface ShownStatement {
  readonly index: number;
  readonly registeredAt: string;
  readonly payloadDigest: string;
  readonly signers: readonly string[];
  readonly statement: unknown;
}

interface ShownCheckpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly signatures: readonly { readonly name: string; readonly time: string | null }[];
}

/** @returns the exit code: 1 when a policy refuses it @throws Failure when the file cannot be read (2) or is no evidence (1) */
export async function evidenceShow(
  file: string,
  { json, policy: policyFile, server }: EvidenceShowOptions,
  terminal: Terminal,
): Promise<0 | 1> {
  const policy = policyFile === undefined ? undefined : await readPolicy(policyFile);
  const bytes = await readEvidence(file, server, waiting(terminal));
  let shown: { readonly json: object; readonly words: string };
  try {
    shown = isForkEvidence(bytes) ? showFork(bytes) : showStatements(parseEvidence(bytes));
  } catch (thrown) {
    if (thrown instanceof EvidenceError || thrown instanceof StatementError || thrown instanceof TlogError)
      throw refused(`${file} is not evidence: ${reasonOf(thrown)}`, thrown);
    throw thrown;
  }
  const verdict = policy === undefined ? undefined : judgeEvidence(bytes, policy);
  if (json === true) {
    terminal.print(`${JSON.stringify({ ...shown.json, verdict: verdict ?? null })}\n`);
    return verdict === undefined || verdict.ok ? 0 : 1;
  }
  terminal.print(printable(shown.words));
  if (verdict === undefined) return 0;
  terminal.print('\nUnder the policy:\n');
  return printVerdict(verdict, false, terminal);
}

function showStatements(evidence: Evidence): { readonly json: object; readonly words: string } {
  const decoded = decode(evidence);
  return { json: decoded, words: inWords(decoded) };
}

function showFork(bytes: Uint8Array): { readonly json: object; readonly words: string } {
  const fork = parseForkEvidence(bytes);
  const { checkpoints, proof } = fork;
  return {
    json: {
      checkpoints: checkpoints.map(showCheckpoint),
      proof:
        proof === undefined
          ? null
          : { root: encodeBase64(proof.root), hashes: proof.hashes.map((hash) => encodeBase64(hash)) },
    },
    words: [
      'What the file says: that a log signed two histories. None of it is verified by being shown: vitrine evidence verify.',
      '',
      ...describeClaims(fork),
      ...(proof === undefined
        ? []
        : [
            `The second is claimed to begin with another tree, whose root is ${encodeHex(proof.root)}; ${proof.hashes.length} hashes should prove it.`,
          ]),
      '',
    ].join('\n'),
  };
}

function decode({ statements, keys, bodies }: Evidence) {
  const [first] = statements;
  return {
    statements: statements.map(({ leaf, proof }) => showLeaf(leaf, proof.index)),
    checkpoint: first === undefined ? null : showCheckpoint(first.proof.checkpointNote),
    keysCheckpoint: showCheckpoint(keys.checkpoint),
    keys: keys.leaves.map((leaf, index) => showLeaf(leaf, index)),
    bodies: bodies.map((body) => showBody(body)),
  };
}

function showLeaf(leaf: Uint8Array, index: number): ShownStatement {
  const { registeredAtMs, statement, payloadDigest, envelope } = parseStatementLeaf(leaf);
  return {
    index,
    registeredAt: time(registeredAtMs),
    payloadDigest,
    signers: envelope.signatures.map(({ keyid }) => keyid),
    statement,
  };
}

function showCheckpoint(text: string): ShownCheckpoint {
  const note = parseNote(text);
  const { origin, treeSize, root } = parseCheckpoint(note.text);
  return {
    origin,
    size: treeSize,
    root: encodeBase64(root),
    signatures: note.signatures.map(({ name, signature }) => ({
      name,
      time: signature.length === 72 ? time(cosignatureTime(signature) * 1000) : null,
    })),
  };
}

function showBody(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return `${body.length} bytes that are not text`;
  }
}

/** A time far outside the calendar is shown as its number. */
function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

function inWords({
  statements,
  checkpoint,
  keysCheckpoint,
  keys,
  bodies,
}: ReturnType<typeof decode>): string {
  const lines = [
    'What the file says. None of it is verified by being shown: vitrine verify, vitrine evidence verify.',
    '',
  ];
  for (const { index, registeredAt, payloadDigest, signers, statement } of statements)
    lines.push(
      `Entry ${index}, registered ${registeredAt}, payload ${payloadDigest}`,
      ...signers.map((keyid) => `signed by ${keyid}`),
      JSON.stringify(statement, null, 2),
      '',
    );
  for (const one of [checkpoint, keysCheckpoint]) {
    if (one === null) continue;
    lines.push(
      `Checkpoint of ${one.origin}: size ${one.size}, root ${one.root}`,
      ...one.signatures.map((signature) =>
        signature.time === null
          ? `signed by ${signature.name}`
          : `cosigned by ${signature.name} at ${signature.time}`,
      ),
      '',
    );
  }
  lines.push(`The keys log, ${keys.length} entries:`);
  for (const { index, registeredAt, statement } of keys)
    lines.push(`${index}  ${registeredAt}  ${JSON.stringify(statement)}`);
  for (const body of bodies) lines.push('', 'A public body:', body);
  return `${lines.join('\n')}\n`;
}
