/** HTTP, at the centre that is replicated: its packs, encrypted, and the lists of disposed objects, for centres with a session. */
import type { KeysState } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import { VaultError } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { requireCentre } from './policy.ts';

const PAGE_PACKS = 1000;

export interface ReplicationRoutesOptions {
  readonly vault: Vault;
  readonly read: ReadDb;
  readonly keys: () => KeysState;
  readonly nowMs: () => number;
}

export function addReplicationRoutes(
  router: Router,
  { vault, read, keys, nowMs }: ReplicationRoutesOptions,
): void {
  /** Asked at every request: a key that has ended copies nothing more. */
  function authorise(caller: string): void {
    requireCentre(keys(), caller, nowMs());
  }
  router.on('vaultPacks', async ({ caller, query }) => {
    authorise(caller);
    const packs = await vault.packs.list(query.after ?? '', PAGE_PACKS);
    const last = packs.length < PAGE_PACKS ? undefined : packs.at(-1);
    return { packs, next: last?.packId ?? null };
  });
  router.on('vaultPack', async ({ caller, params }) => {
    authorise(caller);
    const manifest = await vault.packs.manifest(params.pack);
    return { ...manifest, chunks: [...manifest.chunks], grants: [...manifest.grants] };
  });
  router.on('vaultPackObjects', async ({ caller, params, range }) => {
    authorise(caller);
    // To the end, whatever end is asked for: whoever wants less closes the connection.
    const start = range?.start ?? 0;
    const { sizeBytes, stream } = await vault.packs.ciphertext(params.pack, start);
    if (range === undefined) return { bytes: stream, sizeBytes };
    if (start < sizeBytes)
      return { bytes: stream, sizeBytes: sizeBytes - start, part: { start, wholeBytes: sizeBytes } };
    stream.destroy();
    throw new VaultError('range-not-satisfiable', `The pack ends at ${sizeBytes}, before ${start}.`);
  });
  router.on('vaultPackTable', async ({ caller, params }) => {
    authorise(caller);
    return whole(await vault.packs.table(params.pack));
  });
  router.on('vaultPackGrant', async ({ caller, params }) => {
    authorise(caller);
    return whole(await vault.packs.grant(params.pack, params.tag));
  });
  router.on('disposalList', async ({ caller, params }) => {
    authorise(caller);
    const ordered = await read
      .selectFrom('disposals')
      .select('leaf_index')
      .where('list_digest', '=', params.sha256)
      .executeTakeFirst();
    if (ordered === undefined)
      throw new CentreError('not-found', `No admitted disposal names the list ${params.sha256}.`);
    const { sizeBytes, stream } = await vault.get(params.sha256);
    return { bytes: stream, sizeBytes };
  });
}

function whole(bytes: Uint8Array): { bytes: Uint8Array; sizeBytes: number } {
  return { bytes, sizeBytes: bytes.length };
}
