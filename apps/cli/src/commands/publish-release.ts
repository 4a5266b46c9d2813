/** `vitrine publish release`: reads, checks, uploads, signs and registers a release, and brings back its evidence. Running it again goes on. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceptedStatement, ApiClient, Publication, Visibility } from '@vitrine/api';
import { productName, signStatement, versionName } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { decodeHex } from '@vitrine/tlog';
import { EVIDENCE_EXTENSION } from '@vitrine/verifier';
import * as v from 'valibot';
import { CentreSession, connect, hasProblem, statementsOrigin } from '../centre-connection.ts';
import { checkPromise, fetchStatementEvidence } from '../evidence-source.ts';
import { couldNotRun, reasonOf, refused } from '../failure.ts';
import { readChunks, replaceFile } from '../local-file.ts';
import { missingObjects, ObjectSender } from '../object-sender.ts';
import type { SendableObject } from '../object-sender.ts';
import { policyToHold } from '../policy-option.ts';
import { formatBytes } from '../progress.ts';
import { readContents } from '../release-contents.ts';
import type { ContentOptions, Document, ReleaseContents } from '../release-contents.ts';
import { differencesFrom } from '../release-differences.ts';
import { draftRelease, objectBytes, objectDigests, publicDocuments } from '../release-draft.ts';
import type { ReleaseDraft, ReleaseNaming } from '../release-draft.ts';
import { readSigningKey } from '../signing-key.ts';
import { openSource } from '../source-option.ts';
import type { SourceOptions } from '../source-option.ts';
import { sendSource } from '../source-upload.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { publishDryRun } from './publish-dry-run.ts';
import { waiting } from '../waiting.ts';

export interface PublishReleaseOptions extends ReleaseNaming, SourceOptions, ContentOptions {
  readonly server: string;
  readonly key: string;
  /** Whom the evidence must convince; the centre's own policy where it is not given. */
  readonly policy?: string;
  readonly evidenceOut?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const EVIDENCE_UNDER_WAY = 4;

/** @returns the exit code @throws Failure, SourceError, ApiError */
export async function publishRelease(
  options: PublishReleaseOptions,
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<0> {
  checkNames(options);
  const signer = await readSigningKey(options.key, (text) => terminal.note(text));
  const client = connect(options.server);
  const tree = await openSource(options, environment);
  if (options.dryRun === true)
    return publishDryRun(
      options,
      await readContents(tree, options, signer, terminal),
      client,
      signer,
      terminal,
    );

  if (options.evidenceOut !== undefined) await makeFolder(options.evidenceOut);
  const onWait = waiting(terminal);
  const origin = await statementsOrigin(client);
  const policy = await policyToHold(options.policy, client, origin, onWait);
  const contents = await readContents(tree, options, signer, terminal);
  const session = new CentreSession(client, origin, signer, onWait);
  const publication = await session.run((token) =>
    client.call('openPublication', {
      token,
      body: {
        product: options.product,
        version: options.release,
        snapshotSecret: randomBytes(32).toString('hex'),
      },
    }),
  );
  const draft = draftRelease(options, contents, origin, decodeHex(publication.snapshotSecret));
  let accepted: readonly AcceptedStatement[] = [];
  if (publication.state === 'registered') await checkSame(options, contents, draft, publication, client);
  else {
    await upload(contents, draft, session, publication.id, terminal);
    accepted = await commit(options, draft, contents, session, publication.id, signer);
  }
  const evidence = await bringEvidence(options, draft, contents, accepted, policy, client, terminal, onWait);
  report(options, draft, contents, accepted, publication, evidence, terminal);
  return 0;
}

function checkNames({ product, release, supersedes }: PublishReleaseOptions): void {
  for (const [option, schema, value] of [
    ['--product', productName, product],
    ['--release', versionName, release],
    ['--supersedes', versionName, supersedes ?? release],
  ] as const) {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) throw couldNotRun(`${option} ${value}: ${parsed.issues[0].message}`);
  }
  if (supersedes === release) throw couldNotRun('--supersedes names the release itself');
}

/** Made first: a release whose evidence cannot be written should not be registered before somebody notices. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (cause) {
    throw couldNotRun(`--evidence-out ${path} cannot be written to: ${reasonOf(cause)}`, cause);
  }
}

async function upload(
  contents: ReleaseContents,
  draft: ReleaseDraft,
  session: CentreSession,
  publication: string,
  terminal: Terminal,
): Promise<void> {
  const { entries, artifacts, tree } = contents;
  const digests = objectDigests(contents, draft);
  const missing = {
    secret: await missingObjects(session, publication, 'secret', digests.secret),
    public: await missingObjects(session, publication, 'public', digests.public),
  };
  const total = objectBytes(contents, draft, new Set([...missing.secret, ...missing.public]));
  const task = terminal.progress.start('uploading', 'bytes', total);
  let sent = 0;
  const senderOf = (visibility: Visibility): ObjectSender =>
    new ObjectSender(session, publication, visibility, (bytes) => {
      sent += bytes;
      task.update(sent);
    });
  const done = missing.secret.size + missing.public.size;
  const secretly = senderOf('secret');
  await sendSource(tree, entries, missing.secret, secretly);
  if (missing.secret.has(draft.manifest.digest)) await secretly.send(sendable(draft.manifest));
  await secretly.finish();
  const publicly = senderOf('public');
  for (const document of publicDocuments(contents))
    if (missing.public.delete(document.digest)) await publicly.send(sendable(document));
  for (const { name, path, sha256: digest, sizeBytes } of artifacts) {
    if (!missing.public.delete(digest)) continue;
    await publicly.send({ label: name, digest, sizeBytes, open: (from) => readChunks(path, from) });
  }
  await publicly.finish();
  task.end(done === 0 ? 'the centre has everything already' : `${done} objects, ${formatBytes(total)}`);
}

function sendable({ label, digest, bytes }: Document): SendableObject {
  return { label, digest, sizeBytes: bytes.length, open: (from) => [bytes.subarray(from)] };
}

async function commit(
  options: PublishReleaseOptions,
  draft: ReleaseDraft,
  contents: ReleaseContents,
  session: CentreSession,
  publication: string,
  signer: Signer,
): Promise<readonly AcceptedStatement[]> {
  const text = new TextDecoder();
  const envelopes = [text.decode(await signStatement(draft.release, [signer]))];
  for (const { statement } of draft.artifacts)
    envelopes.push(text.decode(await signStatement(statement, [signer])));
  const { client } = session;
  let statements: readonly AcceptedStatement[];
  try {
    ({ statements } = await session.run((token) =>
      client.call('commitPublication', { token, params: { id: publication }, body: { envelopes } }),
    ));
  } catch (thrown) {
    // Two publications of one version at once: the other was first.
    if (hasProblem(thrown, 'release-exists')) throw await differences(options, contents, client, thrown);
    throw thrown;
  }
  const expected = [draft.releaseDigest, ...draft.artifacts.map(({ digest }) => digest)];
  if (
    statements.length !== expected.length ||
    !expected.every((digest, at) => statements[at]?.digest === digest)
  )
    throw refused('the centre accepted other statements than those that were sent');
  return statements;
}

/** @throws Failure that says what differs from the release of the same version that is registered */
async function checkSame(
  options: PublishReleaseOptions,
  contents: ReleaseContents,
  draft: ReleaseDraft,
  publication: Publication,
  client: ApiClient,
): Promise<void> {
  if (publication.release !== draft.releaseDigest)
    throw await differences(options, contents, client, undefined, draft);
}

async function differences(
  options: PublishReleaseOptions,
  contents: ReleaseContents,
  client: ApiClient,
  cause?: unknown,
  draft?: ReleaseDraft,
) {
  const { product, release: version } = options;
  const registered = await client.call('release', { params: { product, version } });
  const found = differencesFrom(registered, options, contents, draft);
  return refused(
    `${product} ${version} is already published with other content${found.length === 0 ? '' : `: ${found.join('; ')}`}. ` +
      'Publish under another version, and withdraw this one if it must not be used.',
    cause,
  );
}

interface WrittenEvidence {
  readonly artifact: string;
  readonly file: string;
}

/** Checks that the centre kept its promises, and writes the evidence of each artifact. */
async function bringEvidence(
  { evidenceOut }: PublishReleaseOptions,
  draft: ReleaseDraft,
  { artifacts }: ReleaseContents,
  accepted: readonly AcceptedStatement[],
  policy: string,
  client: ApiClient,
  terminal: Terminal,
  onWait: (reason: string) => void,
): Promise<WrittenEvidence[]> {
  const evidence = await fetchStatementEvidence(client, draft.releaseDigest, onWait);
  checkPromise(evidence, policy, { accepted: accepted[0], digest: draft.releaseDigest }, true);
  if (evidenceOut === undefined) return [];
  const task = terminal.progress.start('evidence', 'files', artifacts.length);
  const written: WrittenEvidence[] = [];
  const waitingFor = artifacts.map((artifact, at) => ({ artifact, at }));
  await Promise.all(
    Array.from({ length: EVIDENCE_UNDER_WAY }, async () => {
      for (let next = waitingFor.shift(); next !== undefined; next = waitingFor.shift()) {
        const { artifact, at } = next;
        const digest = draft.artifacts[at]?.digest ?? '';
        const bytes = await fetchStatementEvidence(client, digest, onWait);
        checkPromise(bytes, policy, { accepted: accepted[at + 1], digest, file: artifact }, true);
        const file = join(evidenceOut, `${artifact.name}${EVIDENCE_EXTENSION}`);
        await replaceFile(file, bytes);
        written[at] = { artifact: artifact.name, file };
        task.update(written.length);
      }
    }),
  );
  task.end(`${artifacts.length} files in ${evidenceOut}`);
  return written;
}

function report(
  { product, release: version, json }: PublishReleaseOptions,
  draft: ReleaseDraft,
  contents: ReleaseContents,
  accepted: readonly AcceptedStatement[],
  publication: Publication,
  evidence: readonly WrittenEvidence[],
  terminal: Terminal,
): void {
  const already = publication.state === 'registered';
  const { source } = draft.release.predicate;
  if (json === true) {
    terminal.print(
      `${JSON.stringify({
        product,
        version,
        release: draft.releaseDigest,
        alreadyPublished: already,
        source: { root: source.root, files: source.files },
        artifacts: contents.artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes })),
        accepted,
        evidence,
      })}\n`,
    );
    return;
  }
  const lines = [
    already
      ? `${product} ${version} was already published, with exactly this content.`
      : `${product} ${version} is published.`,
    `release   ${draft.releaseDigest}`,
    `source    ${source.root} (${source.files} files)`,
  ];
  for (const { index, registeredAt, digest } of accepted) {
    const at = draft.artifacts.findIndex((artifact) => artifact.digest === digest);
    const what = contents.artifacts[at]?.name ?? 'release';
    lines.push(`accepted  entry ${index}, ${new Date(registeredAt).toISOString()}: ${what}`);
  }
  for (const { file } of evidence) lines.push(`evidence  ${file}`);
  terminal.print(`${printable(lines.join('\n'))}\n`);
}
