/**
 * `npm start`: builds the web pages if they are old, makes three data folders if there are none, and becomes the server in Washington.
 * Beside it scripts/accompany.ts runs Zurich and Singapore and says what there is to say. PORT (8080) and VITRINE_DATA (.vitrine/data)
 * choose where.
 *
 * This process turns into the server by execve, keeping its process ID: npm's child IS the server, so whatever ends that
 * child, even SIGKILL, leaves nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildWeb } from './build.ts';
import { endChildrenOnSignals, leaveSignalsToSystem } from './child-process.ts';
import { chooseThreeSites, untilAnswers } from './instance.ts';
import { bin } from './repository.ts';
import { makeThreeCentres } from './three-centres.ts';

const WITNESSES_WITHIN_MS = 30_000;

function say(line: string): void {
  process.stdout.write(`vitrine: ${line}\n`);
}

endChildrenOnSignals();
try {
  const sites = await chooseThreeSites(process.env);
  const { washington } = sites;
  const data = dirname(washington.dir);
  const environment = { VITRINE_LOG_LEVEL: 'error', ...process.env };
  say('building the web pages …');
  say((await buildWeb()) ? 'web pages built' : 'web pages are up to date');
  say(`data folders in ${data}`);
  await makeThreeCentres(sites, {
    onMade: ({ dir, place }) => say(`made the keys and logs of ${place.city}: ${dir}`),
  });

  if (process.execve === undefined)
    throw new Error('this system cannot replace a process; use `npm run dev`');
  // Through a shell that ends at once, so that it is not a child which the server would have to wait for.
  spawnSync(
    '/bin/sh',
    [
      ...['-c', '"$@" &', 'sh', process.execPath, '--conditions=@vitrine/source'],
      join(import.meta.dirname, 'accompany.ts'),
      ...['--data', data, '--port', String(washington.port), '--server-pid', String(process.pid)],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], env: environment },
  );
  // A writer signs nothing before its witnesses have said what they hold: with them there it need not wait for its next attempt.
  await Promise.race([
    Promise.all([sites.zurich, sites.singapore].map(({ port }) => untilAnswers(port))),
    sleep(WITNESSES_WITHIN_MS),
  ]);
  await leaveSignalsToSystem();
  const server = bin('vitrine');
  process.execve(
    server,
    [server, 'serve', '--data', washington.dir, '--listen', `127.0.0.1:${washington.port}`],
    environment,
  );
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
