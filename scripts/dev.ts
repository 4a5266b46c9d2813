/**
 * `npm run dev`: the server under `node --watch`, and Vite's development server before it with the pages, which passes /api,
 * /logs and the rest on. PORT (8080) is Vite's; the server listens one port above.
 */
import { join } from 'node:path';
import { createServer } from 'vite';
import { endChildren, endChildrenOnSignals, start } from './child-process.ts';
import { chooseInstance, initialise } from './instance.ts';
import { root } from './repository.ts';

endChildrenOnSignals();
try {
  const pages = await chooseInstance(process.env);
  const server = await chooseInstance({ ...process.env, PORT: String(pages.port + 1) });
  await initialise(server);
  const child = start(process.execPath, [
    ...['--watch', '--conditions=@vitrine/source', join(root, 'apps', 'server', 'src', 'main.ts')],
    ...['serve', '--data', server.data, '--listen', `127.0.0.1:${server.port}`],
  ]);
  child.once('exit', (code) => process.exit(code ?? 1));
  const passOn = Object.fromEntries(
    ['/api', '^/logs/[^/]+/(?:checkpoint|tile/|add)', '/healthz', '/metrics'].map((path) => [
      path,
      { target: server.url },
    ]),
  );
  const vite = await createServer({
    root: join(root, 'apps', 'web'),
    server: { host: '127.0.0.1', port: pages.port, strictPort: true, proxy: passOn },
  });
  await vite.listen();
  vite.printUrls();
} catch (error) {
  process.stderr.write(`vitrine: ${error instanceof Error ? error.message : String(error)}\n`);
  await endChildren();
  process.exit(1);
}
