/** What happens when a release is published or withdrawn: objects arrive in the vault, then the signed statements are registered, all or none. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { AcceptedStatement, Publication, Upload, Visibility } from '@vitrine/api';
import {
  DocumentError,
  provenanceCoverage,
  validateProvenance,
  validateSbom,
} from '@vitrine/release-documents';
import {
  ARTIFACT_TYPE,
  MAX_ARTIFACT_LIST_BYTES,
  parseArtifactList,
  RELEASE_TYPE,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import type { ArtifactStatement, ReleaseStatement } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { LocalDb, LocalState } from '../local-state/schema.ts';
import type { Door, Registration, Submission } from '../registration/registration.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { ObjectStatus, Vault } from '../vault/vault.ts';
import type { Holdings } from './holdings.ts';
import { readObjects } from './object-stream.ts';
import { isPublisher, mayPublish } from './policy.ts';
import { MANIFEST_MAX_BYTES, summariseSource } from './source-summary.ts';

const REASON_MAX_BYTES = 1024 * 1024;
/** So many objects of a stream are made durable, and noted as received, at a time. */
const OBJECTS_NOTED_AT_ONCE = 8192;

export interface ReleaseCommandsOptions {
  readonly vault: Vault;
  readonly holdings: Holdings;
  readonly local: LocalDb;
  readonly read: ReadDb;
  readonly registration: Registration;
  /** The read models show everything registered before this resolves. */
  readonly caughtUp: () => Promise<void>;
  /** The same, but what is durable and cannot be shown yet is no error. */
  readonly caughtUpOrDurable: () => Promise<void>;
  readonly nowMs: () => number;
  readonly maxBodyBytes: number;
}

export interface ReleaseCommands {
  open(
    caller: string,
    request: { readonly product: string; readonly version: string; readonly snapshotSecret: string },
  ): Promise<Publication>;
  missing(
    caller: string,
    id: string,
    asked: { readonly visibility: Visibility; readonly digests: readonly string[] },
  ): Promise<string[]>;
  putObjects(
    caller: string,
    id: string,
    sent: { readonly visibility: Visibility; readonly stream: Readable },
  ): Promise<{ objects: number; bytes: number }>;
  openUpload(
    caller: string,
    id: string,
    upload: { readonly visibility: Visibility; readonly sha256: string; readonly sizeBytes: number },
  ): Promise<Upload>;
  continueUpload(
    caller: string,
    id: string,
    upload: {
      readonly visibility: Visibility;
      readonly sha256: string;
      readonly sizeBytes: number;
      readonly offsetBytes: number;
      readonly stream: Readable;
    },
  ): Promise<Upload>;
  commit(caller: string, id: string, envelopes: readonly string[]): Promise<AcceptedStatement[]>;
  /** What a withdrawal must meet beyond the registration policy. */
  readonly withdrawalDoor: Door;
}

export function createReleaseCommands({
  vault,
  holdings,
  local,
  read,
  registration,
  caughtUp,
  caughtUpOrDurable,
  nowMs,
  maxBodyBytes,
}: ReleaseCommandsOptions): ReleaseCommands {
  async function publicationOf(caller: string, id: string): Promise<LocalState['publications']> {
    const row = await local.selectFrom('publications').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined)
      throw new CentreError(
        'publication-not-found',
        `There is no publication ${id}. POST /api/publications begins one.`,
      );
    mayPublish(registration.keys(), caller, row.product, nowMs());
    return row;
  }

  /** What the vault lacks of these objects, and what it has from others, or as secret, only: the publisher must send all of it. */
  async function missingFor(
    product: string,
    visibility: Visibility,
    digests: Iterable<string>,
  ): Promise<string[]> {
    const asked = [...new Set(digests)];
    const unheld = new Set(await holdings.lacking(product, visibility, asked));
    const gone = new Set(await vault.missing(asked.filter((digest) => !unheld.has(digest))));
    return asked.filter((digest) => unheld.has(digest) || gone.has(digest));
  }

  async function statusFor(product: string, visibility: Visibility, digest: string): Promise<ObjectStatus> {
    const unheld = await holdings.lacking(product, visibility, [digest]);
    return unheld.length > 0 ? { state: 'missing' } : vault.status(digest);
  }

  async function body(
    product: string,
    visibility: Visibility,
    digest: string,
    what: string,
    maxBytes = maxBodyBytes,
  ): Promise<Uint8Array> {
    const status = await statusFor(product, visibility, digest);
    if (status.state !== 'stored')
      throw new CentreError('publication-incomplete', `The ${what} (${digest}) has not arrived.`);
    if (status.sizeBytes > maxBytes)
      throw new CentreError(
        'body-too-large',
        `The ${what} has ${status.sizeBytes} bytes; at most ${maxBytes} are taken.`,
      );
    return vault.getBytes(digest, { maxBytes });
  }

  async function checkSource(release: ReleaseStatement, secret: string): Promise<void> {
    const { product, source } = release.predicate;
    const manifest = await body(product, 'secret', source.manifest, 'source manifest', MANIFEST_MAX_BYTES);
    // A copy of its own: the memory goes to another thread.
    const report = await summariseSource(new Uint8Array(manifest));
    if (!report.ok)
      throw new CentreError('snapshot-mismatch', `The source manifest is malformed: ${report.reason}`);
    const { digests, files, root, secret: madeWith } = report.summary;
    if (madeWith !== secret)
      throw new CentreError(
        'snapshot-mismatch',
        'The manifest was made with another snapshot secret than this publication’s.',
      );
    if (files !== source.files)
      throw new CentreError(
        'snapshot-mismatch',
        `The manifest lists ${files} files, the release says ${source.files}.`,
      );
    if (root !== source.root)
      throw new CentreError(
        'snapshot-mismatch',
        `The manifest gives the root ${root}, the release says ${source.root}.`,
      );
    const missing = await missingFor(product, 'secret', digests);
    if (missing.length > 0)
      throw new CentreError(
        'publication-incomplete',
        `${missing.length} source files have not arrived. POST …/missing tells which.`,
      );
  }

  async function checkArtifacts(
    release: ReleaseStatement,
    artifacts: readonly ArtifactStatement[],
  ): Promise<void> {
    const { product } = release.predicate;
    const { list, count } = release.predicate.artifacts;
    const listed = parseArtifactList(
      await body(product, 'public', list, 'list of artifacts', MAX_ARTIFACT_LIST_BYTES),
    );
    if (listed.length !== count || artifacts.length !== count) {
      throw new CentreError(
        'publication-incomplete',
        `The release says ${count} artifacts, its list ${listed.length}, and ${artifacts.length} artifact statements came.`,
      );
    }
    const byName = new Map(artifacts.map((artifact) => [artifact.subject[0].name, artifact]));
    for (const { name, sha256, sizeBytes } of listed) {
      const statement = byName.get(name);
      if (statement?.subject[0].digest.sha256 !== sha256 || statement.predicate.sizeBytes !== sizeBytes) {
        throw new CentreError(
          'publication-incomplete',
          `The artifact “${name}” of the list has no statement with its digest and size.`,
        );
      }
      const status = await statusFor(product, 'public', sha256);
      if (status.state !== 'stored')
        throw new CentreError(
          'publication-incomplete',
          `The bytes of the artifact “${name}” (${sha256}) have not arrived.`,
        );
      if (status.sizeBytes !== sizeBytes)
        throw new CentreError(
          'digest-mismatch',
          `The artifact “${name}” has ${status.sizeBytes} bytes, its statement says ${sizeBytes}.`,
        );
    }
  }

  async function checkDocuments(
    { predicate }: ReleaseStatement,
    artifacts: readonly ArtifactStatement[],
  ): Promise<void> {
    const { product } = predicate;
    if (predicate.sbom !== undefined) {
      const bytes = await body(product, 'public', predicate.sbom.digest, 'SBOM');
      const { format } = await documented('invalid-sbom', () => validateSbom(bytes));
      if (format !== predicate.sbom.format)
        throw new CentreError(
          'invalid-sbom',
          `The SBOM is ${format}, the release says ${predicate.sbom.format}.`,
        );
    }
    if (predicate.provenance !== undefined) {
      const bytes = await body(product, 'public', predicate.provenance.digest, 'provenance');
      const summary = await documented('invalid-provenance', () => validateProvenance(bytes));
      const files = artifacts.map(({ subject: [{ name, digest }] }) => ({ name, sha256: digest.sha256 }));
      if (files.length > 0 && provenanceCoverage(summary, files).covered.length === 0) {
        throw new CentreError(
          'invalid-provenance',
          'The provenance is about none of the artifacts: no subject has the SHA-256 of one.',
        );
      }
    }
    if (predicate.notes !== undefined)
      textOf(await body(product, 'public', predicate.notes.digest, 'notes'), 'notes');
  }

  /** The registered release of this product and version, if there is one. */
  async function registeredRelease(product: string, version: string): Promise<string | undefined> {
    await caughtUp();
    const row = await read
      .selectFrom('releases')
      .select('digest')
      .where('product', '=', product)
      .where('version', '=', version)
      .executeTakeFirst();
    return row?.digest;
  }

  /** Two commits of one product and version take turns: the second finds what the first registered. */
  const turns = new Map<string, Promise<unknown>>();
  async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = turns.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    turns.set(name, settled);
    try {
      return await mine;
    } finally {
      if (turns.get(name) === settled) turns.delete(name);
    }
  }

  async function openedPublication(product: string, version: string): Promise<LocalState['publications']> {
    return local
      .selectFrom('publications')
      .selectAll()
      .where('product', '=', product)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
  }

  /** Whether it is by a key that may no longer publish, and nothing came of it: then its secret, which that key knows, binds nobody. */
  function isForsaken(
    { product, opened_by: opener }: LocalState['publications'],
    release: string | undefined,
  ): boolean {
    return release === undefined && !isPublisher(registration.keys(), opener, product, nowMs());
  }

  /** In turn with commits: none registers what was made with a secret that is no longer in force. */
  async function replaceForsaken(
    fresh: LocalState['publications'],
  ): Promise<{ readonly row: LocalState['publications']; readonly release: string | undefined }> {
    const { product, version } = fresh;
    const row = await openedPublication(product, version);
    const release = await registeredRelease(product, version);
    if (!isForsaken(row, release)) return { row, release };
    await local.transaction().execute(async (tx) => {
      await tx.deleteFrom('publications').where('id', '=', row.id).execute();
      await tx.insertInto('publications').values(fresh).execute();
    });
    return { row: fresh, release };
  }

  async function commitInTurn(
    publication: LocalState['publications'],
    submissions: readonly Submission[],
  ): Promise<AcceptedStatement[]> {
    const { product, version, snapshot_secret: secret, id } = publication;
    const { release, artifacts } = releaseAndArtifacts(submissions, publication);
    const registered = await registeredRelease(product, version);
    if (registered !== undefined && registered !== release.digest) {
      throw new CentreError(
        'release-exists',
        `${product} ${version} is already published with other content (release ${registered}). Publish under another version, and withdraw this one if it must not be used.`,
      );
    }
    if (registered !== undefined) {
      // The same words signed by another key would be entries of their own that every reader refuses.
      for (const submission of submissions) {
        if (!(await registration.stands(submission)))
          throw new CentreError(
            'release-exists',
            `${product} ${version} is already published, signed by other keys (release ${registered}).`,
            { pointer: submission.pointer },
          );
      }
    }
    await vault.flush();
    await checkSource(release.statement, secret);
    await checkArtifacts(release.statement, artifacts);
    await checkDocuments(release.statement, artifacts);
    const accepted = await registration.register('statements', submissions);
    await local
      .updateTable('publications')
      .set({ release_digest: release.digest })
      .where('id', '=', id)
      .execute();
    await caughtUpOrDurable();
    return accepted;
  }

  return {
    async open(caller, { product, version, snapshotSecret }) {
      mayPublish(registration.keys(), caller, product, nowMs());
      const fresh = {
        id: randomUUID(),
        product,
        version,
        snapshot_secret: snapshotSecret,
        opened_by: caller,
        opened_at: nowMs(),
        release_digest: null,
      };
      await local
        .insertInto('publications')
        .values(fresh)
        .onConflict((conflict) => conflict.columns(['product', 'version']).doNothing())
        .execute();
      const found = await openedPublication(product, version);
      // Also when this centre died between registering the statements and noting it here.
      const registered = await registeredRelease(product, version);
      const { row, release } = isForsaken(found, registered)
        ? await inTurn(`${product} ${version}`, () => replaceForsaken(fresh))
        : { row: found, release: registered };
      return {
        id: row.id,
        state: release === undefined ? 'open' : 'registered',
        snapshotSecret: row.snapshot_secret,
        release: release ?? null,
      };
    },

    async missing(caller, id, { visibility, digests }) {
      const { product } = await publicationOf(caller, id);
      return missingFor(product, visibility, digests);
    },

    async putObjects(caller, id, { visibility, stream }) {
      const { product } = await publicationOf(caller, id);
      let received: string[] = [];
      async function note(): Promise<void> {
        const digests = received;
        received = [];
        await vault.flush();
        await holdings.add(product, visibility, digests);
      }
      async function* objectsOf() {
        for await (const object of readObjects(stream)) {
          yield object;
          if (received.length >= OBJECTS_NOTED_AT_ONCE) await note();
        }
      }
      const { objects, sizeBytes } = await vault.putMany(objectsOf(), ({ sha256 }) => received.push(sha256));
      await note();
      return { objects, bytes: sizeBytes };
    },

    async openUpload(caller, id, { visibility, sha256, sizeBytes }) {
      const { product } = await publicationOf(caller, id);
      const mustArrive = (await holdings.lacking(product, visibility, [sha256])).length > 0;
      const { offsetBytes, isComplete } = await vault.openUpload(sha256, sizeBytes, {
        mustArrive,
        purpose: purposeOf(product, visibility),
      });
      return { offsetBytes, complete: isComplete };
    },

    async continueUpload(caller, id, { visibility, sha256, offsetBytes: from, stream }) {
      const { product } = await publicationOf(caller, id);
      const { offsetBytes, isComplete } = await vault.append(sha256, from, stream, {
        purpose: purposeOf(product, visibility),
      });
      if (isComplete) await holdings.add(product, visibility, [sha256]);
      return { offsetBytes, complete: isComplete };
    },

    async commit(caller, id, envelopes) {
      const { product, version } = await publicationOf(caller, id);
      const submissions = envelopes.map((text, at) => registration.parse(text, `/envelopes/${at}`));
      // Looked up again: another may have begun afresh before its turn.
      return inTurn(`${product} ${version}`, async () =>
        commitInTurn(await publicationOf(caller, id), submissions),
      );
    },

    async withdrawalDoor({ statement }, bodies) {
      if (statement.predicateType !== WITHDRAWAL_TYPE) throw new TypeError('a withdrawal was expected');
      const { product, version, release, reason } = statement.predicate;
      const registered = await registeredRelease(product, version);
      if (registered !== release)
        throw new CentreError(
          'statement-refused',
          `${product} ${version} is not a release with the digest ${release} in this log.`,
        );
      const text = bodies.get(reason.digest);
      // Not even when the vault has it: a digest alone must not make public what somebody keeps there.
      if (text === undefined)
        throw new CentreError(
          'body-missing',
          `The reason (${reason.digest}) did not come with the withdrawal.`,
        );
      if (text.length > REASON_MAX_BYTES)
        throw new CentreError('body-too-large', `A reason has at most ${REASON_MAX_BYTES} bytes.`);
      textOf(text, 'reason');
    },
  };
}

/** Of an upload: nobody finishes what was begun as another product’s, or as secret, nor learns how far that is. */
function purposeOf(product: string, visibility: Visibility): string {
  return `${visibility} ${product}`;
}

/** Picks the one release and its artifacts out of what was sent. @throws CentreError `invalid-request` */
function releaseAndArtifacts(
  submissions: readonly Submission[],
  publication: LocalState['publications'],
): {
  readonly release: { readonly digest: string; readonly statement: ReleaseStatement };
  readonly artifacts: readonly ArtifactStatement[];
} {
  let release: { readonly digest: string; readonly statement: ReleaseStatement } | undefined;
  const artifacts: ArtifactStatement[] = [];
  for (const [at, { statement, payloadDigest: digest }] of submissions.entries()) {
    const pointer = `/envelopes/${at}`;
    if (statement.predicateType === RELEASE_TYPE && release === undefined) release = { digest, statement };
    else if (statement.predicateType === ARTIFACT_TYPE && release !== undefined) artifacts.push(statement);
    else
      throw new CentreError('invalid-request', 'The envelopes must be one release, then its artifacts.', {
        pointer,
      });
    if (
      statement.predicate.product !== publication.product ||
      statement.predicate.version !== publication.version
    ) {
      throw new CentreError(
        'invalid-request',
        `The statement is about ${statement.predicate.product} ${statement.predicate.version}, the publication about ${publication.product} ${publication.version}.`,
        { pointer },
      );
    }
    if (statement.predicateType === ARTIFACT_TYPE && statement.predicate.release !== release.digest) {
      throw new CentreError(
        'invalid-request',
        'The artifact names another release than the first envelope.',
        { pointer },
      );
    }
  }
  if (release === undefined)
    throw new CentreError('invalid-request', 'The release statement is missing.', { pointer: '/envelopes' });
  return { release, artifacts };
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CentreError('invalid-request', `The ${what} must be UTF-8 text.`, { cause });
  }
}

async function documented<T>(
  code: 'invalid-sbom' | 'invalid-provenance',
  validate: () => T | Promise<T>,
): Promise<T> {
  try {
    return await validate();
  } catch (cause) {
    if (!(cause instanceof DocumentError)) throw cause;
    throw new CentreError(code, cause.message, { cause });
  }
}
