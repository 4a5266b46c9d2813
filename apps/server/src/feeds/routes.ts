/** HTTP: Atom feeds. What a feed holds is a function of the published log; anyone may follow it. */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { CommitmentError, inForce, parseCommitmentBody } from '@vitrine/commitments';
import type { CommitmentFacts } from '@vitrine/commitments';
import { routeUrl } from '@vitrine/api';
import type { LogView } from '../log/log.ts';
import { isPublic } from '../projection/bodies.ts';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import { viewOf } from '../projection/view.ts';
import type { BytesResponse, Router } from '../router.ts';
import type { Vault } from '../vault/vault.ts';
import type { AtomFeed } from './atom.ts';
import { formatAtom, tagUri } from './atom.ts';
import { mentionsPart, PART_ENTRIES, promiseChanges, promiseEntry } from './queries.ts';

export interface FeedRoutesOptions {
  /** The name of the instance. */
  readonly name: string;
  readonly root: LogView;
  readonly read: ReadDb;
  readonly vault: Vault;
  /** What the read models know of every commitment. */
  readonly commitments: () => Promise<readonly CommitmentFacts[]>;
  /** Never goes back, milliseconds. */
  readonly monotonicMs: () => number;
}

/** Readers ask every few minutes; ten thousand promises are gone through at most this often. */
const PROMISES_KEPT_MS = 10_000;

export function addFeedRoutes(
  router: Router,
  { name, root, read, vault, commitments, monotonicMs }: FeedRoutesOptions,
): void {
  function publishedMs(): number {
    return root.published.cosignedAt * 1000;
  }

  /** The tag changes only with the content, so a reader who has it already is sent nothing. */
  function answer(feed: Omit<AtomFeed, 'author' | 'updatedMs'>): BytesResponse {
    const bytes = formatAtom({ ...feed, author: name, updatedMs: publishedMs() });
    return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
  }

  async function titleOf(facts: CommitmentFacts): Promise<string> {
    const { body } = inForce(facts);
    if (!(await isPublic(read, body)) || !(await vault.has(body))) return facts.id;
    const { stream } = await vault.get(body);
    try {
      return parseCommitmentBody(await buffer(stream)).title;
    } catch (error) {
      if (error instanceof CommitmentError) return facts.id;
      throw error;
    }
  }

  async function promisesFeed(): Promise<BytesResponse> {
    const { asOfMs } = await snapshot(read, (at) => viewOf(at, publishedMs()));
    const changes = promiseChanges(await commitments(), asOfMs, PART_ENTRIES);
    const titles = new Map<string, string>();
    for (const { facts } of changes) if (!titles.has(facts.id)) titles.set(facts.id, await titleOf(facts));
    return answer({
      id: tagUri(root.origin, 'feeds/promises'),
      title: `Promises of ${name}`,
      subtitle: 'What was promised, and whether it is kept: computed from the log, set by nobody.',
      self: routeUrl('promisesFeed'),
      page: '/',
      entries: changes.map((change) => promiseEntry(change, titles.get(change.facts.id) ?? change.facts.id)),
    });
  }

  let promises: { readonly feed: Promise<BytesResponse>; readonly madeAtMs: number } | undefined;
  router.on('promisesFeed', async () => {
    if (promises === undefined || monotonicMs() - promises.madeAtMs > PROMISES_KEPT_MS)
      promises = { feed: promisesFeed(), madeAtMs: monotonicMs() };
    const { feed } = promises;
    try {
      return await feed;
    } catch (error) {
      promises = undefined;
      throw error;
    }
  });

  router.on('productFeed', async ({ params: { product }, query: { before } }) => {
    const { entries, older } = await mentionsPart(
      read,
      root,
      { mentioned: 'product', name: product },
      before,
    );
    const params = { product };
    return answer({
      id: tagUri(root.origin, `feeds/products/${product}`),
      title: `${product}, in the log of ${name}`,
      subtitle: `Every statement about ${product} that counts.`,
      self: routeUrl('productFeed', { params, query: { before } }),
      page: `/products/${product}`,
      ...(older === undefined
        ? {}
        : { older: routeUrl('productFeed', { params, query: { before: older } }) }),
      entries,
    });
  });

  router.on('keyFeed', async ({ params: { keyid }, query: { before } }) => {
    const { entries, older } = await mentionsPart(read, root, { mentioned: 'key', name: keyid }, before);
    const params = { keyid };
    return answer({
      id: tagUri(root.origin, `feeds/keys/${keyid}`),
      title: `Signed with the key ${keyid.slice(0, 10)}…, in the log of ${name}`,
      subtitle: `Every statement that counts and is signed with the key ${keyid}. Whoever holds it finds here what they did not say.`,
      self: routeUrl('keyFeed', { params, query: { before } }),
      page: `/logs/${root.name}`,
      ...(older === undefined ? {} : { older: routeUrl('keyFeed', { params, query: { before: older } }) }),
      entries,
    });
  });
}
