/** Which view the read models show: so many entries of the root log, as of a time. */
import type { ReadTx } from './schema.ts';

export interface View {
  readonly rootSize: number;
  /** Milliseconds since 1970. */
  readonly asOfMs: number;
}

/**
 * A checkpoint is dated in whole seconds: nothing that it covers is later than the view.
 *
 * @param publishedMs when the newest checkpoint was published
 */
export async function viewOf(at: ReadTx, publishedMs: number): Promise<View> {
  const { root_size: rootSize } = await at
    .selectFrom('progress')
    .select('root_size')
    .executeTakeFirstOrThrow();
  const newest = await at
    .selectFrom('statements')
    .select('registered_at')
    .orderBy('registered_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { rootSize, asOfMs: Math.max(publishedMs, newest?.registered_at ?? 0) };
}
