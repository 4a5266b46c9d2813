/** What the scripts show: where its data is, and where it listens. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './child-process.ts';
import { bin, root } from './repository.ts';
import { ownSites, sitesOf, type ThreeSites } from './three-centres.ts';

export interface Instance {
  /** Absolute. */
  readonly data: string;
  readonly port: number;
  readonly url: string;
}

/** One centre of its own. @throws Error saying what to do, when PORT is no port or is taken */
export async function chooseInstance(environment: NodeJS.ProcessEnv): Promise<Instance> {
  const { VITRINE_DATA: dataPath = join(root, '.vitrine', 'dev') } = environment;
  const [port] = await choosePorts(environment, 1);
  const data = resolve(dataPath);
  return { data, port, url: `http://127.0.0.1:${port}` };
}

/**
 * The three centres that `npm start` shows: VITRINE_DATA (.vitrine/data) holds their data folders, PORT (8080) is Washington's, and the
 * others have the next two.
 * @throws Error saying what to do, when a port is taken, or the folder holds something else or is in use
 */
export async function chooseThreeSites(environment: NodeJS.ProcessEnv): Promise<ThreeSites> {
  const parent = resolve(environment['VITRINE_DATA'] ?? join(root, '.vitrine', 'data'));
  if (existsSync(join(parent, 'vitrine.json')))
    throw new Error(
      `${parent} is the data folder of one centre, as npm start made it before it ran three. It stays as it is. ` +
        `Name a new folder for the three (VITRINE_DATA=… npm start), or move this one away. ` +
        `It can still be served by itself: npx vitrine serve --data ${parent}`,
    );
  const [port] = await choosePorts(environment, 3);
  const sites = ownSites(parent, port);
  for (const { dir } of sitesOf(sites)) refuseServed(dir);
  return sites;
}

/** PORT and those that follow it. @throws Error */
async function choosePorts(environment: NodeJS.ProcessEnv, count: number): Promise<[number]> {
  const { PORT: portText = '8080' } = environment;
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
  const most = 65_536 - count;
  if (!(port >= 1 && port <= most))
    throw new Error(`PORT=${portText} is not a port: use a number from 1 to ${most}`);
  for (let each = port; each < port + count; each++) {
    if (!(await answers(each))) continue;
    const others = each + count <= 65_536 ? each + 1 : 8080;
    throw new Error(
      `port ${each} is taken by another program: end that one, or choose ${count === 1 ? 'another port' : `${count} others`}, e.g. PORT=${others} npm start`,
    );
  }
  return [port];
}

/** @throws Error when a server has this data folder: its addresses must not change under it */
function refuseServed(dir: string): void {
  const lock = join(dir, 'lock.sqlite');
  if (!existsSync(lock)) return;
  const database = new DatabaseSync(lock, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE; ROLLBACK');
  } catch (cause) {
    throw new Error(`another process serves ${dir}: end it first, or name another folder, VITRINE_DATA=…`, {
      cause,
    });
  } finally {
    database.close();
  }
}

/** Resolves once something listens on this port of loopback. */
export async function untilAnswers(port: number): Promise<void> {
  while (!(await answers(port))) await sleep(100);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Makes the data folder with `vitrine init` unless it is there. @returns whether it was made */
export async function initialise({ data }: Instance): Promise<boolean> {
  if (existsSync(join(data, 'vitrine.json'))) return false;
  await run(bin('vitrine'), ['init', '--data', data, '--origin', 'vitrine.localhost']);
  return true;
}
