/**
 * Three centres while links are cut and processes are killed, in a process of its own: see partition.test.ts.
 *
 *     node --conditions=@vitrine/source e2e/partition-run.ts --folder DIR --rounds N --seed N [--namespaces PREFIX]
 *
 * Prints what happened as one JSON object; exits 1 with the reason when something must not have happened.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { type ApiClient, createApiClient } from '@vitrine/api';
import { formatEventBody } from '@vitrine/commitments';
import { requireSoundLog } from '@vitrine/fsck';
import {
  EVENT_TYPE,
  eventStatement,
  parseSpki,
  parseStatementLeaf,
  type Signer,
  signStatement,
} from '@vitrine/statements';
import { decodeBase64 } from '@vitrine/tlog';
import {
  announceThreeCentres,
  makeThreeCentres,
  rootKeyOf,
  type ThreeSites,
  threeSites,
} from '../scripts/three-centres.ts';
import { CENTRES, type CentreName, type CutLinks, namespaceLinks, proxyLinks } from './cut-links.ts';
import { bin, sha256, text } from './running-centre.ts';
import { Random } from './simulation/random.ts';

/** A question to a witness that does not answer is given up after five seconds; so long no quorum is missing. */
const PARTED_MS = 8_000;
/** Connections whose packets were lost go on when TCP sends them again, which may take a while. */
const WELL_WITHIN_MS = 120_000;
const LOG = 'vendor.example/statements';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    namespaces: { type: 'string' },
  },
});

class Run {
  readonly #links: CutLinks;
  readonly #sites: ThreeSites;
  readonly #random: Random;
  readonly #running = new Map<CentreName, ChildProcess>();
  /** Digest of the body of each accepted event, and where it stands. */
  readonly #accepted = new Map<string, number>();
  #said = 0;
  #isOver = false;
  #waited = 0;
  #killed = 0;

  constructor(links: CutLinks, folder: string, seed: number) {
    this.#links = links;
    this.#random = new Random(seed);
    const port = (centre: CentreName): number => links.addressOf(centre).port;
    const ports = [port('washington'), port('zurich'), port('singapore')] as const;
    const sites = threeSites({ parent: folder, ports, vendor: 'vendor.example' });
    const reached = (centre: CentreName) => ({ ...sites[centre], url: links.addressOf(centre).url });
    this.#sites = {
      washington: reached('washington'),
      zurich: reached('zurich'),
      singapore: reached('singapore'),
    };
  }

  async run(rounds: number): Promise<object> {
    await makeThreeCentres(this.#sites);
    for (const centre of ['zurich', 'singapore'] as const) this.#follow(centre);
    await Promise.all(CENTRES.map((centre) => this.#start(centre)));
    await announceThreeCentres(this.#sites);
    const saying = this.#say();
    for (let round = 0; round < rounds; round++) {
      await this.#trouble();
      await this.#part();
      await this.#untilWell();
    }
    this.#isOver = true;
    await saying;
    await this.#untilWell();
    await this.#check();
    return {
      links: this.#links.kind,
      rounds,
      accepted: this.#accepted.size,
      roundsWithVisibleWaiting: this.#waited,
      killed: this.#killed,
    };
  }

  async end(): Promise<void> {
    for (const centre of this.#running.keys()) await this.#kill(centre, 'SIGKILL');
  }

  #api(centre: CentreName): ApiClient {
    const { host, port } = this.#links.addressOf(centre);
    return createApiClient(`http://${host}:${port}`);
  }

  /** Where its link to the writer is. */
  #follow(centre: CentreName): void {
    const file = join(this.#sites[centre].dir, 'vitrine.json');
    const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, JSON.stringify({ ...config, follow: { url: this.#links.writerFor(centre) } }));
  }

  async #start(centre: CentreName): Promise<void> {
    const { host, port } = this.#links.addressOf(centre);
    const [program = bin, ...args] = [
      ...this.#links.commandIn(centre),
      ...[bin, 'serve', '--data', this.#sites[centre].dir, '--listen', `${host}:${port}`],
    ];
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, VITRINE_LOG_LEVEL: 'error' },
    });
    this.#running.set(centre, child);
    child.stderr.pipe(process.stderr);
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => {
        if (this.#running.get(centre) === child) throw new Error(`${centre} ended before it served`);
      }),
    ]);
  }

  async #kill(centre: CentreName, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(centre);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#running.delete(centre);
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Says one thing after another, each until it is accepted. */
  async #say(): Promise<void> {
    const signer = signerOf(readFileSync(rootKeyOf(this.#sites.washington), 'utf8'));
    while (!this.#isOver) {
      const title = `Event ${this.#said++}`;
      const body = formatEventBody({ title, text: title, sources: [] });
      const digest = sha256(body);
      const statement = eventStatement({
        body: { digest },
        data: {},
        happened: '2026-01-01',
        kind: 'said',
        log: LOG,
      });
      const envelope = text(await signStatement(statement, [signer]));
      while (!(await this.#accept(digest, envelope, body))) await sleep(50);
    }
  }

  async #accept(digest: string, envelope: string, body: Uint8Array): Promise<boolean> {
    try {
      const { statements } = await this.#api('washington').call('registerStatements', {
        body: { log: 'statements', envelopes: [envelope], bodies: [Buffer.from(body).toString('base64')] },
      });
      const [accepted] = statements;
      if (accepted === undefined) throw new Error('an answer without a statement');
      this.#accepted.set(digest, accepted.index);
      return true;
    } catch {
      return false;
    }
  }

  /** A process is killed and starts again, perhaps while a link of it is cut. */
  async #trouble(): Promise<void> {
    const centre = this.#random.pick(CENTRES);
    const others = CENTRES.filter((each) => each !== centre);
    if (this.#random.chance(0.5)) this.#links.cut(centre, this.#random.pick(others));
    this.#killed += 1;
    await sleep(this.#random.between(0, 1_000));
    await this.#kill(centre, 'SIGKILL');
    await sleep(this.#random.between(0, 2_000));
    await this.#start(centre);
    await sleep(this.#random.between(500, 3_000));
    this.#links.heal();
  }

  /** The writer is cut off from both: what is accepted waits, and everybody can see that it does. */
  async #part(): Promise<void> {
    await this.#untilWell();
    this.#links.cut('washington', 'zurich');
    this.#links.cut('washington', 'singapore');
    const acceptedBefore = this.#accepted.size;
    const untilMs = Date.now() + PARTED_MS + this.#random.between(0, 3_000);
    let isShown = false;
    while (Date.now() < untilMs || !isShown) {
      if (Date.now() > untilMs + 30_000) throw new Error('nothing shows that the quorum is missing');
      const { notices, written } = await this.#api('washington').call('status');
      const root = written.find(({ name }) => name === 'statements');
      isShown ||=
        notices.some(({ kind }) => kind === 'quorum-missing') &&
        root !== undefined &&
        root.durableSize > root.size;
      await sleep(200);
    }
    if (this.#accepted.size === acceptedBefore)
      throw new Error('nothing was accepted while the writer was alone');
    this.#waited += 1;
    this.#links.heal();
  }

  /** Everything accepted up to now is published, and all three show it. */
  async #untilWell(): Promise<void> {
    const newest = Math.max(-1, ...this.#accepted.values());
    const deadlineMs = Date.now() + WELL_WITHIN_MS;
    for (;;) {
      const sizes = await Promise.all(CENTRES.map((centre) => this.#shownSize(centre)));
      if (sizes.every((size) => size > newest)) return;
      if (Date.now() > deadlineMs) throw new Error(`not well: ${sizes.join(', ')}, accepted ${newest}`);
      await sleep(200);
    }
  }

  async #shownSize(centre: CentreName): Promise<number> {
    try {
      return (await this.#api(centre).call('viewDigest')).rootSize;
    } catch {
      return 0;
    }
  }

  async #check(): Promise<void> {
    await this.#requireOneView();
    const { logs } = await this.#api('washington')
      .call('log', { params: { log: 'statements' } })
      .then(async ({ size }) => ({
        logs: await Promise.all(CENTRES.map((centre) => this.#entries(centre, size))),
      }));
    const [first = []] = logs;
    for (const each of logs)
      if (each.some((leaf, i) => leaf !== first[i])) throw new Error('two centres hold different entries');
    const places = new Map<string, number>();
    for (const [i, leaf] of first.entries()) {
      const { statement } = parseStatementLeaf(decodeBase64(leaf));
      if (statement.predicateType !== EVENT_TYPE) continue;
      const { digest } = statement.predicate.body;
      if (places.has(digest)) throw new Error(`${digest} stands twice, at ${i} too`);
      places.set(digest, i);
    }
    for (const [digest, index] of this.#accepted)
      if (places.get(digest) !== index)
        throw new Error(`accepted at ${index}, stands at ${String(places.get(digest))}`);
    for (const centre of CENTRES) {
      const { dir } = this.#sites[centre];
      for (const { name, origin, state, vkey } of (await this.#api(centre).call('centre')).logs) {
        const source =
          state === 'following'
            ? join(dir, 'followed', sha256(origin).slice(0, 32))
            : join(dir, 'logs', name);
        await requireSoundLog({ source, vkey });
      }
      const { notices } = await this.#api(centre).call('status');
      if (notices.some(({ kind }) => kind !== 'quorum-missing'))
        throw new Error(`${centre} says: ${notices.map(({ text: said }) => said).join('; ')}`);
    }
  }

  /** Their digests are equal at one root size, once nothing is said any more. */
  async #requireOneView(): Promise<void> {
    const deadlineMs = Date.now() + WELL_WITHIN_MS;
    for (;;) {
      const views = await Promise.all(CENTRES.map((centre) => this.#api(centre).call('viewDigest')));
      const shown = new Set(views.map((view) => JSON.stringify(view)));
      if (shown.size === 1) return;
      if (Date.now() > deadlineMs) throw new Error(`the views differ: ${[...shown].join(' ')}`);
      await sleep(300);
    }
  }

  async #entries(centre: CentreName, size: number): Promise<string[]> {
    const leaves: string[] = [];
    for (let index = 0; index < size; index++) {
      const { leaf } = await this.#api(centre).call('entry', {
        params: { log: 'statements', index: String(index) },
      });
      leaves.push(leaf);
    }
    return leaves;
  }
}

function signerOf(pem: string): Signer {
  const key = createPrivateKey(pem);
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return { ...parseSpki(spki), sign: (message) => sign(null, message, key) };
}

const { namespaces, folder, rounds, seed } = values;
const run = new Run(
  namespaces === undefined ? await proxyLinks() : namespaceLinks(namespaces),
  folder,
  Number(seed),
);
try {
  process.stdout.write(`${JSON.stringify(await run.run(Number(rounds)))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await run.end();
}
// Proxies that still listen keep nobody here.
process.exit();
