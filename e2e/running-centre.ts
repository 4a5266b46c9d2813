/** A centre as its users run it: the real `vitrine` program on a fresh data folder, with the invariant checker over every log at the end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ApiError, createApiClient } from '@vitrine/api';
import type { ApiClient, Visibility } from '@vitrine/api';
import { requireSoundLog } from '@vitrine/fsck';
import { formatManifest, manifestOf, snapshotRootOf } from '@vitrine/source';
import type { SnapshotEntry } from '@vitrine/source';
import {
  artifactStatement,
  formatArtifactList,
  formatCanonicalJson,
  formatEnvelope,
  parseSpki,
  payloadDigestOf,
  formatStatement,
  releaseStatement,
  signEnvelope,
  signStatement,
} from '@vitrine/statements';
import type { ReleasePredicate, Signer } from '@vitrine/statements';

export const bin = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');

const InitSchema = v.strictObject({ vkey: v.string(), rootKeyFile: v.string(), policyFile: v.string() });

export interface RunningCentre {
  readonly dir: string;
  readonly name: string;
  readonly url: string;
  readonly api: ApiClient;
  readonly vkey: string;
  readonly rootKeyFile: string;
  readonly policyFile: string;
  readonly policy: string;
  readonly signer: Signer;
  readonly process: ChildProcess;
  /** A session token for the root key. */
  token(signer?: Signer): Promise<string>;
  /** Ends the server with a signal and waits for it. @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Starts it again on the same folder. */
  restart(): Promise<void>;
  /** Runs the invariant checker over every log, from the folder. */
  checkLogs(): Promise<void>;
  /** Stops, checks every log, removes the folder. */
  dispose(): Promise<void>;
}

/** The signer of a PKCS#8 PEM. */
function signerOf(pem: string): Signer {
  const key = createPrivateKey(pem);
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return { ...parseSpki(spki), sign: (message) => sign(null, message, key) };
}

/** A new key, in nobody's keys log yet. */
export function newSigner(): Signer {
  return signerOf(String(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })));
}

/** The code of the problem that a call ends with; undefined when it succeeds. */
export async function code(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError) return error.problem?.code ?? error.code;
    throw error;
  }
  return undefined;
}

/** Makes an instance and serves it on a free port. */
export async function startCentre({
  openLogs = [],
  name = 'acme.example',
  parent = mkdtempSync(join(tmpdir(), 'vitrine-e2e-')),
}: {
  openLogs?: readonly string[];
  name?: string;
  /** The folder that the data folder is made in, and removed with. */
  parent?: string;
} = {}): Promise<RunningCentre> {
  const dir = join(parent, 'data');
  const init = v.parse(
    InitSchema,
    JSON.parse(
      execFileSync(
        bin,
        [
          'init',
          '--data',
          dir,
          '--origin',
          name,
          ...openLogs.flatMap((log) => ['--open-log', log]),
          '--json',
        ],
        { encoding: 'utf8' },
      ),
    ),
  );
  let { child, url } = await serve(dir);
  const signer = signerOf(readFileSync(init.rootKeyFile, 'utf8'));

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
  async function checkLogs(): Promise<void> {
    const centre = await createApiClient(url).call('centre');
    for (const log of centre.logs)
      await requireSoundLog({ source: join(dir, 'logs', log.name), vkey: log.vkey });
  }

  return {
    dir,
    name,
    get url() {
      return url;
    },
    get api() {
      return createApiClient(url);
    },
    get process() {
      return child;
    },
    ...init,
    policy: readFileSync(init.policyFile, 'utf8'),
    signer,
    async token(by = signer) {
      const api = createApiClient(url);
      const { challenge, origin } = await api.call('challenge', { body: {} });
      const payload = formatCanonicalJson({ challenge, origin });
      const envelope = await signEnvelope('application/vnd.vitrine.session+json', payload, [by]);
      return (await api.call('session', { body: { envelope: text(formatEnvelope(envelope)) } })).token;
    },
    stop,
    async restart() {
      ({ child, url } = await serve(dir));
    },
    checkLogs,
    async dispose() {
      if (child.exitCode === null && child.signalCode === null) await checkLogs();
      await stop();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

async function serve(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(bin, ['serve', '--data', dir, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, VITRINE_LOG_LEVEL: 'warn' },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('\n')) resolve(output.trim());
    });
    child.once('exit', (code) =>
      reject(new Error(`the server ended with ${code} before it served: ${errors}`)),
    );
  });
  return { child, url };
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface PreparedRelease {
  /** Source files and manifest, then what anyone may read. */
  readonly objects: readonly Uint8Array[];
  /** How many of the objects are secret. */
  readonly secretObjects: number;
  readonly envelopes: readonly string[];
  /** Payload digest of the release statement. */
  readonly digest: string;
}

export interface ReleaseInput {
  readonly product: string;
  readonly version: string;
  readonly source: Readonly<Record<string, string>>;
  readonly artifacts: Readonly<Record<string, Uint8Array>>;
  readonly documents?: Pick<ReleasePredicate, 'sbom' | 'provenance' | 'notes' | 'supersedes'>;
}

/** Says a release as a publisher's own program would: every object, then the signed statements. */
export async function prepareRelease(
  centre: Pick<RunningCentre, 'name' | 'signer'>,
  secret: string,
  input: ReleaseInput,
  signer = centre.signer,
): Promise<PreparedRelease> {
  const log = `${centre.name}/statements`;
  const files = Object.entries(input.source).map(([path, content]) => ({
    path,
    bytes: Buffer.from(content),
  }));
  const entries: SnapshotEntry[] = files.map(({ path, bytes }) => ({
    path,
    mode: '100644',
    sizeBytes: bytes.length,
    digest: sha256(bytes),
  }));
  const manifest = manifestOf(Buffer.from(secret, 'hex'), entries);
  const manifestBytes = formatManifest(manifest);
  const artifacts = Object.entries(input.artifacts).map(([name, bytes]) => ({
    name,
    bytes,
    sha256: sha256(bytes),
    sizeBytes: bytes.length,
  }));
  const list = formatArtifactList(artifacts);
  const release = releaseStatement({
    log,
    product: input.product,
    version: input.version,
    source: {
      root: Buffer.from(snapshotRootOf(manifest)).toString('hex'),
      files: entries.length,
      manifest: sha256(manifestBytes),
    },
    artifacts: { count: artifacts.length, list: sha256(list) },
    ...input.documents,
  });
  const digest = payloadDigestOf(formatStatement(release));
  const statements = [
    release,
    ...artifacts.map((file) =>
      artifactStatement(file, {
        log,
        product: input.product,
        version: input.version,
        release: digest,
        sizeBytes: file.sizeBytes,
      }),
    ),
  ];
  return {
    objects: [
      ...files.map(({ bytes }) => bytes),
      manifestBytes,
      list,
      ...artifacts.map(({ bytes }) => bytes),
    ],
    envelopes: (await Promise.all(statements.map((statement) => signStatement(statement, [signer])))).map(
      text,
    ),
    secretObjects: files.length + 1,
    digest,
  };
}

/** Sends the objects of a release to its publication, each as what it is. */
export async function sendObjects(
  { api }: Pick<RunningCentre, 'api'>,
  token: string,
  id: string,
  { objects, secretObjects }: Pick<PreparedRelease, 'objects' | 'secretObjects'>,
): Promise<void> {
  await sendAs('secret', objects.slice(0, secretObjects));
  await sendAs('public', objects.slice(secretObjects));
  async function sendAs(visibility: Visibility, some: readonly Uint8Array[]): Promise<void> {
    await api.call('putObjects', { token, params: { id }, query: { visibility }, body: objectStream(some) });
  }
}

/** The framing of an object stream. */
export function objectStream(objects: readonly Uint8Array[]): Blob {
  return new Blob(
    objects.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, Buffer.from(bytes)];
    }),
  );
}

/** Publishes through the API, start to end. @param extra documents that the release names */
export async function publish(
  centre: RunningCentre,
  input: ReleaseInput,
  extra: readonly Uint8Array[] = [],
): Promise<PreparedRelease> {
  const token = await centre.token();
  const { api } = centre;
  const { id, snapshotSecret } = await api.call('openPublication', {
    token,
    body: { product: input.product, version: input.version, snapshotSecret: randomBytes(32).toString('hex') },
  });
  const prepared = await prepareRelease(centre, snapshotSecret, input);
  await sendObjects(centre, token, id, { ...prepared, objects: [...prepared.objects, ...extra] });
  await api.call('commitPublication', {
    token,
    params: { id },
    body: { envelopes: [...prepared.envelopes] },
  });
  return prepared;
}
