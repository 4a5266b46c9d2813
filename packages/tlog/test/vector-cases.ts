// Every vector file turned into named cases, without a test framework: the same module runs in Node and, bundled,
// in Chromium.

import * as v from 'valibot';
import {
  cosignatureSigner,
  decodeBase64,
  decodeHex,
  encodeBase64,
  encodeHex,
  formatBundlePath,
  formatCheckpoint,
  formatEntryBundle,
  formatNote,
  formatProof,
  formatTilePath,
  formatTreeSizeLine,
  formatVkey,
  hashLeaf,
  inclusionProof,
  consistencyProof,
  formatAddCheckpoint,
  type NoteVerifier,
  openCheckpoint,
  openNote,
  parseAddCheckpoint,
  parseBundlePath,
  parseCheckpoint,
  parseEntryBundle,
  parseNote,
  parsePolicy,
  parseProof,
  parseSignatureLines,
  parseTilePath,
  parseTreeSizeLine,
  parseVkey,
  rootOfLeaves,
  subtreeConsistencyProof,
  subtreeRoot,
  TlogError,
  tileNodeReader,
  tilesOfTree,
  treeRoot,
  verifyCheckpoint,
  verifyConsistency,
  verifyCosignature,
  verifyEd25519,
  verifyInclusion,
  verifyProof,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '../src/index.ts';
import {
  mlDsa44Key,
  mlDsa44Verifier,
  parseVkey as parseAnyVkey,
  verifyMlDsa44,
  verifySubtreeCosignature,
} from '../src/ml-dsa.ts';

/** Path below vectors/ → content, in Base 64 so that it passes into a browser unharmed. */
export type VectorFiles = Readonly<Record<string, string>>;

export interface VectorCase {
  readonly name: string;
  /** Throws an Error that says what differs. */
  readonly run: () => void | Promise<void>;
}

/** Runs every case; resolves with one line per failure. */
export async function runVectors(files: VectorFiles): Promise<{ cases: number; failures: string[] }> {
  const cases = vectorCases(files);
  const failures: string[] = [];
  for (const { name, run } of cases) {
    try {
      await run();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { cases: cases.length, failures };
}

export function vectorCases(files: VectorFiles): VectorCase[] {
  return [
    ...merkleInclusion(files),
    ...merkleConsistency(files),
    ...merkleSubtreeInclusion(files),
    ...merkleSubtreeConsistency(files),
    ...torchwoodSubtrees(files),
    ...torchwoodCosignatures(files),
    ...torchwoodRequests(files),
    ...wycheproof(files),
    ...goTree(files),
    ...goNewTiles(files),
    ...tesseraLog(files),
    ...ed25519(files),
    ...['c2sp/note.json', 'golang-mod/note.json', 'vitrine/note.json'].flatMap((path) => notes(files, path)),
    ...['golang-mod/checkpoint.json', 'vitrine/checkpoint.json'].flatMap((path) => checkpoints(files, path)),
    ...base64(files),
    ...tilePaths(files),
    ...bundles(files),
    ...cosignatures(files),
    ...policies(files),
    ...verdicts(files),
    ...proofs(files),
  ];
}

const hashes = v.nullable(v.array(v.string()));
const errorCode = v.optional(v.string());

function merkleInclusion(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    file: v.string(),
    leafIdx: v.number(),
    treeSize: v.number(),
    root: v.string(),
    leafHash: v.string(),
    proof: hashes,
    wantErr: v.boolean(),
  });
  return readList(files, 'transparency-dev-merkle/inclusion.json', schema).map((vector) => ({
    name: vector.file,
    run: () => {
      const verdict = verifyInclusion({
        leafHash: decodeBase64(vector.leafHash),
        leafIndex: vector.leafIdx,
        treeSize: vector.treeSize,
        proof: (vector.proof ?? []).map(decodeBase64),
        root: decodeBase64(vector.root),
      });
      same(verdict, !vector.wantErr);
    },
  }));
}

function merkleConsistency(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    file: v.string(),
    size1: v.number(),
    size2: v.number(),
    root1: v.string(),
    root2: v.string(),
    proof: hashes,
    wantErr: v.boolean(),
  });
  return readList(files, 'transparency-dev-merkle/consistency.json', schema).map((vector) => ({
    name: vector.file,
    run: () => {
      const verdict = verifyConsistency({
        oldSize: vector.size1,
        newSize: vector.size2,
        oldRoot: decodeBase64(vector.root1),
        newRoot: decodeBase64(vector.root2),
        proof: (vector.proof ?? []).map(decodeBase64),
      });
      same(verdict, !vector.wantErr);
    },
  }));
}

function merkleSubtreeInclusion(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    file: v.string(),
    leafIdx: v.number(),
    start: v.number(),
    end: v.number(),
    root: v.string(),
    leafHash: v.string(),
    proof: hashes,
    wantErr: v.boolean(),
  });
  return readList(files, 'transparency-dev-merkle/subtree-inclusion.json', schema).map((vector) => ({
    name: vector.file,
    run: () => {
      const verdict = verifySubtreeInclusion({
        leafHash: decodeBase64(vector.leafHash),
        leafIndex: vector.leafIdx,
        start: vector.start,
        end: vector.end,
        proof: (vector.proof ?? []).map(decodeBase64),
        subtreeRoot: decodeBase64(vector.root),
      });
      same(verdict, !vector.wantErr);
    },
  }));
}

function merkleSubtreeConsistency(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    file: v.string(),
    start: v.number(),
    end: v.number(),
    size: v.number(),
    root1: v.string(),
    root2: v.string(),
    proof: hashes,
    wantErr: v.boolean(),
  });
  return readList(files, 'transparency-dev-merkle/subtree-consistency.json', schema).map((vector) => ({
    name: vector.file,
    run: () => {
      const verdict = verifySubtreeConsistency({
        start: vector.start,
        end: vector.end,
        treeSize: vector.size,
        subtreeRoot: decodeBase64(vector.root1),
        root: decodeBase64(vector.root2),
        proof: (vector.proof ?? []).map(decodeBase64),
      });
      same(verdict, !vector.wantErr);
    },
  }));
}

function torchwoodSubtrees(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    start: v.number(),
    end: v.number(),
    size: v.number(),
    subtreeRoot: v.string(),
    proof: v.array(v.string()),
  });
  const leaves = Array.from({ length: 70 }, (_, i) => hashLeaf(utf8(`leaf ${i}`)));
  const tiles = tilesOfLeaves(leaves);
  return readList(files, 'torchwood/subtree-consistency.json', schema).map((vector) => ({
    name: `torchwood subtree ${vector.start} to ${vector.end} of ${vector.size}`,
    run: async () => {
      const { start, end, size: treeSize } = vector;
      const reader = tileNodeReader(treeSize, (tile) =>
        Promise.resolve(tiles.get(formatTilePath({ ...tile, width: 256 })) ?? new Uint8Array()),
      );
      const hash = await subtreeRoot({ start, end }, reader);
      const proof = await subtreeConsistencyProof({ start, end }, treeSize, reader);
      same(encodeBase64(hash), vector.subtreeRoot);
      same(proof.map(encodeBase64), vector.proof);
      const root = rootOfLeaves(leaves.slice(0, treeSize));
      same(verifySubtreeConsistency({ start, end, treeSize, subtreeRoot: hash, root, proof }), true);
    },
  }));
}

function torchwoodCosignatures(files: VectorFiles): VectorCase[] {
  const common = { seed: v.string(), vkey: v.string() };
  const schema = v.variant('kind', [
    v.object({ kind: v.literal('checkpoint'), ...common, note: v.string() }),
    v.object({
      kind: v.literal('subtree'),
      ...common,
      origin: v.string(),
      start: v.number(),
      end: v.number(),
      hash: v.string(),
      line: v.string(),
    }),
  ]);
  const keyOf = (vector: v.InferOutput<typeof schema>): NoteVerifier => {
    const verifier = parseAnyVkey(vector.vkey);
    const { publicKey } = mlDsa44Key(verifier.name, decodeBase64(vector.seed));
    same(formatVkey(mlDsa44Verifier(verifier.name, publicKey)), vector.vkey);
    return verifier;
  };
  return readList(files, 'torchwood/ml-dsa-cosignature.json', schema).map((vector, i) => ({
    name: `torchwood ML-DSA-44 cosignature ${i} of a ${vector.kind}`,
    run: () => {
      const verifier = keyOf(vector);
      if (vector.kind === 'checkpoint') {
        const { text, signatures } = openNote(vector.note, [verifier]);
        same(signatures.length, 1);
        refuses(['bad-signature'], () => openNote(vector.note.replace(text, `x${text}`), [verifier]));
        return;
      }
      const [signature] = parseSignatureLines(vector.line);
      same([signature?.name, signature?.keyId], [verifier.name, verifier.keyId]);
      const { origin, start, end } = vector;
      const subtree = { origin, start, end, hash: decodeBase64(vector.hash) };
      const bytes = signature?.signature ?? new Uint8Array();
      same(verifySubtreeCosignature(verifier, subtree, bytes)?.timeSeconds, 0);
      same(verifySubtreeCosignature(verifier, { ...subtree, origin: 'other.example' }, bytes), undefined);
    },
  }));
}

function torchwoodRequests(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    file: v.string(),
    vkey: v.string(),
    body: v.string(),
    status: v.number(),
    answer: v.optional(v.string()),
  });
  return readList(files, 'torchwood/add-checkpoint.json', schema).map((vector, i) => ({
    name: `torchwood add-checkpoint ${i} (${vector.status})`,
    run: () => {
      const verifier = parseAnyVkey(vector.vkey);
      if (vector.status === 400) {
        refuses(['malformed-request'], () => parseAddCheckpoint(vector.body));
        return;
      }
      if (vector.status === 403) {
        // Go's Base 64 ignores the stray bits by which this signature differs; ours refuses the request for them.
        refuses(['bad-signature', 'malformed-request'], () => {
          openCheckpoint(parseAddCheckpoint(vector.body).checkpointNote, verifier);
        });
        return;
      }
      const { oldSize, proof, checkpointNote, claimed } = parseAddCheckpoint(vector.body);
      same(formatAddCheckpoint({ oldSize, proof, checkpointNote }), vector.body);
      same(claimed.origin === verifier.name, vector.status !== 404);
      if (vector.status !== 404) same(openCheckpoint(checkpointNote, verifier).checkpoint, claimed);
      if (vector.answer !== undefined)
        same(formatTreeSizeLine(parseTreeSizeLine(vector.answer)), vector.answer);
    },
  }));
}

function wycheproof(files: VectorFiles): VectorCase[] {
  const group = v.object({
    publicKey: v.string(),
    tests: v.array(
      v.object({
        tcId: v.number(),
        comment: v.string(),
        msg: v.string(),
        sig: v.string(),
        valid: v.boolean(),
      }),
    ),
  });
  const keys = v.object({ seed: v.string(), publicKey: v.string() });
  return [
    ...readList(files, 'wycheproof/ml-dsa-44-verify.json', group).flatMap(({ publicKey, tests }) =>
      tests.map(({ tcId, comment, msg, sig, valid }) => ({
        name: `wycheproof ML-DSA-44 ${tcId} ${comment}`,
        run: () => {
          const key = decodeBase64(publicKey);
          same(verifyMlDsa44(key, decodeBase64(msg), decodeBase64(sig)), valid);
        },
      })),
    ),
    ...readList(files, 'wycheproof/ml-dsa-44-keys.json', keys).map(({ seed, publicKey }, i) => ({
      name: `wycheproof ML-DSA-44 key ${i}`,
      run: () => {
        const key = mlDsa44Key('wycheproof', decodeBase64(seed));
        same(encodeBase64(key.publicKey), publicKey);
        same(verifyMlDsa44(key.publicKey, utf8('message'), key.sign(utf8('message'))), true);
      },
    })),
  ];
}

function goTree(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    helloWorldLeafHash: v.string(),
    roots: v.array(v.object({ size: v.number(), root: v.string() })),
    inclusion: v.array(v.object({ index: v.number(), size: v.number(), proof: v.array(v.string()) })),
    consistency: v.array(v.object({ oldSize: v.number(), newSize: v.number(), proof: v.array(v.string()) })),
  });
  const vector = v.parse(schema, readJson(files, 'golang-mod/tree.json'));
  const leaves = Array.from({ length: 1000 }, (_, i) => hashLeaf(utf8(`leaf ${i}`)));
  const tiles = tilesOfLeaves(leaves);
  const readTile = (path: string): Promise<Uint8Array> =>
    Promise.resolve(tiles.get(path) ?? new Uint8Array());
  const reader = (size: number) =>
    tileNodeReader(size, (tile) => readTile(formatTilePath({ ...tile, width: 256 })));
  return [
    {
      name: 'golang-mod leaf hash',
      run: () => same(encodeBase64(hashLeaf(utf8('hello world'))), vector.helloWorldLeafHash),
    },
    ...vector.roots.map(({ size, root }) => ({
      name: `golang-mod root of ${size}`,
      run: async () => {
        same(encodeBase64(rootOfLeaves(leaves.slice(0, size))), root);
        same(encodeBase64(await treeRoot(size, reader(size))), root);
      },
    })),
    ...vector.inclusion.map(({ index, size, proof }) => ({
      name: `golang-mod inclusion of ${index} in ${size}`,
      run: async () => same((await inclusionProof(index, size, reader(size))).map(encodeBase64), proof),
    })),
    ...vector.consistency.map(({ oldSize, newSize, proof }) => ({
      name: `golang-mod consistency of ${oldSize} in ${newSize}`,
      run: async () => {
        same((await consistencyProof(oldSize, newSize, reader(newSize))).map(encodeBase64), proof);
      },
    })),
  ];
}

/** Tiles of 1,000 leaves, padded with zeroes to full width: a reader takes the first hashes only. */
function tilesOfLeaves(leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  const roots: Uint8Array[] = [];
  const pack = (parts: readonly Uint8Array[]): Uint8Array => {
    const bytes = new Uint8Array(8192);
    parts.forEach((part, i) => bytes.set(part, i * 32));
    return bytes;
  };
  for (let index = 0; index * 256 < leaves.length; index++) {
    const part = leaves.slice(index * 256, (index + 1) * 256);
    tiles.set(formatTilePath({ level: 0, index, width: 256 }), pack(part));
    if (part.length === 256) roots.push(rootOfLeaves(part));
  }
  tiles.set(formatTilePath({ level: 1, index: 0, width: 256 }), pack(roots));
  return tiles;
}

function goNewTiles(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    oldSize: v.number(),
    newSize: v.number(),
    count: v.number(),
    last: v.array(v.string()),
  });
  return readList(files, 'golang-mod/new-tiles.json', schema).map(({ oldSize, newSize, count, last }) => ({
    name: `golang-mod new tiles from ${oldSize} to ${newSize}`,
    run: () => {
      const paths = Array.from(tilesOfTree(newSize, oldSize), formatTilePath);
      same(paths.length, count);
      same(paths.slice(-last.length), last.length === 0 ? paths : last);
    },
  }));
}

function tesseraLog(files: VectorFiles): VectorCase[] {
  const { vkey, origin } = v.parse(
    v.object({ vkey: v.string(), origin: v.string() }),
    readJson(files, 'tessera/log.json'),
  );
  const verifier = parseVkey(vkey);
  const size = 15;
  const leavesAt = (width: number): Uint8Array[] =>
    parseEntryBundle(readBytes(files, `tessera/log/${formatBundlePath({ index: 0, width })}`), width).map(
      hashLeaf,
    );
  return Array.from({ length: size + 1 }, (_, treeSize) => ({
    name: `tessera checkpoint.${treeSize}`,
    run: async () => {
      const { checkpoint } = openCheckpoint(readBytes(files, `tessera/log/checkpoint.${treeSize}`), verifier);
      same(checkpoint.origin, origin);
      same(checkpoint.treeSize, treeSize);
      const reader = tileNodeReader(treeSize, (tile) =>
        Promise.resolve(readBytes(files, `tessera/log/${formatTilePath(tile)}`)),
      );
      same(encodeHex(await treeRoot(treeSize, reader)), encodeHex(checkpoint.root));
      const leaves = treeSize === 0 ? [] : leavesAt(treeSize);
      same(encodeHex(rootOfLeaves(leaves)), encodeHex(checkpoint.root));
      for (const [leafIndex, leafHash] of leaves.entries()) {
        const proof = await inclusionProof(leafIndex, treeSize, reader);
        same(verifyInclusion({ leafHash, leafIndex, treeSize, proof, root: checkpoint.root }), true);
      }
      for (let oldSize = 0; oldSize <= treeSize; oldSize++) {
        const old = openCheckpoint(
          readBytes(files, `tessera/log/checkpoint.${oldSize}`),
          verifier,
        ).checkpoint;
        const proof = await consistencyProof(oldSize, treeSize, reader);
        const claim = { oldSize, newSize: treeSize, oldRoot: old.root, newRoot: checkpoint.root, proof };
        same(verifyConsistency(claim), true);
      }
    },
  }));
}

function ed25519(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    number: v.number(),
    key: v.string(),
    sig: v.string(),
    msg: v.string(),
    flags: v.nullable(v.array(v.string())),
  });
  return readList(files, 'cctv/ed25519.json', schema).map((vector) => ({
    name: `cctv ed25519 ${vector.number}`,
    run: () => {
      // The rule of src/ed25519.ts, in the words of the vectors' README.
      const refused = ['non_canonical_R', 'low_order_residue', 'low_order_A', 'low_order_R'];
      const valid = !(vector.flags ?? []).some((flag) => refused.includes(flag));
      same(verifyEd25519(decodeHex(vector.key), utf8(vector.msg), decodeHex(vector.sig)), valid);
    },
  }));
}

function notes(files: VectorFiles, path: string): VectorCase[] {
  const schema = v.object({
    vkeys: v.optional(v.array(v.object({ vkey: v.string(), valid: v.boolean() })), []),
    notes: v.array(
      v.object({
        comment: v.string(),
        note: v.optional(v.string()),
        noteBase64: v.optional(v.string()),
        vkeys: v.array(v.string()),
        text: v.optional(v.string()),
        verified: v.optional(v.array(v.string())),
        error: errorCode,
      }),
    ),
  });
  const vectors = v.parse(schema, readJson(files, path));
  return [
    ...vectors.vkeys.map(({ vkey, valid }, i) => ({
      name: `${path} vkey ${i} ${JSON.stringify(vkey)}`,
      run: () => {
        if (!valid) {
          refuses(['malformed-vkey', 'unsupported-key-type'], () => parseVkey(vkey));
          return;
        }
        same(formatVkey(parseVkey(vkey)), vkey);
      },
    })),
    ...vectors.notes.map((vector) => ({
      name: `${path} ${vector.comment}`,
      run: () => {
        const note = vector.note ?? decodeBase64(vector.noteBase64 ?? '');
        const verifiers = vector.vkeys.map(parseVkey);
        if (vector.error !== undefined) {
          refuses([vector.error], () => openNote(note, verifiers));
          return;
        }
        const opened = openNote(note, verifiers);
        same(opened.text, vector.text);
        const keys = opened.signatures.map(({ name, verifier }) => {
          return `${name}+${verifier.keyId.toString(16).padStart(8, '0')}`;
        });
        same(keys, vector.verified);
        same(formatNote(parseNote(note)), vector.note);
      },
    })),
  ];
}

function checkpoints(files: VectorFiles, path: string): VectorCase[] {
  const schema = v.object({
    text: v.string(),
    origin: v.optional(v.string()),
    treeSize: v.optional(v.number()),
    root: v.optional(v.string()),
    extensions: v.optional(v.array(v.string())),
    error: errorCode,
  });
  return readList(files, path, schema).map((vector, i) => ({
    name: `${path} ${i} ${JSON.stringify(vector.text.slice(0, 60))}`,
    run: () => {
      if (vector.error !== undefined) {
        refuses([vector.error], () => parseCheckpoint(vector.text));
        return;
      }
      const { origin, treeSize, root, extensions } = parseCheckpoint(vector.text);
      same([origin, treeSize, encodeBase64(root)], [vector.origin, vector.treeSize, vector.root]);
      same(extensions, vector.extensions);
      same(formatCheckpoint({ origin, treeSize, root, extensions }), vector.text);
    },
  }));
}

function base64(files: VectorFiles): VectorCase[] {
  const schema = v.object({ text: v.string(), hex: v.optional(v.string()), error: errorCode });
  return readList(files, 'vitrine/base64.json', schema).map(({ text, hex, error }) => ({
    name: `base64 ${JSON.stringify(text)}`,
    run: () => {
      if (error !== undefined) {
        refuses([error], () => decodeBase64(text));
        return;
      }
      same(encodeHex(decodeBase64(text)), hex);
      same(encodeBase64(decodeHex(hex ?? '')), text);
    },
  }));
}

function tilePaths(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    path: v.string(),
    kind: v.picklist(['tile', 'bundle']),
    level: v.optional(v.number()),
    index: v.optional(v.number()),
    width: v.optional(v.number()),
    error: errorCode,
  });
  return readList(files, 'vitrine/tile-path.json', schema).map(
    ({ path, kind, level, index, width, error }) => ({
      name: `${kind} path ${JSON.stringify(path)}`,
      run: () => {
        const parse = kind === 'tile' ? parseTilePath : parseBundlePath;
        if (error !== undefined) {
          refuses([error], () => parse(path));
          return;
        }
        if (kind === 'tile') {
          const tile = parseTilePath(path);
          same([tile.level, tile.index, tile.width], [level, index, width]);
          same(formatTilePath(tile), path);
        } else {
          const bundle = parseBundlePath(path);
          same([bundle.index, bundle.width], [index, width]);
          same(formatBundlePath(bundle), path);
        }
      },
    }),
  );
}

function bundles(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    comment: v.string(),
    hex: v.string(),
    width: v.number(),
    entries: v.optional(v.array(v.string())),
    error: errorCode,
  });
  return readList(files, 'vitrine/bundle.json', schema).map(({ comment, hex, width, entries, error }) => ({
    name: `bundle ${comment}`,
    run: () => {
      if (error !== undefined) {
        refuses([error], () => parseEntryBundle(decodeHex(hex), width));
        return;
      }
      const parsed = parseEntryBundle(decodeHex(hex), width);
      same(parsed.map(encodeHex), entries);
      same(encodeHex(formatEntryBundle(parsed)), hex);
    },
  }));
}

function cosignatures(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    comment: v.string(),
    vkey: v.string(),
    text: v.string(),
    signature: v.string(),
    timeSeconds: v.nullable(v.number()),
  });
  return readList(files, 'vitrine/cosignature.json', schema).map((vector) => ({
    name: `cosignature ${vector.comment}`,
    run: () => {
      const verifier = parseVkey(vector.vkey);
      const signature = decodeBase64(vector.signature);
      const verdict = verifyCosignature(verifier, vector.text, signature);
      same(verdict?.timeSeconds ?? null, vector.timeSeconds);
      same(verifier.verify(utf8(vector.text), signature), vector.timeSeconds !== null);
      if (vector.timeSeconds === null) return;
      const { timeSeconds } = vector;
      const stored = {
        name: verifier.name,
        publicKey: verifier.publicKey,
        sign: () => signature.subarray(8),
      };
      const resigned = cosignatureSigner(stored, () => timeSeconds).sign(utf8(vector.text));
      same(encodeHex(resigned), encodeHex(signature));
    },
  }));
}

function policies(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    comment: v.string(),
    policy: v.optional(v.string()),
    policyBase64: v.optional(v.string()),
    logs: v.optional(v.number()),
    witnesses: v.optional(v.number()),
    groups: v.optional(v.number()),
    comments: v.optional(v.array(v.object({ line: v.number(), text: v.string() }))),
    error: errorCode,
    line: v.optional(v.number()),
  });
  return readList(files, 'vitrine/policy.json', schema).map((vector) => ({
    name: `policy ${vector.comment}`,
    run: () => {
      const source = vector.policy ?? decodeBase64(vector.policyBase64 ?? '');
      if (vector.error !== undefined) {
        const where =
          vector.line === undefined ? 'malformed policy: ' : `malformed policy: line ${vector.line}: `;
        refuses([vector.error], () => parsePolicy(source), where);
        return;
      }
      const { logs, witnesses, groups, comments } = parsePolicy(source);
      same([logs.length, witnesses.length, groups.length], [vector.logs, vector.witnesses, vector.groups]);
      same(comments, vector.comments ?? []);
    },
  }));
}

function verdicts(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    comment: v.string(),
    policy: v.string(),
    note: v.string(),
    ok: v.boolean(),
    timeSeconds: v.optional(v.nullable(v.number())),
    cosigners: v.optional(v.array(v.string())),
  });
  return readList(files, 'vitrine/verdict.json', schema).map((vector) => ({
    name: `verdict ${vector.comment}`,
    run: () => {
      const verdict = verifyCheckpoint(vector.note, parsePolicy(vector.policy));
      same(verdict.ok, vector.ok);
      if (!verdict.ok) return;
      same(verdict.timeSeconds ?? null, vector.timeSeconds);
      same(
        verdict.cosignatures.map(({ witness }) => witness.name),
        vector.cosigners,
      );
    },
  }));
}

function proofs(files: VectorFiles): VectorCase[] {
  const schema = v.object({
    comment: v.string(),
    proof: v.string(),
    policy: v.optional(v.string(), 'quorum none\n'),
    leafHash: v.optional(v.string(), ''),
    ok: v.optional(v.boolean()),
    timeSeconds: v.optional(v.number()),
    index: v.optional(v.number()),
    extra: v.optional(v.string()),
    error: errorCode,
  });
  return readList(files, 'vitrine/proof.json', schema).map((vector) => ({
    name: `proof ${vector.comment}`,
    run: () => {
      if (vector.error !== undefined) {
        refuses([vector.error], () => parseProof(vector.proof));
        return;
      }
      const proof = parseProof(vector.proof);
      same(proof.index, vector.index);
      same(proof.extra === undefined ? undefined : encodeBase64(proof.extra), vector.extra);
      same(formatProof(proof), vector.proof);
      const policy = parsePolicy(vector.policy);
      const verdict = verifyProof({ leafHash: decodeBase64(vector.leafHash), proof, policy });
      same(verdict.ok, vector.ok);
      if (verdict.ok) same(verdict.timeSeconds, vector.timeSeconds);
    },
  }));
}

function readBytes(files: VectorFiles, path: string): Uint8Array {
  const content = files[path];
  if (content === undefined) throw new Error(`vectors/${path} is missing`);
  return decodeBase64(content);
}

function readJson(files: VectorFiles, path: string): unknown {
  return JSON.parse(new TextDecoder().decode(readBytes(files, path)));
}

function readList<S extends v.GenericSchema>(
  files: VectorFiles,
  path: string,
  schema: S,
): v.InferOutput<S>[] {
  return v.parse(v.array(schema), readJson(files, path));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`got ${a}, expected ${b}`);
}

function refuses(codes: readonly string[], run: () => unknown, messageStart = ''): void {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    same(codes.includes(error.code) ? codes : error.code, codes);
    if (!error.message.startsWith(messageStart)) {
      throw new Error(`got "${error.message}", expected "${messageStart}..."`, { cause: error });
    }
    return;
  }
  throw new Error(`accepted ${JSON.stringify(result)}, expected ${codes.join(' or ')}`);
}
