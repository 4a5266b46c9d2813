/** The keys log of a server that may be anything: what it serves is taken whole and in order, or refused in words. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { formatCheckpoint, formatEntryBundle, formatNote, hashLeaf, rootOfLeaves } from '@vitrine/tlog';
import { Failure } from './failure.ts';
import { readKeysLog } from './keys-log-source.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Answer = Uint8Array | string | number | ((response: ServerResponse) => void);

/** Serves these paths of `/logs/keys/`; a number is a status. @returns its address */
async function serve(answers: Readonly<Record<string, Answer>>, asked: string[] = []): Promise<string> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').replace('/logs/keys/', '');
    asked.push(path);
    const answer = answers[path] ?? 404;
    if (typeof answer === 'function') answer(response);
    else if (typeof answer === 'number') response.writeHead(answer).end();
    else response.end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Nobody verifies the signature: without a policy nothing says whose it should be. */
function checkpoint(treeSize: number, root: Uint8Array, origin = 'acme.example/keys'): string {
  return formatNote({
    text: formatCheckpoint({ origin, treeSize, root, extensions: [] }),
    signatures: [{ name: origin, keyId: 1, signature: randomBytes(64) }],
  });
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => randomBytes(40));
}

const quiet = () => undefined;

async function refusal(server: string): Promise<string> {
  try {
    await readKeysLog(server, quiet);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.message;
    throw thrown;
  }
  throw new Error('it was taken');
}

describe('the keys log of a server', () => {
  test('is read across bundles, from the full bundle where a partial one is gone', async () => {
    const leaves = leavesOf(300);
    const full = [...leaves, ...leavesOf(212)];
    const url = await serve({
      checkpoint: checkpoint(300, rootOfLeaves(leaves.map(hashLeaf))),
      'tile/entries/000': formatEntryBundle(leaves.slice(0, 256)),
      'tile/entries/001': formatEntryBundle(full.slice(256)),
    });
    const log = await readKeysLog(`${url}/`, quiet);
    expect(log.leaves).toEqual(leaves);
    expect(log.state.rootKeys).toBeUndefined();
    expect(log.entries.every(({ counts }) => !counts)).toBe(true);
    expect(log.verified).toBeUndefined();
  });

  test('is waited for while it is busy', async () => {
    let busy = 2;
    const note = checkpoint(0, rootOfLeaves([]));
    const url = await serve({
      checkpoint: (response) => {
        if (busy-- > 0) response.writeHead(503).end();
        else response.end(note);
      },
    });
    expect((await readKeysLog(url, quiet)).leaves).toEqual([]);
    expect(busy).toBe(-1);
  });

  test('is refused when its entries are not those of its checkpoint', async () => {
    const leaves = leavesOf(3);
    const root = rootOfLeaves(leaves.map(hashLeaf));
    for (const served of [leaves.toReversed(), [...leaves.slice(1), randomBytes(40)]]) {
      const url = await serve({
        checkpoint: checkpoint(3, root),
        'tile/entries/000.p/3': formatEntryBundle(served),
      });
      expect(await refusal(url)).toContain('not those of its own checkpoint');
    }
  });

  test('is refused when a bundle is missing, short, long or without end', async () => {
    const leaves = leavesOf(3);
    const note = checkpoint(3, rootOfLeaves(leaves.map(hashLeaf)));
    const bundle = formatEntryBundle(leaves);
    const endless = (response: ServerResponse) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    };
    for (const [answer, words] of [
      [404, 'does not serve'],
      [bundle.subarray(0, -1), 'malformed'],
      [Buffer.concat([bundle, bundle]), 'malformed'],
      [endless, 'malformed'],
    ] as const)
      expect(await refusal(await serve({ checkpoint: note, 'tile/entries/000.p/3': answer }))).toContain(
        words,
      );
  });

  test('is refused before an entry is read when its checkpoint cannot be', async () => {
    const root = randomBytes(32);
    for (const [note, words] of [
      ['hello', 'malformed'],
      [Buffer.from([0xff, 0xfe]), 'malformed'],
      [checkpoint(1, root).replace('\n1\n', '\n01\n'), 'malformed'],
      [checkpoint(Number.MAX_SAFE_INTEGER, root), 'no verifier reads more'],
      [checkpoint(1, root, 'acme.example/statements'), 'NAME/keys'],
      [404, 'has no log'],
    ] as const) {
      const asked: string[] = [];
      expect(await refusal(await serve({ checkpoint: note }, asked))).toContain(words);
      expect(asked).toEqual(['checkpoint']);
    }
  });
});
