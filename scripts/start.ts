/**
 * `npm start`: builds the web pages if they are old, makes a data folder if there is none, and becomes the server. Beside it
 * scripts/publish-own-release.ts publishes Vitrine itself. PORT (8080) and VITRINE_DATA (.vitrine/data) choose where.
 *
 * This process turns into the server by execve, keeping its process ID: npm's child IS the server, so whatever ends that
 * child, even SIGKILL, leaves nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildWeb } from './build.ts';
import { endChildrenOnSignals, leaveSignalsToSystem } from './child-process.ts';
import { chooseInstance, initialise } from './instance.ts';
import { bin } from './repository.ts';

function say(line: string): void {
  process.stdout.write(`vitrine: ${line}\n`);
}

endChildrenOnSignals();
try {
  const instance = await chooseInstance(process.env);
  say('building the web pages …');
  say((await buildWeb()) ? 'web pages built' : 'web pages are up to date');
  say((await initialise(instance)) ? `new data folder ${instance.data}` : `data folder ${instance.data}`);

  if (process.execve === undefined)
    throw new Error('this system cannot replace a process; use `npm run dev`');
  await leaveSignalsToSystem();
  // Through a shell that ends at once, so that the publisher is not a child which the server would have to wait for.
  spawnSync(
    '/bin/sh',
    [
      ...['-c', '"$@" &', 'sh', process.execPath, '--conditions=@vitrine/source'],
      join(import.meta.dirname, 'publish-own-release.ts'),
      ...['--server', instance.url, '--server-pid', String(process.pid), '--key', instance.keyFile],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const server = bin('vitrine');
  process.execve(
    server,
    [server, 'serve', '--data', instance.data, '--listen', `127.0.0.1:${instance.port}`],
    { VITRINE_LOG_LEVEL: 'warn', ...process.env },
  );
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
