/**
 * `npm run interop`: Vitrine beside the programs of others, in both directions. Needs Go; what is built comes through the Go
 * module proxy, outside the repository. Where there is no Go it says so and checks nothing.
 *
 *     npm run interop [-- --json]
 *
 * Exits 1 when something does not hold. docs/interop.md says what each line shows.
 */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import * as v from 'valibot';
import { checkLog } from '@vitrine/fsck';
import { openNote, parseCheckpoint, parseVkey } from '@vitrine/tlog';
import { bin, root } from './repository.ts';

const TESSERA = 'github.com/transparency-dev/tessera';
const TORCHWOOD = 'filippo.io/torchwood';
const versions = { tessera: 'v1.0.4', torchwood: 'v0.6.1' };
const ENTRIES = 300;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

interface Line {
  readonly what: string;
  readonly beside: string;
  readonly ok: boolean;
  readonly found: string;
}

interface Built {
  readonly litewitness: string | undefined;
  readonly fsck: string | undefined;
  readonly tesseraLog: string | undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'vitrine-interop-'));
const running = new Set<ChildProcess>();
const lines: Line[] = [];

/** Once a version; undefined where it cannot be had, and why is on standard error. */
function build(): Built {
  const programs = join(tmpdir(), `vitrine-interop-go-${versions.tessera}-${versions.torchwood}`);
  mkdirSync(programs, { recursive: true });
  const go = (cwd: string, program: string, ...args: readonly string[]): string | undefined => {
    process.stderr.write(`building ${program} …\n`);
    const { status } = spawnSync('go', args, {
      cwd,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, GOBIN: programs },
    });
    return status === 0 ? join(programs, program) : undefined;
  };
  return {
    litewitness: go(programs, 'litewitness', 'install', `${TORCHWOOD}/cmd/litewitness@${versions.torchwood}`),
    fsck: go(programs, 'fsck', 'install', `${TESSERA}/cmd/fsck@${versions.tessera}`),
    tesseraLog: go(
      join(root, 'interop', 'tessera-log'),
      'tessera-log',
      ...['build', '-o', join(programs, 'tessera-log'), '.'],
    ),
  };
}

async function check(what: string, beside: string, work: () => Promise<string>): Promise<void> {
  process.stderr.write(`${what} …\n`);
  try {
    lines.push({ what, beside, ok: true, found: await work() });
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    lines.push({ what, beside, ok: false, found });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** Starts a program that runs until the end. @returns the first line that it prints */
async function start(program: string, args: readonly string[], untilUrl?: string): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, VITRINE_LOG_LEVEL: 'warn' },
  });
  running.add(child);
  child.stderr.on('data', () => undefined);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    const isThere = untilUrl === undefined ? output.includes('\n') : await answers(untilUrl);
    if (isThere) return output.split('\n')[0] ?? '';
    await sleep(100);
  }
  throw new Error(`${program} did not start`);
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

/** A note key as golang.org/x/mod/sumdb/note spells a private one, and its vkey. */
function newNoteKey(name: string): { readonly secret: string; readonly vkey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const keyId = createHash('sha256').update(`${name}\n\x01`).update(point).digest('hex').slice(0, 8);
  return {
    secret: `PRIVATE+KEY+${name}+${keyId}+${Buffer.concat([Buffer.of(1), seed]).toString('base64')}`,
    vkey: `${name}+${keyId}+${Buffer.concat([Buffer.of(1), point]).toString('base64')}`,
  };
}

/** A C2SP vkey of type 0x04 for a key in the file that ssh-keygen writes. */
function cosignerVkey(name: string, publicKeyFile: string): string {
  const blob = Buffer.from(readFileSync(publicKeyFile, 'utf8').split(' ')[1] ?? '', 'base64');
  const typed = Buffer.concat([Buffer.of(4), blob.subarray(-32)]);
  const keyId = createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8);
  return `${name}+${keyId}+${typed.toString('base64')}`;
}

interface OurLog {
  readonly url: string;
  readonly dir: string;
  readonly vkey: string;
  readonly vkeys: readonly string[];
}

const InitSchema = v.looseObject({ vkey: v.string(), policyFile: v.string() });
const CentreSchema = v.looseObject({
  logs: v.array(v.looseObject({ name: v.string(), vkey: v.string(), origin: v.string() })),
});

/** litewitness on a port of its own, which knows two logs. Its key lies in an ssh-agent, its logs in SQLite. */
async function startLitewitness(
  program: string,
  vkeys: readonly string[],
): Promise<{ readonly url: string; readonly vkey: string }> {
  const name = 'litewitness.example/w';
  const agent = join(folder, 'agent.sock');
  const key = join(folder, 'witness-key');
  const child = spawn('ssh-agent', ['-D', '-a', agent], { stdio: 'ignore' });
  running.add(child);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await sleep(500);
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: agent } });
  const fingerprint =
    execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
  const database = join(folder, 'litewitness.db');
  const listen = `127.0.0.1:${await freePort()}`;
  const args = ['-name', name, '-db', database, '-ssh-agent', agent, '-key', fingerprint, '-listen', listen];
  await start(program, args, `http://${listen}/`);
  // What its witnessctl does, which cannot be built from the module proxy alone.
  const db = new DatabaseSync(database, { timeout: 5_000 });
  const empty = createHash('sha256').digest('base64');
  for (const vkey of vkeys) {
    const origin = parseVkey(vkey).name;
    db.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, empty);
    db.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, vkey);
  }
  db.close();
  return { url: `http://${listen}`, vkey: cosignerVkey(name, `${key}.pub`) };
}

/** A writer, with the open log `open`; `ask` may add witnesses to its policy before it starts. */
async function startOurs(ask?: (vkeys: readonly string[]) => Promise<string>): Promise<OurLog> {
  const dir = join(folder, 'vitrine');
  const listen = `127.0.0.1:${await freePort()}`;
  const init = v.parse(
    InitSchema,
    JSON.parse(
      execFileSync(
        bin('vitrine'),
        ['init', '--data', dir, '--origin', 'interop.example', '--open-log', 'open', '--json'],
        { encoding: 'utf8' },
      ),
    ),
  );
  const policy = readFileSync(init.policyFile, 'utf8');
  const vkeys = [...policy.matchAll(/^log (\S+)/gm)].map(([, vkey = '']) => vkey);
  if (ask !== undefined) {
    const witness = await ask(vkeys);
    writeFileSync(
      init.policyFile,
      policy.replace(/^quorum .*$/m, `${witness}\ngroup both all self litewitness\nquorum both`),
    );
  }
  const url = `http://${listen}`;
  await start(bin('vitrine'), ['serve', '--data', dir, '--listen', listen], `${url}/healthz`);
  return { url, dir, vkey: init.vkey, vkeys };
}

async function run(built: Built): Promise<void> {
  const { litewitness, fsck, tesseraLog } = built;
  let cosigner: { readonly url: string; readonly vkey: string } | undefined;
  const ours = await startOurs(
    litewitness === undefined
      ? undefined
      : async (vkeys) => {
          cosigner = await startLitewitness(litewitness, vkeys);
          return `witness litewitness ${cosigner.vkey} ${cosigner.url}`;
        },
  );
  const { logs } = v.parse(CentreSchema, await (await fetch(`${ours.url}/api/centre`)).json());

  if (cosigner !== undefined) {
    const verifier = parseVkey(cosigner.vkey);
    await check(
      'our root log is published with its cosignature',
      `litewitness ${versions.torchwood}`,
      async () => {
        for (const name of ['statements', 'keys']) {
          const note = await (await fetch(`${ours.url}/logs/${name}/checkpoint`)).text();
          const { text } = openNote(note, [verifier]);
          if (parseCheckpoint(text).treeSize === 0) throw new Error(`${name} is empty`);
        }
        return 'statements and keys: signature by its key (0x04) verifies, quorum of both met';
      },
    );
  }

  if (fsck !== undefined) {
    for (let i = 0; i < ENTRIES; i++) {
      const { status } = await fetch(`${ours.url}/logs/open/add`, {
        method: 'POST',
        body: Buffer.from(`entry ${i}`),
      });
      if (status !== 200) throw new Error(`add answered ${status}`);
    }
    await sleep(1_500);
    for (const { name, vkey, origin } of logs) {
      if (name === 'intake') continue;
      await check(
        `its fsck finds our log “${name}” sound, over HTTP`,
        `tessera fsck ${versions.tessera}`,
        async () => {
          const key = join(folder, `${name}.vkey`);
          writeFileSync(key, vkey);
          const args = [`--storage_url=${ours.url}/logs/${name}/`, `--public_key=${key}`, '--ui=false'];
          const { status, stderr } = spawnSync(fsck, [...args, `--origin=${origin}`], {
            encoding: 'utf8',
            timeout: 60_000,
          });
          if (status !== 0) throw new Error(stderr.slice(-400));
          const note = await (await fetch(`${ours.url}/logs/${name}/checkpoint`)).text();
          return `${parseCheckpoint(openNote(note, [parseVkey(vkey)]).text).treeSize} entries`;
        },
      );
    }
  }

  if (tesseraLog !== undefined) await besideTessera(tesseraLog);
}

/** A Tessera log that asks our witness, and that we follow. */
async function besideTessera(tesseraLog: string): Promise<void> {
  const beside = `tessera ${versions.tessera}, POSIX`;
  const key = newNoteKey('tessera.example/log');
  const keyFile = join(folder, 'tessera.key');
  writeFileSync(keyFile, key.secret);
  const storage = join(folder, 'tessera');
  mkdirSync(storage);
  const line = await start(bin('vitrine'), [
    ...['witness', 'serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'witness')],
    ...['--origin-vkey', key.vkey],
  ]);
  const [url = '', vkey = ''] = line.split(' ');
  const policy = join(folder, 'tessera-policy');
  writeFileSync(policy, `witness w ${vkey} ${url}\nquorum w\n`);
  const add = (first: number, entries: number): string[] =>
    execFileSync(
      tesseraLog,
      [
        ...[`--storage_dir=${storage}`, `--private_key=${keyFile}`, `--policy=${policy}`],
        ...[`--first=${first}`, `--entries=${entries}`],
      ],
      { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] },
    )
      .split('\0')
      .filter((note) => note !== '');
  await check('our witness cosigns for a Go log, over restarts of it', beside, async () => {
    const notes = [...add(0, 3), ...add(3, 2)];
    const verifiers = [parseVkey(key.vkey), parseVkey(vkey)];
    for (const note of notes)
      if (openNote(note, verifiers).signatures.length !== 2) throw new Error(`not cosigned:\n${note}`);
    const sizes = notes.map((note) => parseCheckpoint(openNote(note, verifiers).text).treeSize);
    const monitored = await fetch(
      `${url}/${createHash('sha256').update('tessera.example/log').digest('hex')}/checkpoint`,
    );
    openNote(await monitored.text(), verifiers);
    return `published at sizes ${sizes.join(', ')}, each with its cosignature; the monitoring path shows the newest`;
  });
  await check('our fsck finds its log sound', beside, async () => {
    const { ok, size, problems } = await checkLog({ source: storage, vkey: key.vkey });
    if (!ok) throw new Error(problems.map(({ path, reason }) => `${path}: ${reason}`).join('; '));
    return `${String(size)} entries, from the folder`;
  });
  await check('vitrine follow mirrors its log, over HTTP, twice', beside, async () => {
    const port = await serveFolder(storage);
    const mirror = join(folder, 'mirror');
    const follow = (): Promise<unknown> =>
      promisify(execFile)(bin('vitrine'), [
        ...['follow', '--data', mirror, '--log', `http://127.0.0.1:${port}`, '--vkey', key.vkey, '--once'],
      ]);
    await follow();
    add(5, 4);
    await follow();
    const { ok, size } = await checkLog({ source: mirror, vkey: key.vkey });
    if (!ok || size !== 9) throw new Error(`the mirror has ${String(size)} entries`);
    return `${size} entries; the mirror is sound`;
  });
}

/** As any static server serves a log: its files are laid out as its URLs. @returns the port */
async function serveFolder(served: string): Promise<number> {
  const server = createHttpServer((request, response) => {
    readFile(join(served, new URL(request.url ?? '/', 'http://localhost').pathname)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

function print(): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ versions, lines }, null, 2)}\n`);
    return;
  }
  process.stdout.write('| What | Beside | Holds | Found |\n|---|---|---|---|\n');
  for (const { what, beside, ok, found } of lines)
    process.stdout.write(
      `| ${what} | ${beside} | ${ok ? 'yes' : 'NO'} | ${found.replaceAll(/[|\n]/g, ' ')} |\n`,
    );
}

if (spawnSync('go', ['version']).status !== 0) {
  process.stdout.write(
    'There is no Go here, so nothing was checked: install Go 1.24 or newer and run it again.\n',
  );
} else {
  try {
    await run(build());
    print();
    if (lines.length === 0 || lines.some(({ ok }) => !ok)) process.exitCode = 1;
  } finally {
    for (const child of running) await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
}
