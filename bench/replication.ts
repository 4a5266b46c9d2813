/**
 * How fast a centre copies another's packs, verified and durable, beside the plain download of the same bytes from the same server, and
 * beside `cp` on the same disk. One process serves, one copies, on the same cores.
 *
 *   node --conditions=@vitrine/source bench/replication.ts [megabytes]
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createApiClient } from '@vitrine/api';
import {
  CENTRE_ROLE,
  formatCanonicalJson,
  formatEnvelope,
  formatPublicKey,
  keyAddStatement,
  signEnvelope,
  signStatement,
} from '@vitrine/statements';
import { signerOf } from '../apps/server/src/identity/signer.ts';
import { eachAtOnce } from '../apps/server/src/replication/at-once.ts';
import { createWriterClient } from '../apps/server/src/replication/writer-client.ts';
import { openVaultStorage } from '../apps/server/src/storage/vault-files/vault-storage.ts';
import { generateVaultKeys, VaultCopy } from '../apps/server/src/vault/vault.ts';
import { report } from './figure.ts';
import { withFolder, withVitrine } from './server-process.ts';

const megabytes = Number(process.argv[2] ?? 1000);
const command = `node --conditions=@vitrine/source bench/replication.ts ${megabytes}`;
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');
const ARTIFACT_BYTES = 50_000_000;
const AT_ONCE = 4;

await withFolder(async (folder) => {
  await withVitrine(async (url, data) => {
    const rootKey = join(data, 'keys', 'root.pem');
    publishArtifacts(folder, url, rootKey);
    const api = createApiClient(url);
    const centreKey = signerOf(generateKeyPairSync('ed25519').privateKey);
    const origin = (await api.call('challenge', { body: {} })).origin;
    const added = keyAddStatement({
      log: origin.replace(/statements$/, 'keys'),
      key: formatPublicKey(centreKey),
      roles: [{ role: CENTRE_ROLE, products: ['*'] }],
    });
    const root = signerOf(createPrivateKey(readFileSync(rootKey)));
    await api.call('registerStatements', {
      body: {
        log: 'keys',
        envelopes: [Buffer.from(await signStatement(added, [root])).toString()],
        bodies: [],
      },
    });

    const writer = createWriterClient({
      url,
      origin,
      signer: centreKey,
      signal: new AbortController().signal,
    });
    const packs: string[] = [];
    for await (const { packId } of writer.packs()) packs.push(packId);
    const bytes = await sizeOf(packs, writer);

    const plain = join(folder, 'plain');
    mkdirSync(plain);
    const { challenge } = await api.call('challenge', { body: {} });
    const envelope = await signEnvelope(
      'application/vnd.vitrine.session+json',
      formatCanonicalJson({ challenge, origin }),
      [centreKey],
    );
    const { token } = await api.call('session', {
      body: { envelope: Buffer.from(formatEnvelope(envelope)).toString() },
    });
    const download = await seconds(() =>
      eachAtOnce(packs, AT_ONCE, async (pack) => {
        const response = await api.call('vaultPackObjects', { token, params: { pack } });
        if (response.body === null) throw new Error('no body');
        const blocks: AsyncIterable<Uint8Array> = response.body;
        await pipeline(blocks, createWriteStream(join(plain, pack)));
        const file = await open(join(plain, pack), 'r+');
        await file.datasync();
        await file.close();
      }),
    );
    const cp = await seconds(() => {
      execFileSync('cp', ['-r', join(data, 'vault', 'packs'), join(folder, 'cp')]);
      execFileSync('sync', ['-f', join(folder, 'cp')]);
    });
    const copy = await VaultCopy.open({
      ...openVaultStorage(join(folder, 'copy')),
      keys: await generateVaultKeys(),
      isDisposed: () => false,
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      nowMs: Date.now,
    });
    const replicated = await seconds(() =>
      eachAtOnce(packs, AT_ONCE, async (pack) => copy.take(await writer.manifest(pack), writer)),
    );
    const checked = await seconds(async () => {
      const { ok, ciphertextBytes } = await copy.check();
      if (!ok || ciphertextBytes !== bytes) throw new Error('the copy is not sound');
    });
    await copy.close();

    const rate = (elapsed: number): number => Math.round(bytes / 1e6 / elapsed);
    const what = `${Math.round(bytes / 1e6)} MB of packs, verified and durable`;
    report({
      name: `replicating ${what}`,
      value: rate(replicated),
      unit: 'MB/s',
      peer: 'plain download of the same bytes from the same server',
      peerValue: rate(download),
      ratio: download / replicated,
      command,
    });
    report({
      name: `replicating ${what}`,
      value: rate(replicated),
      unit: 'MB/s',
      peer: 'cp and sync on the same disk',
      peerValue: rate(cp),
      ratio: cp / replicated,
      command,
    });
    report({
      name: 'checking the copies without a grant, by the digests of their ciphertext',
      value: rate(checked),
      unit: 'MB/s',
      command,
    });
  });
});

function publishArtifacts(folder: string, url: string, key: string): void {
  mkdirSync(join(folder, 'source'));
  writeFileSync(join(folder, 'source', 'a.c'), 'int main;\n');
  const artifacts = Array.from({ length: Math.ceil((megabytes * 1e6) / ARTIFACT_BYTES) }, (_, number) => {
    const file = join(folder, `artifact-${number}.bin`);
    writeFileSync(file, randomBytes(ARTIFACT_BYTES));
    return ['--artifact', file];
  });
  execFileSync(
    vitrine,
    [
      ...['publish', 'release', '--server', url, '--key', key, '--product', 'bench', '--release', '1'],
      ...['--source', join(folder, 'source'), ...artifacts.flat()],
    ],
    { stdio: 'ignore' },
  );
}

async function sizeOf(
  packs: readonly string[],
  writer: ReturnType<typeof createWriterClient>,
): Promise<number> {
  let bytes = 0;
  for (const pack of packs) bytes += (await writer.manifest(pack)).sizeBytes;
  return bytes;
}

async function seconds(job: () => unknown): Promise<number> {
  const started = performance.now();
  await job();
  return (performance.now() - started) / 1000;
}
