/** What the centre of the browser tests shows: a product with a history, another that is new, an open log. */
import { randomBytes } from 'node:crypto';
import { withdrawalStatement, signStatement } from '@vitrine/statements';
import { publish, sha256, startCentre, text } from '../running-centre.ts';
import type { RunningCentre } from '../running-centre.ts';

export const installer = Buffer.from('the installer of larder 2.1.0\n'.repeat(4000));
export const withdrawnInstaller = Buffer.from('the installer of larder 2.0.0\n'.repeat(4000));

export const reason =
  'The updater of 2.0.0 accepts an expired certificate.\nInstall 2.1.0 instead; nothing else is affected.';

const notes = Buffer.from(
  'Larder 2.1.0\n\nThe updater refuses expired certificates.\nThe pantry index is a third smaller.',
);

const sbom = Buffer.from(
  JSON.stringify({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    components: [{ type: 'library', name: 'zlib', version: '1.3.1' }],
  }),
);

async function withdraw(centre: RunningCentre, product: string, version: string): Promise<void> {
  const release = await centre.api.call('release', { params: { product, version } });
  const envelope = await signStatement(
    withdrawalStatement({
      log: `${centre.name}/statements`,
      product,
      version,
      reason: { digest: sha256(reason) },
      release: release.digest,
    }),
    [centre.signer],
  );
  const { statements } = await centre.api.call('registerStatements', {
    body: {
      log: 'statements',
      envelopes: [text(envelope)],
      bodies: [Buffer.from(reason).toString('base64')],
    },
  });
  for (const { digest } of statements)
    await (await centre.api.call('statementEvidence', { params: { digest } })).arrayBuffer();
}

/** Starts a centre with the examples in it; every statement is published when this resolves. */
export async function startExampleCentre(): Promise<RunningCentre> {
  const centre = await startCentre({ name: 'larder.example', openLogs: ['notes'] });
  const source = { 'src/main.c': 'int main(void) { return 0; }\n', README: 'Larder keeps things.\n' };
  await publish(centre, {
    product: 'larder',
    version: '2.0.0',
    source,
    artifacts: { 'larder_2.0.0_amd64.deb': withdrawnInstaller },
  });
  const current = await publish(
    centre,
    {
      product: 'larder',
      version: '2.1.0',
      source,
      artifacts: {
        'larder_2.1.0_amd64.deb': installer,
        'larder-2.1.0-windows-x64.msi': randomBytes(1_204_117),
        'larder-2.1.0.tar.gz': randomBytes(48_211),
      },
      documents: {
        supersedes: '2.0.0',
        notes: { digest: sha256(notes) },
        sbom: { format: 'cyclonedx', digest: sha256(sbom) },
      },
    },
    [notes, sbom],
  );
  await (await centre.api.call('statementEvidence', { params: { digest: current.digest } })).arrayBuffer();
  await withdraw(centre, 'larder', '2.0.0');
  const other = await publish(centre, {
    product: 'scullery-cli',
    version: '0.9.0-rc.1+build.20261124',
    source,
    artifacts: { 'Küchenhilfe für große Häuser.zip': randomBytes(9_000) },
  });
  await fetch(`${centre.url}/logs/notes/add`, {
    method: 'POST',
    body: 'An entry of an open log, in plain text.',
  });
  await (await centre.api.call('statementEvidence', { params: { digest: other.digest } })).arrayBuffer();
  return centre;
}
