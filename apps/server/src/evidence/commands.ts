/** Builds evidence files: a statement's leaf, what it depends on, their proofs, the cosigned checkpoint and the whole keys log (docs/formats/evidence.md). */
import { MAX_ARTIFACT_LIST_BYTES } from '@vitrine/statements';
import { EvidenceError, formatEvidence } from '@vitrine/verifier';
import type { ProvenLeaf } from '@vitrine/verifier';
import { parseCheckpoint, parseNote } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import type { LogView, PublishedCheckpoint } from '../log/log.ts';
import { isSecret } from '../projection/bodies.ts';
import type { Projector } from '../projection/projector.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Vault } from '../vault/vault.ts';

/** Reasons longer than this stay out of the evidence; their digest is in it. */
const MAX_EMBEDDED_REASON_BYTES = 64 * 1024;
const PUBLICATION_WAIT_MS = 30_000;

export interface EvidenceOptions {
  readonly root: LogView;
  readonly keys: LogView;
  /** The newest checkpoint of the root log, cosigned anew where this centre writes it, looked for anew where it follows it. */
  readonly freshest: () => Promise<PublishedCheckpoint>;
  readonly db: ReadDb;
  readonly projector: Projector;
  readonly vault: Vault;
  /** A cosignature older than this is renewed before evidence is given at the newest size. */
  readonly maxAgeMs: number;
  readonly nowMs: () => number;
}

export interface ArtifactQuery {
  readonly sha256: string;
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  readonly rootSize?: number | undefined;
}

export interface EvidenceMaker {
  /** @throws CentreError `not-found`, `root-size-not-kept`, `not-published-yet` */
  ofArtifact(query: ArtifactQuery): Promise<Uint8Array>;
  /** Waits up to 30 s until the statement is published. @throws CentreError as {@link ofArtifact} */
  ofStatement(digest: string, rootSize: number | undefined): Promise<Uint8Array>;
}

export function createEvidenceMaker({
  root,
  keys,
  freshest,
  db,
  projector,
  vault,
  maxAgeMs,
  nowMs,
}: EvidenceOptions): EvidenceMaker {
  async function checkpointFor(rootSize: number | undefined): Promise<PublishedCheckpoint> {
    if (rootSize !== undefined) {
      const kept = await root.checkpointAt(rootSize);
      if (kept === null)
        throw new CentreError(
          'root-size-not-kept',
          `No checkpoint of root size ${rootSize} was published here; the newest has size ${root.published.size}.`,
        );
      return kept;
    }
    const newest = root.published;
    if (nowMs() - newest.cosignedAt * 1000 <= maxAgeMs) return newest;
    return freshest();
  }

  async function statementOf(leafIndex: number, checkpoint: PublishedCheckpoint): Promise<ProvenLeaf> {
    const { leaf } = await root.readEntry(leafIndex);
    const hashes = await root.inclusionProof(leafIndex, checkpoint.size);
    return { leaf, proof: { index: leafIndex, hashes, checkpointNote: checkpoint.note } };
  }

  async function keysOf(
    checkpoint: PublishedCheckpoint,
  ): Promise<{ checkpoint: string; leaves: Uint8Array[] }> {
    const note = checkpoint.companions[keys.name];
    if (note === undefined)
      throw new CentreError(
        'root-size-not-kept',
        `The checkpoint of root size ${checkpoint.size} was kept without one of the keys log.`,
      );
    const { treeSize } = parseCheckpoint(parseNote(note).text);
    const leaves: Uint8Array[] = [];
    for await (const entry of keys.readEntries(0, treeSize)) leaves.push(entry.leaf);
    return { checkpoint: note, leaves };
  }

  async function assemble(
    indices: readonly number[],
    bodies: readonly { readonly digest: string; readonly maxBytes: number }[],
    checkpoint: PublishedCheckpoint,
  ): Promise<Uint8Array> {
    const embedded: Uint8Array[] = [];
    for (const { digest, maxBytes } of bodies) {
      if (await isSecret(db, digest)) continue;
      const status = await vault.status(digest);
      if (status.state === 'stored' && status.sizeBytes <= maxBytes)
        embedded.push(await vault.getBytes(digest, { maxBytes }));
    }
    const statements = await Promise.all(indices.map((index) => statementOf(index, checkpoint)));
    const wholeKeys = await keysOf(checkpoint);
    try {
      return formatEvidence({ statements, keys: wholeKeys, bodies: embedded });
    } catch (cause) {
      if (cause instanceof EvidenceError && cause.code === 'too-large')
        throw new CentreError('evidence-too-large', cause.message, { cause });
      throw cause;
    }
  }

  /** The statement, then the release it depends on, then every withdrawal of that release, as of this checkpoint. */
  async function about(
    leafIndex: number,
    releaseDigest: string | undefined,
    checkpoint: PublishedCheckpoint,
  ): Promise<Uint8Array> {
    if (releaseDigest === undefined) return assemble([leafIndex], [], checkpoint);
    const release = await db
      .selectFrom('releases')
      .select(['leaf_index', 'artifact_list'])
      .where('digest', '=', releaseDigest)
      .executeTakeFirstOrThrow();
    const withdrawals = await db
      .selectFrom('withdrawals')
      .select(['leaf_index', 'reason_digest'])
      .where('release_digest', '=', releaseDigest)
      .where('leaf_index', '<', checkpoint.size)
      .orderBy('leaf_index')
      .execute();
    const indices = new Set([
      leafIndex,
      release.leaf_index,
      ...withdrawals.map((withdrawal) => withdrawal.leaf_index),
    ]);
    return assemble(
      [...indices],
      [
        { digest: release.artifact_list, maxBytes: MAX_ARTIFACT_LIST_BYTES },
        ...withdrawals.map(({ reason_digest: digest }) => ({ digest, maxBytes: MAX_EMBEDDED_REASON_BYTES })),
      ],
      checkpoint,
    );
  }

  return {
    async ofArtifact({ sha256, product, version, rootSize }) {
      const checkpoint = await checkpointFor(rootSize);
      await projector.whenFolded(checkpoint.size);
      let query = db
        .selectFrom('artifacts')
        .select(['leaf_index', 'release_digest'])
        .where('sha256', '=', sha256)
        .where('leaf_index', '<', checkpoint.size);
      if (product !== undefined) query = query.where('product', '=', product);
      if (version !== undefined) query = query.where('version', '=', version);
      const artifact = await query.orderBy('leaf_index', 'desc').executeTakeFirst();
      if (artifact === undefined)
        throw new CentreError(
          'not-found',
          `No release in this log names an artifact with the SHA-256 ${sha256} at root size ${checkpoint.size}.`,
        );
      return about(artifact.leaf_index, artifact.release_digest, checkpoint);
    },

    async ofStatement(digest, rootSize) {
      const deadline = AbortSignal.timeout(PUBLICATION_WAIT_MS);
      const find = () =>
        db
          .selectFrom('statements')
          .select(['leaf_index', 'predicate_type'])
          .where('digest', '=', digest)
          .orderBy('leaf_index')
          .executeTakeFirst();
      let found = await find();
      if (found === undefined && rootSize === undefined && root.size > projector.size) {
        await Promise.race([
          root.whenPublished(root.size - 1).then((checkpoint) => projector.whenFolded(checkpoint.size)),
          new Promise((_resolve, reject) => {
            deadline.addEventListener('abort', () =>
              reject(
                new CentreError('not-published-yet', 'The newest entries are not published yet. Try again.', {
                  retryAfterMs: 1000,
                }),
              ),
            );
          }),
        ]);
        found = await find();
      }
      if (found === undefined)
        throw new CentreError(
          'not-found',
          `No statement with the payload digest ${digest} stands in this log.`,
        );
      const checkpoint = await checkpointFor(rootSize);
      await projector.whenFolded(checkpoint.size);
      if (found.leaf_index >= checkpoint.size)
        throw new CentreError(
          'not-found',
          `The statement is entry ${found.leaf_index}, which root size ${checkpoint.size} does not cover yet.`,
        );
      const index = found.leaf_index;
      const artifact = await db
        .selectFrom('artifacts')
        .select('release_digest')
        .where('leaf_index', '=', index)
        .executeTakeFirst();
      const release = await db
        .selectFrom('releases')
        .select('digest')
        .where('leaf_index', '=', index)
        .executeTakeFirst();
      const withdrawal = await db
        .selectFrom('withdrawals')
        .select('reason_digest')
        .where('leaf_index', '=', index)
        .executeTakeFirst();
      // Evidence about a withdrawal holds no other statement: the withdrawal names its release by digest.
      if (withdrawal !== undefined)
        return assemble(
          [index],
          [{ digest: withdrawal.reason_digest, maxBytes: MAX_EMBEDDED_REASON_BYTES }],
          checkpoint,
        );
      return about(index, artifact?.release_digest ?? release?.digest, checkpoint);
    },
  };
}
