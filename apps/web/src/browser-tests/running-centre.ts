/** A real centre for the browser tests: the server's own process on a fresh data folder, and releases published over its HTTP API. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createApiClient } from '@vitrine/api';
import { formatManifest, manifestOf, snapshotRootOf } from '@vitrine/source';
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
  withdrawalStatement,
} from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import * as v from 'valibot';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..');
const NODE = join(REPOSITORY, 'node_modules', '.bin', 'node');
const SERVER = join(REPOSITORY, 'apps', 'server', 'src', 'main.ts');

export interface RunningCentre {
  readonly url: string;
  readonly policy: string;
  readonly publish: (release: ReleaseToPublish) => Promise<void>;
  readonly withdraw: (product: string, version: string, reason: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface ReleaseToPublish {
  readonly product: string;
  readonly version: string;
  readonly artifacts: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly notes?: string;
  readonly sbom?: string;
  readonly supersedes?: string;
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function signerOf(key: KeyObject): Signer {
  const { spki, keyid } = parseSpki(
    new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
  );
  return { spki, keyid, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

async function run(args: readonly string[]): Promise<string> {
  const child = spawn(NODE, ['--conditions=@vitrine/source', SERVER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const line of createInterface({ input: child.stdout })) output += line;
  return output;
}

async function serve(dir: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(
    NODE,
    ['--conditions=@vitrine/source', SERVER, 'serve', '--data', dir, '--listen', '127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, VITRINE_LOG_LEVEL: 'error' } },
  );
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => {
      reject(new Error(`the server ended with ${code} before it accepted requests`));
    });
  });
  return { child, url };
}

/** Frames of an object stream: length (u32, big-endian) and bytes. */
function frames(objects: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  return Buffer.concat(
    objects.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

const InitSchema = v.looseObject({ rootKeyFile: v.string(), policyFile: v.string() });

/** Starts a centre named `vitrine.example` with an open log `notes`. Its folder goes when it stops. */
export async function startCentre(): Promise<RunningCentre> {
  const parent = await mkdtemp(join(tmpdir(), 'vitrine-web-'));
  const dir = join(parent, 'data');
  const made = v.parse(
    InitSchema,
    JSON.parse(
      await run(['init', '--data', dir, '--origin', 'vitrine.example', '--open-log', 'notes', '--json']),
    ),
  );
  const signer = signerOf(createPrivateKey(await readFile(made.rootKeyFile)));
  const { child, url } = await serve(dir);
  const client = createApiClient(url);

  async function openSession(): Promise<string> {
    const { challenge, origin } = await client.call('challenge', { body: {} });
    const payload = formatCanonicalJson({ challenge, origin });
    const envelope = await signEnvelope('application/vnd.vitrine.session+json', payload, [signer]);
    const { token } = await client.call('session', {
      body: { envelope: new TextDecoder().decode(formatEnvelope(envelope)) },
    });
    return token;
  }

  async function publish(release: ReleaseToPublish): Promise<void> {
    const { product, version, artifacts, notes, sbom, supersedes } = release;
    const log = 'vitrine.example/statements';
    const token = await openSession();
    const { id, snapshotSecret } = await client.call('openPublication', {
      token,
      body: { product, version, snapshotSecret: encodeHex(randomBytes(32)) },
    });
    const source = Buffer.from(`// source of ${product} ${version}\n`);
    const manifest = manifestOf(new Uint8Array(Buffer.from(snapshotSecret, 'hex')), [
      { path: 'main.c', mode: '100644', sizeBytes: source.length, digest: sha256Hex(source) },
    ]);
    const manifestBytes = formatManifest(manifest);
    const list = formatArtifactList(
      artifacts.map(({ name, bytes }) => ({ name, sha256: sha256Hex(bytes), sizeBytes: bytes.length })),
    );
    const documents = [notes, sbom].filter((text) => text !== undefined).map((text) => Buffer.from(text));
    await client.call('putObjects', {
      params: { id },
      token,
      body: frames([source, manifestBytes, list, ...documents, ...artifacts.map(({ bytes }) => bytes)]),
    });
    const statement = releaseStatement({
      artifacts: { count: artifacts.length, list: sha256Hex(list) },
      log,
      product,
      version,
      source: { files: 1, manifest: sha256Hex(manifestBytes), root: encodeHex(snapshotRootOf(manifest)) },
      ...(notes === undefined ? {} : { notes: { digest: sha256Hex(Buffer.from(notes)) } }),
      ...(sbom === undefined
        ? {}
        : { sbom: { digest: sha256Hex(Buffer.from(sbom)), format: 'cyclonedx' as const } }),
      ...(supersedes === undefined ? {} : { supersedes }),
    });
    const digest = payloadDigestOf(formatStatement(statement));
    const statements = [
      statement,
      ...artifacts.map(({ name, bytes }) =>
        artifactStatement(
          { name, sha256: sha256Hex(bytes) },
          { log, product, version, release: digest, sizeBytes: bytes.length },
        ),
      ),
    ];
    const envelopes = await Promise.all(statements.map((one) => signStatement(one, [signer])));
    await client.call('commitPublication', {
      params: { id },
      token,
      body: { envelopes: envelopes.map((bytes) => new TextDecoder().decode(bytes)) },
    });
    await client.call('statementEvidence', { params: { digest } });
  }

  async function withdraw(product: string, version: string, reason: string): Promise<void> {
    const release = await client.call('release', { params: { product, version } });
    const bytes = Buffer.from(reason);
    const statement = withdrawalStatement({
      log: 'vitrine.example/statements',
      product,
      version,
      reason: { digest: sha256Hex(bytes) },
      release: release.digest,
    });
    const envelope = new TextDecoder().decode(await signStatement(statement, [signer]));
    const { statements } = await client.call('registerStatements', {
      body: { log: 'statements', envelopes: [envelope], bodies: [bytes.toString('base64')] },
    });
    for (const { digest } of statements) await client.call('statementEvidence', { params: { digest } });
  }

  return {
    url: url.trim(),
    policy: await readFile(made.policyFile, 'utf8'),
    publish,
    withdraw,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(parent, { recursive: true });
    },
  };
}
