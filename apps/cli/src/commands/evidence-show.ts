/** `vitrine evidence show FILE`: what stands in an evidence file, decoded. Nothing in it is believed. */
import { parseStatementLeaf, StatementError } from '@vitrine/statements';
import {
  cosignatureTime,
  encodeBase64,
  encodeHex,
  parseCheckpoint,
  parseNote,
  TlogError,
} from '@vitrine/tlog';
import { EvidenceError, MAX_EVIDENCE_BYTES, parseEvidence } from '@vitrine/verifier';
import type { Evidence } from '@vitrine/verifier';
import { describeClaims, isForkEvidence, parseForkEvidence } from '@vitrine/verifier/fork';
import { reasonOf, refused } from '../failure.ts';
import { readBounded } from '../local-file.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';

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

/** @returns the exit code @throws Failure when the file cannot be read (2) or is no evidence (1) */
export async function evidenceShow(
  file: string,
  { json }: { readonly json?: boolean },
  terminal: Terminal,
): Promise<0> {
  const bytes = await readBounded(file, MAX_EVIDENCE_BYTES);
  let shown: { readonly json: unknown; readonly words: string };
  try {
    shown = isForkEvidence(bytes) ? showFork(bytes) : showStatements(parseEvidence(bytes));
  } catch (thrown) {
    if (thrown instanceof EvidenceError || thrown instanceof StatementError || thrown instanceof TlogError)
      throw refused(`${file} is not evidence: ${reasonOf(thrown)}`, thrown);
    throw thrown;
  }
  terminal.print(json === true ? `${JSON.stringify(shown.json)}\n` : printable(shown.words));
  return 0;
}

function showStatements(evidence: Evidence): { readonly json: unknown; readonly words: string } {
  const decoded = decode(evidence);
  return { json: decoded, words: inWords(decoded) };
}

function showFork(bytes: Uint8Array): { readonly json: unknown; readonly words: string } {
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
      'What the file says: that a log signed two histories. Nothing of it is verified here: vitrine evidence verify.',
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
    'What the file says. Nothing of it is verified here: vitrine verify, vitrine evidence verify.',
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
