/** What the test centre shows: a product with a history, another that is new, and an entry of an open log. */
import { randomBytes } from 'node:crypto';
import type { RunningCentre } from './running-centre.ts';

export const installer = Buffer.from('the installer of larder 2.1.0\n'.repeat(4000));
export const withdrawnInstaller = Buffer.from('the installer of larder 2.0.0\n'.repeat(4000));

export const reason =
  'The updater of 2.0.0 accepts an expired certificate.\nInstall 2.1.0 instead; nothing else is affected.';

export const notes =
  'Larder 2.1.0\n\nThe updater refuses expired certificates.\nThe pantry index is a third smaller.';

export const sbom = JSON.stringify({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  components: [{ type: 'library', name: 'zlib', version: '1.3.1' }],
});

export async function publishExamples(centre: RunningCentre): Promise<void> {
  await centre.publish({
    product: 'larder',
    version: '2.0.0',
    artifacts: [{ name: 'larder_2.0.0_amd64.deb', bytes: withdrawnInstaller }],
  });
  await centre.publish({
    product: 'larder',
    version: '2.1.0',
    supersedes: '2.0.0',
    notes,
    sbom,
    artifacts: [
      { name: 'larder_2.1.0_amd64.deb', bytes: installer },
      { name: 'larder-2.1.0-windows-x64.msi', bytes: randomBytes(1_204_117) },
      { name: 'larder-2.1.0.tar.gz', bytes: randomBytes(48_211) },
    ],
  });
  await centre.withdraw('larder', '2.0.0', reason);
  await centre.publish({
    product: 'scullery-cli',
    version: '0.9.0-rc.1+build.20261124',
    artifacts: [{ name: 'Küchenhilfe für große Häuser.zip', bytes: randomBytes(9_000) }],
  });
  await fetch(`${centre.url}/logs/notes/add`, {
    method: 'POST',
    body: 'An entry of an open log, in plain text.',
  });
}
