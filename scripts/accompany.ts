/**
 * What runs beside Washington's server at `npm start`: the servers in Zurich and Singapore, and what is said in the log at the first
 * start: the centres, Vitrine's own promises, its own release. Ends, with all that it started, when Washington's server does.
 *
 *     node scripts/accompany.ts --data DIR --port PORT --server-pid PID
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApiClient } from '@vitrine/api';
import { endChildren, endChildrenOnSignals, start } from './child-process.ts';
import { publishOwnPromises } from './own-promises.ts';
import { publishOwnRelease } from './publish-own-release.ts';
import { bin } from './repository.ts';
import { announceThreeCentres, type CentreSite, ownSites, rootKeyOf, sitesOf } from './three-centres.ts';

const LOOK_MS = 100;
/** A centre that has ended, of a port that was taken just then say, is started again after this time. */
const AGAIN_MS = 2_000;

function say(line: string): void {
  process.stdout.write(`vitrine: ${line}\n`);
}

let ending = false;

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await endChildren();
  process.exit(code);
}

/** As soon as the process is gone. */
function endWith(serverPid: number): void {
  setInterval(() => {
    try {
      process.kill(serverPid, 0);
    } catch {
      void end(1);
    }
  }, 200);
}

/** Runs a server, again if it ends; its one line of output is not shown, as all addresses are told together. */
function serve(site: CentreSite): void {
  const { dir, place, port } = site;
  const child = start(bin('vitrine'), ['serve', '--data', dir, '--listen', `127.0.0.1:${port}`], {
    output: 'ignore',
  });
  void once(child, 'exit').then(([code]) => {
    // One that was asked to end has ended with 0.
    if (ending || code === 0) return;
    say(`the centre in ${place.city} has ended (${String(code)}); the others go on, and it is started again`);
    setTimeout(() => {
      if (!ending) serve(site);
    }, AGAIN_MS);
  });
}

async function waitUntilServing({ url }: CentreSite): Promise<void> {
  for (;;) {
    try {
      await createApiClient(url).call('viewDigest');
      return;
    } catch {
      await sleep(LOOK_MS);
    }
  }
}

/** Until all three show the same at the newest size that they all show. */
async function waitUntilAgreed(sites: readonly CentreSite[]): Promise<number> {
  for (;;) {
    const views = await Promise.all(sites.map(({ url }) => createApiClient(url).call('viewDigest')));
    if (new Set(views.map(({ digest }) => digest)).size === 1) return views[0]?.rootSize ?? 0;
    await sleep(LOOK_MS);
  }
}

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    'server-pid': { type: 'string', default: '' },
  },
});
const sites = ownSites(values.data, Number(values.port));
const { washington } = sites;
const writer = { server: washington.url, key: rootKeyOf(washington) };
endChildrenOnSignals();
endWith(Number(values['server-pid']));
serve(sites.zurich);
serve(sites.singapore);
try {
  say('waiting until the three centres have cosigned what they show …');
  await Promise.all(sitesOf(sites).map(waitUntilServing));
  for (const { place, url } of sitesOf(sites)) say(`${place.city.padEnd(10)} ${url}`);
  await announceThreeCentres(sites, {
    onAnnounced: ({ place, name }) => say(`announced: ${name} in ${place.city}`),
  });
  await publishOwnPromises(writer, say);
  await publishOwnRelease(writer, say);
  say(`the three centres agree on ${await waitUntilAgreed(sitesOf(sites))} entries; Ctrl-C ends them`);
} catch (error) {
  say(`Vitrine's own release is not published: ${error instanceof Error ? error.message : String(error)}`);
  say('The centres go on; the next npm start tries again and resumes.');
}
