/** `vitrine publish release --dry-run`: everything short of writing on the server. */
import { randomBytes } from 'node:crypto';
import type { ApiClient, Release } from '@vitrine/api';
import type { Signer } from '@vitrine/statements';
import { hasProblem, isTransient, statementsOrigin } from '../centre-connection.ts';
import { formatBytes } from '../progress.ts';
import type { ReleaseContents } from '../release-contents.ts';
import { differencesFrom } from '../release-differences.ts';
import { draftRelease, objectBytes, objectDigests } from '../release-draft.ts';
import type { ReleaseNaming } from '../release-draft.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';

/** Says what would be published, and whether it is already. */
export async function publishDryRun(
  options: ReleaseNaming & { readonly json?: boolean },
  contents: ReleaseContents,
  client: ApiClient,
  signer: Signer,
  terminal: Terminal,
): Promise<0> {
  const { product, release: version } = options;
  let origin: string | undefined;
  let existing: Release | undefined;
  try {
    origin = await statementsOrigin(client);
    existing = await client.call('release', { params: { product, version } });
  } catch (thrown) {
    if (!hasProblem(thrown, 'not-found')) {
      if (!isTransient(thrown)) throw thrown;
      terminal.note(`the server could not be asked: ${printable(thrown.message)}`);
    }
  }
  // The server keeps the secret of the real run, so the source root and what depends on it will differ.
  const draft = draftRelease(options, contents, origin ?? 'unknown.invalid/statements', randomBytes(32));
  const { secret, public: named } = objectDigests(contents, draft);
  const digests = new Set([...secret, ...named]);
  const bytes = objectBytes(contents, draft, digests);
  const differs =
    existing === undefined ? undefined : differencesFrom(existing, options, contents, undefined);
  if (options.json === true) {
    terminal.print(
      `${JSON.stringify({
        dryRun: true,
        product,
        version,
        signer: signer.keyid,
        server: { reachable: origin !== undefined },
        statements: [draft.release, ...draft.artifacts.map(({ statement }) => statement)],
        objects: { count: digests.size, bytes },
        published: existing === undefined ? null : { release: existing.digest, differs },
      })}\n`,
    );
    return 0;
  }
  const { entries, artifacts, sbom, provenance } = contents;
  const lines = [
    `Nothing was written. ${product} ${version} would be published with ${entries.length} source files and ${artifacts.length} artifacts.`,
    ...(existing === undefined
      ? []
      : [
          `It is published already${differs === undefined || differs.length === 0 ? '' : `, and would be refused: ${differs.join('; ')}`}.`,
        ]),
    `signer    ${signer.keyid}`,
    `objects   ${digests.size}, ${formatBytes(bytes)} before those that the centre has already`,
    ...(sbom === undefined
      ? []
      : [
          `sbom      ${sbom.summary.format} ${sbom.summary.specVersion}, ${sbom.summary.components} components`,
        ]),
    ...(provenance === undefined ? [] : [`provenance  built by ${provenance.summary.builderId}`]),
    'The source root and the manifest depend on the snapshot secret, which the real run chooses. The statements would be:',
  ];
  terminal.print(`${printable(lines.join('\n'))}\n`);
  for (const statement of [draft.release, ...draft.artifacts.map((artifact) => artifact.statement)])
    terminal.print(`${printable(JSON.stringify(statement, null, 2))}\n`);
  return 0;
}
