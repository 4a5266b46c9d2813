/**
 * How fast a log is checked: builds one of N entries in a temporary folder, then derives all of it again, from the
 * folder and over HTTP.
 *
 *   node --conditions=@vitrine/source bench/fsck.ts [entries] [bytes per entry]
 */
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkLog } from '@vitrine/fsck';
import { buildLog } from '../packages/fsck/test/build-log.ts';
import { report } from './figure.ts';

const entries = Number(process.argv[2] ?? 2_000_000);
const entryBytes = Number(process.argv[3] ?? 300);
const command = `node --conditions=@vitrine/source bench/fsck.ts ${entries} ${entryBytes}`;

const folder = mkdtempSync(join(tmpdir(), 'vitrine-bench-fsck-'));
const server = createServer((request, response) => {
  createReadStream(join(folder, request.url ?? ''))
    .on('error', () => response.writeHead(404).end())
    .pipe(response);
});
try {
  const started = performance.now();
  const { vkey } = buildLog(folder, entries, (leafIndex) => {
    const entry = Buffer.alloc(entryBytes, leafIndex & 255);
    entry.write(String(leafIndex));
    return entry;
  });
  console.error(`built ${entries} entries of ${entryBytes} bytes in ${seconds(started).toFixed(1)} s`);

  await measure('folder', folder, vkey);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  await measure('HTTP, its server on the same cores', new URL(`http://127.0.0.1:${address.port}/`), vkey);
} finally {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(where: string, source: URL | string, vkey: string): Promise<void> {
  let peakBytes = 0;
  const sample = (): void => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  };
  const started = performance.now();
  const result = await checkLog({ source, vkey, onProgress: sample });
  const elapsed = seconds(started);
  if (!result.ok) throw new Error(`the log is not sound: ${JSON.stringify(result.problems)}`);
  const value = Math.round(entries / elapsed);
  const megabytes = Math.round(peakBytes / 1e6);
  console.error(`${where}: ${value} leaves/s (${elapsed.toFixed(2)} s, at most ${megabytes} MB resident)`);
  report({
    name: `fsck from a ${where}, ${entries} entries of ${entryBytes} bytes`,
    value,
    unit: 'leaves/s',
    command,
  });
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
