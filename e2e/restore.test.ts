/** A centre whose disk is lost, or whose backup is too old: its logs come back from the others' copies, and it goes on without a fork. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { requireSoundLog } from '@vitrine/fsck';
import { formatEventBody } from '@vitrine/commitments';
import { eventStatement, formatPublicKey, signStatement, submissionStatement } from '@vitrine/statements';
import {
  ed25519NoteSigner,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  formatVkey,
  parseCheckpoint,
  parseNote,
  signNote,
} from '@vitrine/tlog';
import { openLogFolder } from '../apps/server/src/storage/log-files/open-log-folder.ts';
import {
  bin,
  code,
  publish,
  serveFolder,
  type ServedCentre,
  sha256,
  startThreeCentres,
  text,
  type ThreeCentres,
} from './running-centre.ts';

const SOAK = process.env['VITRINE_SOAK'] !== undefined;
const LOG = 'acme.example/statements';
/** What an operator has in another place than on the disk. */
const KEPT_ELSEWHERE = ['keys', 'policy.txt', 'vitrine.json'];

const RestoredSchema = v.union([
  v.strictObject({
    ok: v.literal(true),
    before: v.nullable(v.string()),
    newCosigners: v.boolean(),
    logs: v.array(
      v.strictObject({
        name: v.string(),
        origin: v.string(),
        outcome: v.picklist(['restored', 'kept']),
        size: v.number(),
        sizeBefore: v.nullable(v.number()),
        from: v.nullable(v.string()),
        warnings: v.array(v.string()),
      }),
    ),
  }),
  v.strictObject({
    ok: v.literal(false),
    code: v.string(),
    reason: v.string(),
    checkpoints: v.optional(v.tuple([v.string(), v.string()])),
  }),
]);
type Restored = v.InferOutput<typeof RestoredSchema>;

/** Runs `vitrine restore`. It exits with 0 exactly when it says that it did it. */
async function restore(dir: string, ...args: string[]): Promise<Restored> {
  const {
    code: exit,
    stdout,
    stderr,
  } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(bin, ['restore', '--data', dir, ...args, '--json'], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
  if (exit !== 0 && exit !== 1) throw new Error(`restore ended with ${String(exit)}: ${stderr}`);
  const restored = v.parse(RestoredSchema, JSON.parse(stdout));
  expect(exit).toBe(restored.ok ? 0 : 1);
  return restored;
}

/** Says that something happened. @returns the statement as sent, and where it stands */
function event(three: ThreeCentres, title: string) {
  const body = formatEventBody({ title, text: title, sources: [] });
  const statement = eventStatement({
    body: { digest: sha256(body) },
    data: {},
    happened: '2026-01-01',
    kind: 'said',
    log: LOG,
  });
  return async (): Promise<number> => {
    const envelope = text(await signStatement(statement, [three.washington.signer]));
    const { statements } = await three.washington.api.call('registerStatements', {
      body: { log: 'statements', envelopes: [envelope], bodies: [Buffer.from(body).toString('base64')] },
    });
    return statements[0]?.index ?? -1;
  };
}

async function submitAt(centre: ServedCentre, three: ThreeCentres, words: string): Promise<number> {
  const { signer } = three.washington;
  const body = Buffer.from(words);
  const statement = submissionStatement({
    addressee: LOG,
    body: { access: 'public', digest: sha256(body) },
    key: formatPublicKey(signer),
    kind: 'letter',
    log: `${centre.name}/intake`,
  });
  const { index } = await centre.api.call('submit', {
    body: { envelope: text(await signStatement(statement, [signer])), body: encodeBase64(body) },
  });
  return index;
}

/** Waits until every centre shows the root log up to here, and their views are the same. */
async function agreed(three: ThreeCentres, rootSize: number): Promise<void> {
  const digests = await Promise.all(
    three.all.map(async ({ api }) => {
      for (;;) {
        if ((await api.call('viewDigest')).rootSize >= rootSize)
          return (await api.call('viewDigest', { query: { rootSize } })).digest;
        await sleep(100);
      }
    }),
  );
  expect(new Set(digests).size).toBe(1);
}

/** Waits until the others hold so much of a centre's own intake log. */
async function copied(centre: ServedCentre, size: number, others: readonly ServedCentre[]): Promise<void> {
  for (const { url } of others) {
    const copy = `${url}/copies/${sha256(`${centre.name}/intake`)}/checkpoint`;
    while (sizeOf(await noteAt(copy)) < size) await sleep(100);
  }
}

const noteAt = async (url: string): Promise<string> => (await fetch(url)).text();
const sizeOf = (note: string): number => parseCheckpoint(parseNote(note).text).treeSize;

/** What is in a data folder, but for what any start changes. */
function contents(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('lock.sqlite'))
      .map(({ parentPath, name }) => [join(parentPath, name), sha256(readFileSync(join(parentPath, name)))]),
  );
}

function loseDisk(dir: string): void {
  for (const name of readdirSync(dir))
    if (!KEPT_ELSEWHERE.includes(name)) rmSync(join(dir, name), { recursive: true });
}

describe('the writer', () => {
  let three: ThreeCentres;
  /** Of yesterday: an older copy of Washington's data folder. */
  let backup: string;
  beforeAll(async () => {
    three = await startThreeCentres();
    backup = `${three.washington.dir}.backup`;
  });
  afterAll(() => three.dispose());

  async function goesOn(): Promise<void> {
    const index = await event(three, `after, ${Math.random()}`)();
    await agreed(three, index + 1);
    expect(await three.washington.api.call('notices')).toMatchObject({ notices: [] });
    for (const centre of three.all) await centre.checkLogs();
  }

  test('has lost its disk: everything published comes back over HTTP, said again it stands where it stood, and the others follow', async () => {
    const { washington, zurich, singapore } = three;
    const first = event(three, 'first');
    const index = await first();
    await publish(washington, {
      product: 'widget',
      version: '1',
      source: { README: 'x' },
      artifacts: { 'widget.bin': Buffer.from('widget') },
    });
    const last = await event(three, 'last')();
    expect(await submitAt(washington, three, 'a letter')).toBe(0);
    await copied(washington, 1, [zurich, singapore]);
    await agreed(three, last + 1);
    await washington.stop('SIGKILL');
    loseDisk(washington.dir);
    await expect(washington.restart()).rejects.toThrow('vitrine restore');

    expect(await restore(washington.dir, '--from', zurich.url)).toMatchObject({
      ok: false,
      code: 'cosigners-lost',
    });
    const restored = await restore(washington.dir, '--from', zurich.url, singapore.url, '--new-cosigners');
    expect(restored).toMatchObject({
      ok: true,
      newCosigners: true,
      logs: [
        { name: 'statements', outcome: 'restored', sizeBefore: 0, warnings: [] },
        { name: 'keys', outcome: 'restored', sizeBefore: 0, warnings: [] },
        { name: 'intake', outcome: 'restored', size: 1, sizeBefore: 0, warnings: [] },
      ],
    });
    await washington.restart();
    expect(await first()).toBe(index);
    expect(await submitAt(washington, three, 'a letter')).toBe(0);
    expect((await washington.api.call('product', { params: { product: 'widget' } })).releases).toHaveLength(
      1,
    );
    await goesOn();
  });

  test('has an old backup: it refuses, takes what is newer out of a folder, and goes on', async () => {
    const { washington, zurich } = three;
    await agreed(three, (await event(three, 'yesterday')()) + 1);
    await washington.stop();
    cpSync(washington.dir, backup, { recursive: true });
    await washington.restart();
    const today = event(three, 'today');
    const index = await today();
    await agreed(three, index + 1);
    await washington.stop('SIGKILL');
    rmSync(washington.dir, { recursive: true });
    cpSync(backup, washington.dir, { recursive: true });
    await washington.restart();
    expect(await code(event(three, 'forked')())).toBe('behind-witness');
    await washington.stop();

    await zurich.stop();
    const restored = await restore(washington.dir, '--from', zurich.dir);
    expect(restored).toMatchObject({
      ok: true,
      newCosigners: false,
      logs: [
        { name: 'statements', outcome: 'restored' },
        { name: 'keys' },
        { name: 'intake', outcome: 'kept' },
      ],
    });
    if (!restored.ok || restored.before === null) throw new Error('nothing was kept of before');
    expect(existsSync(join(restored.before, 'logs', 'statements', 'checkpoint'))).toBe(true);
    await zurich.restart();
    await washington.restart();
    expect(await today()).toBe(index);
    await goesOn();
    // It changes nothing where there is nothing to bring back.
    await washington.stop();
    expect(await restore(washington.dir, '--from', zurich.url)).toMatchObject({
      ok: true,
      before: null,
      logs: [{ outcome: 'kept' }, { outcome: 'kept' }, { outcome: 'kept' }],
    });
    await washington.restart();
    await goesOn();
  });

  test('knows more than the mirrors: what it accepted and could not publish is kept', async () => {
    const { washington, zurich, singapore } = three;
    await Promise.all([zurich.stop(), singapore.stop()]);
    const alone = event(three, 'said alone');
    const index = await alone();
    await washington.stop('SIGKILL');
    expect(await restore(washington.dir, '--from', zurich.dir, singapore.dir)).toMatchObject({
      ok: true,
      before: null,
      logs: [{ name: 'statements', outcome: 'kept' }, { outcome: 'kept' }, { outcome: 'kept' }],
    });
    await Promise.all([zurich.restart(), singapore.restart()]);
    await washington.restart();
    expect(await alone()).toBe(index);
    await goesOn();
  });

  describe('stopped, with a backup of yesterday', () => {
    const statements = sha256(LOG).slice(0, 32);
    let folders: string;
    let count = 0;
    beforeAll(async () => {
      await three.washington.stop();
      folders = mkdtempSync(join(tmpdir(), 'vitrine-restore-'));
    });
    afterAll(async () => {
      rmSync(folders, { recursive: true });
      await three.washington.restart();
      await goesOn();
    });

    function copyOf(folder: string): string {
      const to = join(folders, String(count++));
      cpSync(folder, to, { recursive: true });
      return to;
    }
    /** A copy of what Zurich follows, with something else in it. */
    function mirrorWith(change: (log: string, mirror: string) => void): string {
      const mirror = copyOf(join(three.zurich.dir, 'followed'));
      change(join(mirror, statements), mirror);
      return mirror;
    }
    const bundlesOf = (log: string): string[] =>
      readdirSync(join(log, 'tile', 'entries'), { recursive: true, withFileTypes: true, encoding: 'utf8' })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name));
    function alter(file: string): void {
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
    /** Signed by the log's own key, with a root that is not its history's. */
    function otherHistory(size: number): string {
      const key = createPrivateKey(readFileSync(join(three.washington.dir, 'keys', 'log-statements.pem')));
      const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
      const signer = ed25519NoteSigner({
        name: LOG,
        publicKey: Buffer.from(x, 'base64url'),
        sign: (message) => sign(null, message, key),
      });
      const root = createHash('sha256').update('another history').digest();
      return signNote(formatCheckpoint({ origin: LOG, treeSize: size, root, extensions: [] }), [signer]);
    }

    test.each<[string, (log: string, mirror: string) => void, string, RegExp]>([
      [
        'a bundle cut short',
        (log) => bundlesOf(log).forEach((file) => truncateSync(file, 100)),
        'does-not-hold',
        /entries/,
      ],
      ['an entry altered', (log) => bundlesOf(log).forEach(alter), 'does-not-hold', /altered/],
      [
        'bundles missing',
        (log) => bundlesOf(log).forEach((file) => rmSync(file)),
        'does-not-hold',
        /missing/,
      ],
      [
        'the checkpoint of another log',
        (log, mirror) =>
          cpSync(
            join(mirror, sha256('acme.example/keys').slice(0, 32), 'checkpoint'),
            join(log, 'checkpoint'),
          ),
        'not-offered',
        /statements/,
      ],
      [
        'a checkpoint that only the log has signed',
        (log) => {
          const { text, signatures } = parseNote(readFileSync(join(log, 'checkpoint'), 'utf8'));
          writeFileSync(join(log, 'checkpoint'), formatNote({ text, signatures: signatures.slice(0, 1) }));
        },
        'not-offered',
        /not accepted/,
      ],
      [
        'an old checkpoint of the keys log',
        (_log, mirror) => {
          const file = join(mirror, sha256('acme.example/keys').slice(0, 32), 'checkpoint');
          cpSync(join(backup, 'logs', 'keys', 'checkpoint'), file);
        },
        'stale-keys',
        /an old one/,
      ],
    ])('a mirror with %s: refused, and nothing changes', async (_what, change, code, reason) => {
      const dir = copyOf(backup);
      const before = contents(dir);
      const restored = await restore(dir, '--from', mirrorWith(change));
      expect(restored).toMatchObject({ ok: false, code });
      expect(restored.ok ? '' : restored.reason).toMatch(reason);
      expect(contents(dir)).toEqual(before);
      // Beside a mirror that is sound, it does no harm.
      expect(await restore(dir, '--from', mirrorWith(change), three.zurich.url)).toMatchObject({ ok: true });
    });

    test('a mirror that alters what it sends, or sends elsewhere: refused, and nothing changes', async () => {
      const dir = copyOf(backup);
      const before = contents(dir);
      const alters = createServer((request, response) => {
        void fetch(three.zurich.url + String(request.url)).then(async (answer) => {
          const bytes = Buffer.from(await answer.arrayBuffer());
          const last = bytes.length - 1;
          if (request.url?.includes('/tile/entries/') === true) bytes[last] = (bytes[last] ?? 0) ^ 1;
          response.writeHead(answer.status).end(bytes);
        });
      });
      const redirects = createServer((request, response) =>
        response.writeHead(307, { location: three.zurich.url + String(request.url) }).end(),
      );
      try {
        for (const [server, code] of [
          [alters, 'does-not-hold'],
          [redirects, 'not-offered'],
        ] as const) {
          await once(server.listen(0, '127.0.0.1'), 'listening');
          const address = server.address();
          if (address === null || typeof address === 'string') throw new Error('no port');
          expect(await restore(dir, '--from', `http://127.0.0.1:${address.port}`)).toMatchObject({
            ok: false,
            code,
          });
          expect(contents(dir)).toEqual(before);
        }
      } finally {
        for (const server of [alters, redirects]) {
          server.close();
          server.closeAllConnections();
        }
      }
    });

    test('a mirror that shows a second history: both checkpoints are printed, and nothing changes', async () => {
      const dir = copyOf(backup);
      const before = contents(dir);
      const fork = otherHistory(3);
      const mirror = mirrorWith((log) => writeFileSync(join(log, 'checkpoint'), fork));
      const restored = await restore(dir, '--from', three.zurich.url, mirror);
      expect(restored).toMatchObject({ ok: false, code: 'fork' });
      if (restored.ok) return;
      expect(restored.checkpoints).toContain(fork);
      for (const note of restored.checkpoints ?? []) expect(restored.reason).toContain(note);
      expect(contents(dir)).toEqual(before);
    });

    test('a larger checkpoint that nobody serves: with less than that the log would fork', async () => {
      const dir = copyOf(backup);
      const mirror = mirrorWith((log) => writeFileSync(join(log, 'checkpoint'), otherHistory(10_000)));
      expect(await restore(dir, '--from', three.zurich.url, mirror)).toMatchObject({
        ok: false,
        code: 'does-not-hold',
      });
    });

    test('a folder that went another way itself: a fork, and nothing changes', async () => {
      const dir = copyOf(backup);
      const policy = readFileSync(join(dir, 'policy.txt'), 'utf8');
      // Nobody is asked any more: what the server warns of.
      const alone = policy
        .split('\n')
        .filter((line) => /^(log|witness self|#vitrine keys-entry-0)/.test(line));
      writeFileSync(join(dir, 'policy.txt'), `${alone.join('\n')}\nquorum self\n`);
      const server = await serveFolder({ dir, name: 'acme.example', listen: '127.0.0.1:0' });
      await event({ ...three, washington: { ...three.washington, api: server.api } }, 'elsewhere')();
      await server.stop();
      writeFileSync(join(dir, 'policy.txt'), policy);
      const before = contents(dir);
      expect(await restore(dir, '--from', three.zurich.url)).toMatchObject({ ok: false, code: 'fork' });
      expect(contents(dir)).toEqual(before);
    });

    test('mirrors that are older than the folder: it keeps what it has', async () => {
      const dir = copyOf(three.washington.dir);
      const before = contents(dir);
      expect(await restore(dir, '--from', backup)).toMatchObject({ ok: true, before: null });
      expect(contents(dir)).toEqual(before);
    });

    const rounds = SOAK ? 50 : 3;
    test(`kill -9 at any moment, ${rounds} rounds: the logs of yesterday or those of today, never some of each`, {
      timeout: rounds * 60_000,
    }, async () => {
      const today = await sizesIn(three.washington.dir);
      const began = performance.now();
      expect(await restore(copyOf(backup), '--from', three.zurich.url)).toMatchObject({ ok: true });
      const wholeMs = performance.now() - began;
      const seen = new Set<string>();
      for (let round = 0; round < rounds; round++) {
        const dir = copyOf(backup);
        const yesterday = await sizesIn(dir);
        const child = spawn(bin, ['restore', '--data', dir, '--from', three.zurich.url], { stdio: 'ignore' });
        const ended = once(child, 'exit');
        await Promise.race([ended, sleep(wholeMs * (0.3 + 0.8 * Math.random()))]);
        child.kill('SIGKILL');
        await ended;
        await (await openLogFolder({ dataDir: dir })).close();
        const now = await sizesIn(dir);
        const which = JSON.stringify(now) === JSON.stringify(today) ? 'today' : 'yesterday';
        expect(now).toEqual(which === 'today' ? today : yesterday);
        seen.add(which);
        expect(await restore(dir, '--from', three.zurich.url)).toMatchObject({ ok: true });
        expect(await sizesIn(dir)).toEqual(today);
        rmSync(dir, { recursive: true });
      }
      if (SOAK) expect(seen.size).toBe(2);
    });

    test.runIf(process.getuid?.() === 0)(
      'a full disk: nothing changes, and it works once there is space',
      async () => {
        const parent = join(folders, 'disk');
        mkdirSync(parent);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', parent]);
        try {
          const dir = join(parent, 'data');
          cpSync(backup, dir, { recursive: true });
          const free = Number(
            execFileSync('df', ['--output=avail', '-B1', parent], { encoding: 'utf8' }).trim().split('\n')[1],
          );
          const filler = join(parent, 'filler');
          const before = contents(dir);
          for (const left of [0, 8, 24]) {
            writeFileSync(filler, Buffer.alloc(free - left * 1024));
            await expect(restore(dir, '--from', three.zurich.url)).rejects.toThrow('no space left');
            expect(contents(dir)).toEqual(before);
            rmSync(filler);
          }
          expect(await restore(dir, '--from', three.zurich.url)).toMatchObject({ ok: true });
        } finally {
          execFileSync('umount', [parent]);
        }
      },
    );
  });

  test('a follower has lost its disk: its intake log comes back from the others', async () => {
    const { washington, zurich, singapore } = three;
    expect(await submitAt(zurich, three, 'one')).toBe(0);
    expect(await submitAt(zurich, three, 'two')).toBe(1);
    await copied(zurich, 2, [washington, singapore]);
    await zurich.stop('SIGKILL');
    loseDisk(zurich.dir);
    expect(
      await restore(zurich.dir, '--from', washington.url, singapore.url, '--new-cosigners'),
    ).toMatchObject({
      ok: true,
      logs: [{ name: 'intake', outcome: 'restored', size: 2, sizeBefore: 0 }],
    });
    await zurich.restart();
    expect(await submitAt(zurich, three, 'two')).toBe(1);
    expect(await submitAt(zurich, three, 'three')).toBe(2);
    await copied(zurich, 3, [washington, singapore]);
    await agreed(three, (await event(three, 'all is well')()) + 1);
    for (const centre of three.all) await centre.checkLogs();
  });
});

/** Published sizes by log, each log sound. */
async function sizesIn(dir: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const name of readdirSync(join(dir, 'logs'))) {
    const key = createPrivateKey(readFileSync(join(dir, 'keys', `log-${name}.pem`)));
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
    const vkey = formatVkey({
      name: `acme.example/${name}`,
      type: 0x01,
      publicKey: Buffer.from(x, 'base64url'),
    });
    sizes[name] = (await requireSoundLog({ source: join(dir, 'logs', name), vkey, workers: 1 })).size ?? 0;
  }
  return sizes;
}
