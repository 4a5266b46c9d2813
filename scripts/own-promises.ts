/** Vitrine's own promises, examples/promises/, as `npm start` puts them on the board. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiClient } from '@vitrine/api';
import * as v from 'valibot';
import { run } from './child-process.ts';
import { bin, root } from './repository.ts';

const PromiseFileSchema = v.looseObject({ id: v.string(), body: v.looseObject({ title: v.string() }) });

/**
 * Promises what is not promised yet, in the order of the files. One that is refused, since its date has passed, say, keeps no other back.
 * @param say one line of what happens
 */
export async function publishOwnPromises(
  { key, server }: { readonly server: string; readonly key: string },
  say: (line: string) => void,
): Promise<void> {
  const files = globSync('examples/promises/*.json', { cwd: root }).toSorted();
  const promised = await promisedIds(server);
  for (const [index, path] of files.entries()) {
    const file = join(root, path);
    const { id, body } = v.parse(PromiseFileSchema, JSON.parse(readFileSync(file, 'utf8')));
    if (promised.has(id)) continue;
    try {
      await run(bin('vitrine'), ['publish', 'commitment', '--server', server, '--key', key, '--file', file], {
        quiet: true,
      });
      say(`promise ${index + 1} of ${files.length}: ${body.title}`);
    } catch (error) {
      say(`not promised: ${id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function promisedIds(server: string): Promise<ReadonlySet<string>> {
  const api = createApiClient(server);
  const ids = new Set<string>();
  let after: number | undefined;
  do {
    const { commitments, next } = await api.call('commitments', {
      query: { limit: 200, ...(after === undefined ? {} : { after }) },
    });
    for (const { id } of commitments) ids.add(id);
    after = next ?? undefined;
  } while (after !== undefined);
  return ids;
}
