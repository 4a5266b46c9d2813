/** `vitrine publish release --dry-run`: everything short of writing on the server. */
import { randomBytes } from 'node:crypto';
import type { ApiClient, Release } from '@vitrine/api';
import { admitEnvelope, signStatement } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { hasProblem, isTransient, statementsOrigin } from '../centre-connection.ts';
import { verifyWithOpenssl } from '../ed25519.ts';
import { readKeysLog } from '../keys-log-source.ts';
import { policyToHold, readPolicy } from '../policy-option.ts';
import { formatBytes } from '../progress.ts';
import type { ReleaseContents } from '../release-contents.ts';
import { differencesFrom } from '../release-differences.ts';
import { draftRelease, objectBytes, objectDigests } from '../release-draft.ts';
import type { ReleaseDraft, ReleaseNaming } from '../release-draft.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface DryRunOptions extends ReleaseNaming {
  readonly server: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** A vault that told anyone which digests it holds would confirm guesses at secret files. */
const OBJECTS_NOT_CHECKED =
  'which of the objects the centre has already: it tells that only to a publication that has begun';

/** Says what would be published, whether it is already, whether this key may, and what was not asked. */
export async function publishDryRun(
  options: DryRunOptions,
  contents: ReleaseContents,
  client: ApiClient,
  signer: Signer,
  terminal: Terminal,
): Promise<0> {
  const { product, release: version } = options;
  let origin: string | undefined;
  let existing: Release | undefined;
  const onWait = waiting(terminal);
  try {
    origin = await statementsOrigin(client);
    await policyToHold(options.policy, client, origin, onWait);
    existing = await client.call('release', { params: { product, version } });
  } catch (thrown) {
    if (!hasProblem(thrown, 'not-found')) {
      if (!isTransient(thrown)) throw thrown;
      terminal.note(`the server could not be asked: ${printable(thrown.message)}`);
    }
  }
  // The server keeps the secret of the real run, so the source root and what depends on it will differ.
  const draft = draftRelease(options, contents, origin ?? 'unknown.invalid/statements', randomBytes(32));
  const refusal = origin === undefined ? undefined : await whyRefused(options, draft, origin, signer, onWait);
  const notChecked = [
    OBJECTS_NOT_CHECKED,
    ...(origin === undefined ? ['whether it is published already, and whether this key may publish it'] : []),
  ];
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
        admitted: origin === undefined ? null : { ok: refusal === undefined, reason: refusal ?? null },
        notChecked,
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
    ...(origin === undefined
      ? []
      : [refusal === undefined ? 'key       may publish this' : `key       would be refused: ${refusal}`]),
    `objects   ${digests.size}, ${formatBytes(bytes)} before those that the centre has already`,
    ...(sbom === undefined
      ? []
      : [
          `sbom      ${sbom.summary.format} ${sbom.summary.specVersion}, ${sbom.summary.components} components`,
        ]),
    ...(provenance === undefined ? [] : [`provenance  built by ${provenance.summary.builderId}`]),
    ...notChecked.map((what) => `unchecked ${what}`),
    'The source root and the manifest depend on the snapshot secret, which the real run chooses. The statements would be:',
  ];
  terminal.print(`${printable(lines.join('\n'))}\n`);
  for (const statement of [draft.release, ...draft.artifacts.map((artifact) => artifact.statement)])
    terminal.print(`${printable(JSON.stringify(statement, null, 2))}\n`);
  return 0;
}

/** Why the centre would refuse the release by this key, as its keys log says; undefined if it would not. @throws Failure, ApiError */
async function whyRefused(
  { server, policy }: DryRunOptions,
  { release }: ReleaseDraft,
  origin: string,
  signer: Signer,
  onWait: (reason: string) => void,
): Promise<string | undefined> {
  const trust = policy === undefined ? {} : { policy: await readPolicy(policy) };
  const { state } = await readKeysLog(server, onWait, trust);
  const envelope = await signStatement(release, [signer]);
  const atMs = Math.max(Date.now(), state.lastRegisteredAtMs);
  const admission = admitEnvelope(state, { origin, atMs, envelope }, verifyWithOpenssl);
  return admission.admitted ? undefined : admission.reason;
}
