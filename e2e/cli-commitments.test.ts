/** Promises on real processes: made, amended, withdrawn, kept by what is recorded; refused when they would count for nothing; and checked against a board that lies. */
import { spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  formatPublicKey,
  keyAddStatement,
  keyRevokeStatement,
  parseSpki,
  signStatement,
  type Statement,
  submissionStatement,
} from '@vitrine/statements';
import { formatVkey, parseVkey } from '@vitrine/tlog';
import { bin, newSigner, sha256, startCentre } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-commitments-'));
let centre: RunningCentre;
beforeAll(async () => {
  centre = await startCentre();
});
afterAll(async () => {
  await centre.dispose();
  rmSync(dir, { recursive: true, force: true });
});

async function vitrine(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(bin, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

function say(what: string, file: unknown, ...more: string[]): ReturnType<typeof vitrine> {
  const path = join(dir, 'said.json');
  writeFileSync(path, JSON.stringify(file));
  return vitrine(
    'publish',
    what,
    `--server=${centre.url}`,
    `--key=${centre.rootKeyFile}`,
    `--file=${path}`,
    ...more,
  );
}

const check = (...more: string[]): ReturnType<typeof vitrine> =>
  vitrine('commitments', 'check', `--server=${centre.url}`, ...more);

const CheckedSchema = v.array(
  v.looseObject({
    id: v.string(),
    text: v.string(),
    state: v.string(),
    since: v.number(),
    evidence: v.array(v.looseObject({ index: v.number() })),
  }),
);

const body = {
  by: 'Acme Ltd.',
  to: 'its customers',
  title: 'A public bounty',
  text: 'We will pay for flaws.',
  sources: [{ title: 'Announcement', url: 'https://acme.example/news' }],
};
const bounty = {
  id: 'bounty',
  announced: '2017-10-23',
  due: { precision: 'period', period: '2018-Q1', utcOffset: '+00:00' },
  acceptance: {
    all: [
      {
        count: 1,
        evidence: [
          {
            by: 'vendor',
            type: 'https://vitrine.dev/event/v1',
            schema: { properties: { kind: { const: 'bounty-raised' } }, required: ['kind'] },
          },
        ],
        words: 'the bounty is raised',
      },
    ],
  },
  body,
};
const raised = {
  kind: 'bounty-raised',
  happened: '2018-03-01',
  data: { most: 100000 },
  body: { title: 'Raised', text: 'Up to $100K.', sources: body.sources },
};

describe('a promise', () => {
  test('is made, recorded to be kept, and recomputed from the log alone', async () => {
    const made = await say('commitment', bounty);
    expect(made).toMatchObject({
      code: 0,
      err: expect.stringContaining('a recorded event by the vendor') as string,
    });
    expect(v.parse(CheckedSchema, JSON.parse((await check('--json')).out))).toMatchObject([
      { id: 'bounty', text: 'We will pay for flaws.', state: 'no-evidence', evidence: [] },
    ]);
    expect((await say('event', raised)).code).toBe(0);
    const { code, err, out } = await check('--json', `--policy=${centre.policyFile}`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(v.parse(CheckedSchema, JSON.parse(out))).toMatchObject([
      {
        state: 'kept',
        since: Date.UTC(2018, 2, 1),
        sentence: 'Promised in the first quarter of 2018 and kept on 1 March 2018.',
      },
    ]);
    expect((await check()).out).toContain('kept on 1 March 2018');
  });

  test('is amended and withdrawn, each with a reason; the same again changes nothing', async () => {
    const undated = { ...bounty, id: 'review', due: { precision: 'none' } };
    expect((await say('commitment', undated)).code).toBe(0);
    const { announced, ...later } = { ...undated, body: { ...body, title: 'A larger bounty' } };
    for (let twice = 0; twice < 2; twice++)
      expect(await say('amendment', later, '--reason=more money')).toMatchObject({
        code: 0,
        out: expect.stringContaining('version 2') as string,
      });
    const { commitment } = await centre.api.call('commitment', { params: { id: 'review' } });
    expect(commitment.versions).toHaveLength(2);
    const withdrawal = await vitrine(
      ...['publish', 'commitment-withdrawal', `--server=${centre.url}`, `--key=${centre.rootKeyFile}`],
      ...['--commitment=review', '--reason=none left'],
    );
    expect(withdrawal.code).toBe(0);
    expect((await check()).code).toBe(0);
    const withdrawn = await centre.api.call('commitment', { params: { id: 'review' } });
    expect(withdrawn.commitment.standing.state).toBe('withdrawn');
    expect(await say('amendment', later, '--reason=again, please')).toMatchObject({
      code: 1,
      err: expect.stringContaining('already-withdrawn') as string,
    });
  });

  test('survives a restart and a board that is folded anew', async () => {
    const before = (await centre.api.call('commitments')).commitments;
    await centre.stop();
    rmSync(join(centre.dir, 'read-models'), { recursive: true, force: true });
    await centre.restart();
    const { commitments } = await centre.api.call('commitments');
    const facts = (list: typeof before) =>
      list.map(({ standing, ...known }) => ({ ...known, state: standing.state }));
    expect(facts(commitments)).toEqual(facts(before));
  });
});

test('an opinion that entered at a centre, by somebody who is not the vendor, keeps a promise', async () => {
  const { logs } = await centre.api.call('centre');
  const intake = logs.find(({ origin }) => origin === `${centre.name}/intake`);
  if (intake === undefined) throw new Error('the centre has no intake log');
  const cosigner = (name: string): string =>
    formatVkey({ name, type: 0x04, publicKey: newSigner().spki.subarray(-32) });
  const announcement = {
    centre: {
      name: centre.name,
      operator: 'acme',
      city: 'Washington',
      country: 'US',
      region: 'North America',
      url: centre.url.replace(/\/$/, ''),
    },
    witness: cosigner(`${centre.name}/witness`),
    mirror: cosigner(`${centre.name}/mirror`),
    intake: { origin: intake.origin, vkey: intake.vkey },
    version: 1,
  };
  const announced = await say('centre', announcement);
  expect(announced).toMatchObject({ code: 0 });
  // Another centre with a key of this one is refused at the door.
  const second = 'zurich.example';
  const secondIntake = formatVkey({
    name: `${second}/intake`,
    type: 0x01,
    publicKey: parseVkey(intake.vkey).publicKey,
  });
  const doubled = await say('centre', {
    ...announcement,
    centre: { ...announcement.centre, name: second, url: 'https://zurich.example' },
    witness: cosigner(`${second}/witness`),
    mirror: cosigner(`${second}/mirror`),
    intake: { origin: `${second}/intake`, vkey: secondIntake },
  });
  expect(doubled).toMatchObject({
    code: 1,
    err: expect.stringContaining(`its intake key is the intake key of ${centre.name}`) as string,
  });
  const opinion = {
    ...bounty,
    id: 'opinion',
    due: { precision: 'none' },
    acceptance: {
      all: [
        {
          count: 1,
          words: 'an opinion by someone who is not the vendor',
          evidence: [
            {
              by: 'not-vendor',
              type: 'https://vitrine.dev/submission/v1',
              schema: { properties: { kind: { const: 'opinion' } }, required: ['kind'] },
            },
          ],
        },
      ],
    },
  };
  expect((await say('commitment', opinion)).code).toBe(0);
  const reviewer = newSigner();
  const text = new TextEncoder().encode('Unqualified.');
  const statement = submissionStatement({
    addressee: `${centre.name}/statements`,
    body: { access: 'public', digest: sha256(text) },
    key: formatPublicKey(reviewer),
    kind: 'opinion',
    log: intake.origin,
  });
  const envelope = new TextDecoder().decode(await signStatement(statement, [reviewer]));
  await centre.api.call('submit', { body: { envelope, body: Buffer.from(text).toString('base64') } });
  await expect
    .poll(
      async () =>
        (await centre.api.call('commitment', { params: { id: 'opinion' } })).commitment.standing.state,
      { timeout: 20_000 },
    )
    .toBe('kept');
  const { code, err } = await check('--json', `--policy=${centre.policyFile}`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
});

describe('refused before it stands in the log for ever', () => {
  const { announced, ...fresh } = { ...bounty, id: 'other' };
  test.each([
    ['id-taken', bounty.id, { ...bounty, body: { ...body, text: 'Another.' } }],
    ['due-before-made', 'other', fresh],
    [
      'impossible-acceptance',
      'other',
      { ...bounty, id: 'other', acceptance: { all: [{ ...bounty.acceptance.all[0], count: 1001 }] } },
    ],
    ['malformed-body', 'other', { ...bounty, id: 'other', body: { ...body, title: 'x\ny' } }],
  ])('%s', async (code, _, file) => {
    const { err, ...outcome } = await say('commitment', file);
    expect(outcome.code).toBe(1);
    expect(err).toContain(code);
  });

  test('an event that happened on no day, and a file that is no JSON object', async () => {
    expect((await say('event', { ...raised, happened: '2018-02-30' })).code).toBe(2);
    expect((await say('event', [])).code).toBe(2);
  });

  test('an amendment of what there is not', async () => {
    const { announced: _, ...unknown } = { ...bounty, id: 'unknown' };
    expect(await say('amendment', unknown, '--reason=x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no commitment unknown') as string,
    });
  });
});

describe('a board that says something else than the log', () => {
  let liar: Server;
  let lie: (board: string) => string = (board) => board;
  let url: string;
  beforeAll(async () => {
    liar = createServer((request, response) => {
      void (async () => {
        const answer = await fetch(`${centre.url.replace(/\/$/, '')}${request.url ?? ''}`);
        const bytes = Buffer.from(await answer.arrayBuffer());
        const isBoard = request.url?.startsWith('/api/commitments') === true;
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
        response.end(isBoard ? lie(bytes.toString()) : bytes);
      })();
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    const address = liar.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    url = `http://127.0.0.1:${address.port}`;
  });
  afterAll(() => {
    liar.close();
    liar.closeAllConnections();
  });

  test.each<[string, string, (board: string) => string]>([
    ['a state', 'the board says', (board) => board.replace('"state":"kept"', '"state":"late"')],
    [
      'a commitment left out',
      'does not show it',
      (board) => board.replace(/\{"id":"bounty".*?"sentence":"[^"]*"\}\},/, ''),
    ],
    ['evidence', 'other evidence', (board) => board.replace('"vendor":true', '"vendor":false')],
  ])('%s', async (_, message, told) => {
    lie = told;
    const { code, err } = await vitrine('commitments', 'check', `--server=${url}`, '--json');
    expect(err).toContain(message);
    expect(code).toBe(1);
    lie = (board) => board;
    expect((await vitrine('commitments', 'check', `--server=${url}`)).code).toBe(0);
  });

  test('could not run: no server, no policy', async () => {
    expect((await vitrine('commitments', 'check', '--server=http://127.0.0.1:9')).code).toBe(2);
    expect((await check('--policy=/nonexistent')).code).toBe(2);
  });
});

test('evidence under a key that is revoked as compromised lapses; its history stays, on the board and in the check', async () => {
  const thief = generateKeyPairSync('ed25519').privateKey;
  const keyFile = join(dir, 'spokesperson.pem');
  writeFileSync(keyFile, thief.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const spki = createPublicKey(thief).export({ format: 'der', type: 'spki' });
  const key = parseSpki(new Uint8Array(spki));
  const log = `${centre.name}/keys`;
  const sayOfKeys = async (statement: Statement): Promise<void> => {
    const envelope = new TextDecoder().decode(await signStatement(statement, [centre.signer]));
    await centre.api.call('registerStatements', { body: { log: 'keys', envelopes: [envelope], bodies: [] } });
  };
  await sayOfKeys(
    keyAddStatement({
      key: formatPublicKey(key),
      log,
      roles: [{ products: ['*'], role: 'spokesperson' }],
    }),
  );
  const { announced: _, ...door } = {
    ...bounty,
    id: 'door',
    due: { precision: 'none' },
    acceptance: {
      all: [
        {
          count: 1,
          words: 'a door is opened',
          evidence: [
            {
              by: 'vendor',
              type: 'https://vitrine.dev/event/v1',
              schema: { properties: { kind: { const: 'door-opened' } }, required: ['kind'] },
            },
          ],
        },
      ],
    },
  };
  expect((await say('commitment', door)).code).toBe(0);
  const { size } = await centre.api.call('log', { params: { log: 'statements' } });
  const path = join(dir, 'door-opened.json');
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(path, JSON.stringify({ ...raised, kind: 'door-opened', happened: today }));
  const opened = await vitrine(
    ...['publish', 'event', `--server=${centre.url}`, `--key=${keyFile}`, `--file=${path}`],
  );
  expect(opened).toMatchObject({ code: 0 });
  const standing = async () =>
    (await centre.api.call('commitment', { params: { id: 'door' } })).commitment.standing;
  await expect.poll(async () => (await standing()).state, { timeout: 20_000 }).toBe('kept');

  await sayOfKeys(keyRevokeStatement({ key: key.keyid, log, reason: 'compromised', validBelow: size }));
  await expect.poll(async () => (await standing()).state, { timeout: 30_000 }).toBe('lapsed');
  const { commitment } = await centre.api.call('commitment', { params: { id: 'door' } });
  expect(commitment.versions[0]?.evidence).toMatchObject([
    [{ keyids: [key.keyid], voided: true, ended: { entry: { origin: log } } }],
  ]);
  // The event itself counts for nothing, and is not listed any more.
  const { events } = await centre.api.call('events');
  expect(events.map(({ kind }) => kind)).not.toContain('door-opened');
  const { code, err, out } = await check('--json', `--policy=${centre.policyFile}`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(v.parse(CheckedSchema, JSON.parse(out)).find(({ id }) => id === 'door')).toMatchObject({
    state: 'lapsed',
    evidence: [{}],
  });
});
