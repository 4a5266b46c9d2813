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
import { announceThreeCentres, makeThreeCentres, threeSites } from '../scripts/three-centres.ts';
import { threeFreePorts } from './free-ports.ts';

export const bin = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');

const InitSchema = v.strictObject({ vkey: v.string(), rootKeyFile: v.string(), policyFile: v.string() });

/** A server process on a data folder. */
export interface ServedCentre {
  readonly dir: string;
  readonly name: string;
  readonly url: string;
  readonly api: ApiClient;
  readonly process: ChildProcess;
  /** Ends the server with a signal and waits for it. @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Starts it again on the same folder. */
  restart(): Promise<void>;
  /** Runs the invariant checker over every log, written or followed, from the folder. */
  checkLogs(): Promise<void>;
}

/** One that writes the logs of an instance. */
export interface RunningCentre extends ServedCentre {
  readonly vkey: string;
  readonly rootKeyFile: string;
  readonly policyFile: string;
  readonly policy: string;
  readonly signer: Signer;
  /** A session token for the root key. */
  token(signer?: Signer): Promise<string>;
  /** Stops, checks every log, removes the folder. */
  dispose(): Promise<void>;
}

/** Washington writes, the others follow it; a checkpoint needs two of the three. */
export interface ThreeCentres {
  readonly washington: RunningCentre;
  readonly zurich: ServedCentre;
  readonly singapore: ServedCentre;
  readonly all: readonly ServedCentre[];
  /** Stops them, checks every log of each that ran, removes their folders. */
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
  const server = await serveFolder({ dir, name, listen: '127.0.0.1:0' });
  return writerOf(server, init, parent);
}

export interface ThreeCentresOptions {
  /** Whether the centres are announced in the root log (which lets their intake logs be followed); true by default. */
  readonly announced?: boolean;
  readonly openLogs?: string[];
  readonly vendor?: string;
}

/** Three centres under one policy, running and announced. Their addresses stand in policies, so each keeps its port. */
export async function startThreeCentres({
  announced = true,
  openLogs = [],
  vendor = 'acme.example',
}: ThreeCentresOptions = {}): Promise<ThreeCentres> {
  const parent = mkdtempSync(join(tmpdir(), 'vitrine-e2e-'));
  const sites = threeSites({ parent, ports: await freePorts(), vendor });
  await makeThreeCentres(sites, { openLogs });
  const [first, zurich, singapore] = await Promise.all(
    [sites.washington, sites.zurich, sites.singapore].map(({ dir, name, port }) =>
      serveFolder({ dir, name, listen: `127.0.0.1:${port}` }),
    ),
  );
  if (first === undefined || zurich === undefined || singapore === undefined)
    throw new TypeError('three centres were asked for');
  if (announced) await announceThreeCentres(sites);
  const { logs } = await first.api.call('centre');
  const washington = writerOf(
    first,
    {
      vkey: logs.find(({ kind }) => kind === 'statements')?.vkey ?? '',
      rootKeyFile: join(first.dir, 'keys', 'root.pem'),
      policyFile: join(first.dir, 'policy.txt'),
    },
    parent,
  );
  const all = [washington, zurich, singapore];
  return {
    washington,
    zurich,
    singapore,
    all,
    async dispose() {
      for (const centre of all) if (isRunning(centre.process)) await centre.checkLogs();
      await Promise.all(all.map((centre) => centre.stop()));
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

/** Three ports of loopback that nothing listens on, each another. */
async function freePorts(): Promise<[number, number, number]> {
  const first = await threeFreePorts();
  return [first, first + 1, first + 2];
}

function writerOf(
  server: ServedCentre,
  init: v.InferOutput<typeof InitSchema>,
  parent: string,
): RunningCentre {
  const signer = signerOf(readFileSync(init.rootKeyFile, 'utf8'));
  return {
    dir: server.dir,
    name: server.name,
    get url() {
      return server.url;
    },
    get api() {
      return server.api;
    },
    get process() {
      return server.process;
    },
    ...init,
    policy: readFileSync(init.policyFile, 'utf8'),
    signer,
    async token(by = signer) {
      const { challenge, origin } = await server.api.call('challenge', { body: {} });
      const payload = formatCanonicalJson({ challenge, origin });
      const envelope = await signEnvelope('application/vnd.vitrine.session+json', payload, [by]);
      return (await server.api.call('session', { body: { envelope: text(formatEnvelope(envelope)) } })).token;
    },
    stop: (signal) => server.stop(signal),
    restart: () => server.restart(),
    checkLogs: () => server.checkLogs(),
    async dispose() {
      if (isRunning(server.process)) await server.checkLogs();
      await server.stop();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

interface Serving {
  readonly dir: string;
  readonly name: string;
  readonly listen: string;
}

export async function serveFolder({ dir, listen, name }: Serving): Promise<ServedCentre> {
  let { child, url } = await serve(dir, listen);
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
    async stop(signal = 'SIGTERM') {
      if (!isRunning(child)) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
    async restart() {
      ({ child, url } = await serve(dir, listen));
    },
    async checkLogs() {
      const { logs } = await createApiClient(url).call('centre');
      for (const log of logs)
        await requireSoundLog({
          source: log.state === 'following' ? followedFolder(dir, log.origin) : join(dir, 'logs', log.name),
          vkey: log.vkey,
        });
    },
  };
}

/** Where a centre keeps a log that another one writes. */
const followedFolder = (dir: string, origin: string): string =>
  join(dir, 'followed', sha256(origin).slice(0, 32));

async function serve(dir: string, listen: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(bin, ['serve', '--data', dir, '--listen', listen], {
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
