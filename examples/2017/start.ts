/**
 * `npm run example:2017`: replays the record into a fresh instance under .vitrine/example-2017 (or VITRINE_DATA), and becomes the normal
 * server on it. PORT (8080) chooses where.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildWeb } from '../../scripts/build.ts';
import { chooseInstance } from '../../scripts/instance.ts';
import { bin, root } from '../../scripts/repository.ts';
import { endChildrenOnSignals, leaveSignalsToSystem } from '../../scripts/child-process.ts';
import { replay } from './replay.ts';

function say(line: string): void {
  process.stdout.write(`vitrine: ${line}\n`);
}

endChildrenOnSignals();
try {
  const { data, port, url } = await chooseInstance({
    ...process.env,
    VITRINE_DATA: resolve(process.env['VITRINE_DATA'] ?? join(root, '.vitrine', 'example-2017')),
  });
  say('building the web pages …');
  say((await buildWeb()) ? 'web pages built' : 'web pages are up to date');
  if (existsSync(join(data, 'vitrine.json'))) say(`the record was replayed before, into ${data}`);
  else {
    await replay(data);
    say(`the record is replayed, into ${data}`);
  }
  say(`drag time at ${url}/timeline?asOf=2018-04-01`);
  if (process.execve === undefined) throw new Error('this system cannot replace a process');
  await leaveSignalsToSystem();
  const server = bin('vitrine');
  process.execve(server, [server, 'serve', '--data', data, '--listen', `127.0.0.1:${port}`], {
    VITRINE_LOG_LEVEL: 'warn',
    ...process.env,
  });
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
