/** What a watch is to be told next: exactly what the feed of the same has, from where it was told last. */
import type { Watched } from '@vitrine/api';
import { mentionsFrom } from '../feeds/queries.ts';
import type { Entry, LogView } from '../log/log.ts';
import type { ReadDb } from '../projection/schema.ts';
import { formatPromises, formatStatements, type Teller } from './notification.ts';
import type { PromiseJournal } from './promise-journal.ts';
import type { WatchRow } from './register.ts';

/** Entries in one delivery. */
const MOST_ENTRIES = 100;

export interface News {
  readonly body: string;
  readonly entries: number;
  /** Where the watch stands once it has been told. */
  readonly nextPosition: number;
}

export interface NewsOptions {
  readonly root: LogView;
  readonly read: ReadDb;
  readonly journal: PromiseJournal;
  readonly teller: Teller;
}

export class NewsSource {
  readonly #options: NewsOptions;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** Where a watch begins that is to be told what comes from now on. */
  async positionNow(watched: Watched): Promise<number> {
    const { journal, read } = this.#options;
    if ('promises' in watched) {
      await journal.update({ now: true });
      return journal.next;
    }
    const { root_size: rootSize } = await read
      .selectFrom('progress')
      .select('root_size')
      .executeTakeFirstOrThrow();
    return rootSize;
  }

  /** @returns undefined when there is nothing new in what is published and shown */
  async next(watch: WatchRow): Promise<News | undefined> {
    const { journal, read, root, teller } = this.#options;
    const context = { teller, watch: { id: watch.id, watched: watchedOf(watch) } };
    if (watch.watched === 'promises') {
      await journal.update();
      if (watch.position >= journal.next) return undefined;
      const { changes, until } = await journal.from(watch.position, MOST_ENTRIES);
      if (changes.length === 0) return undefined;
      return { body: formatPromises(context, changes), entries: changes.length, nextPosition: until };
    }
    const mention = { mentioned: watch.watched, name: watch.name };
    const { leafIndices, until } = await mentionsFrom(read, mention, watch.position, MOST_ENTRIES);
    if (leafIndices.length === 0) return undefined;
    const entries: Entry[] = [];
    for (const leafIndex of leafIndices) entries.push(await root.readEntry(leafIndex));
    return { body: formatStatements(context, entries), entries: entries.length, nextPosition: until };
  }
}

export function watchedOf({ name, watched }: Pick<WatchRow, 'name' | 'watched'>): Watched {
  switch (watched) {
    case 'key':
      return { keyid: name };
    case 'product':
      return { product: name };
    case 'promises':
      return { promises: true };
  }
}

export function rowOf(watched: Watched): Pick<WatchRow, 'name' | 'watched'> {
  if ('keyid' in watched) return { watched: 'key', name: watched.keyid };
  if ('product' in watched) return { watched: 'product', name: watched.product };
  return { watched: 'promises', name: '' };
}
