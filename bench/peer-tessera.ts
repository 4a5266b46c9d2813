/**
 * Durable single adds, Vitrine and transparency-dev/tessera's POSIX conformance server in turn: the same load generator, the
 * same disk, the same cores, medians of three rounds. Needs Go; tessera comes through the Go module proxy and is built outside the repository.
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { report } from './figure.ts';
import { load, type LoadResult } from './load.ts';
import { freePort, withFolder, withProcess, withVitrine } from './server-process.ts';

const version = 'v1.0.4';
const peer = `tessera ${version} POSIX`;
const command = 'npm run bench peer-tessera';
const ROUNDS = 3;
const shape = { connections: 256, seconds: 10, warmUpSeconds: 3, entryBytes: 300 };

/** Builds the conformance server once per version. @returns its path, or undefined where there is no Go */
function buildTessera(): string | undefined {
  const folder = join(tmpdir(), `vitrine-peer-tessera-${version}`);
  const program = join(folder, 'posix');
  if (existsSync(program)) return program;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`building ${peer} …\n`);
  const { status } = spawnSync(
    'go',
    ['install', `github.com/transparency-dev/tessera/cmd/conformance/posix@${version}`],
    {
      cwd: folder,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, GOBIN: folder },
    },
  );
  return status === 0 ? program : undefined;
}

/** A note key as golang.org/x/mod/sumdb/note spells a private one: `PRIVATE+KEY+name+hash+base64(0x01 ‖ seed)`. */
function newNoteKey(name: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const keyId = createHash('sha256').update(`${name}\n\x01`).update(point).digest('hex').slice(0, 8);
  return `PRIVATE+KEY+${name}+${keyId}+${Buffer.concat([Buffer.of(1), seed]).toString('base64')}`;
}

async function loadTessera(program: string): Promise<LoadResult> {
  return withFolder(async (folder) => {
    const store = join(folder, 'log');
    const key = join(folder, 'key');
    mkdirSync(store);
    writeFileSync(key, newNoteKey('bench.localhost/tessera'));
    const listen = `127.0.0.1:${await freePort()}`;
    return withProcess(
      [
        program,
        `--storage_dir=${store}`,
        `--listen=${listen}`,
        `--private_key=${key}`,
        '--stderrthreshold=ERROR',
      ],
      `http://${listen}/checkpoint`,
      () => load({ url: `http://${listen}`, ...shape }),
    );
  });
}

const program = buildTessera();
if (program === undefined)
  process.stderr.write('no Go here, or tessera cannot be had: measured without it\n');

const ours: LoadResult[] = [];
const theirs: LoadResult[] = [];
// In turn, so that whatever else the machine does meets both.
for (let round = 0; round < ROUNDS; round += 1) {
  ours.push(await withVitrine((url) => load({ url: `${url}/logs/bench`, ...shape })));
  process.stderr.write(`vitrine: ${JSON.stringify(ours.at(-1))}\n`);
  if (program === undefined) continue;
  theirs.push(await loadTessera(program));
  process.stderr.write(`tessera: ${JSON.stringify(theirs.at(-1))}\n`);
}

/** Of an odd number of rounds. */
function median(results: readonly LoadResult[], read: (result: LoadResult) => number): number {
  const middle = results.map(read).toSorted((a, b) => a - b)[results.length >> 1];
  if (middle === undefined) throw new RangeError('a median of nothing');
  return middle;
}

/** `better`: whether more or less of it is better. */
function compare(
  name: string,
  unit: string,
  better: 'more' | 'less',
  read: (result: LoadResult) => number,
): void {
  const value = median(ours, read);
  if (theirs.length === 0) {
    report({ name, value, unit, command });
    return;
  }
  const peerValue = median(theirs, read);
  const ratio = better === 'more' ? value / peerValue : peerValue / value;
  report({ name, value, unit, peer, peerValue, ratio, command });
}

const load256 = `${shape.connections} connections, ${shape.entryBytes}-byte entries`;
compare(`durable single adds (${load256})`, '/s', 'more', (result) => result.requestsPerSecond);
compare('until answered, p50', 'ms', 'less', (result) => result.answeredMs.p50);
compare('until answered, p99', 'ms', 'less', (result) => result.answeredMs.p99);
compare('until in a published checkpoint, p50', 'ms', 'less', (result) => result.publishedMs.p50);
compare('until in a published checkpoint, p99', 'ms', 'less', (result) => result.publishedMs.p99);
