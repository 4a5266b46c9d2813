/** Promises in every state that a fresh log can hold, and a centre that has not cosigned yet. */
import { generateKeyPairSync } from 'node:crypto';
import { formatCommitmentBody, formatEventBody } from '@vitrine/commitments';
import {
  centreStatement,
  commitmentAmendmentStatement,
  commitmentStatement,
  commitmentWithdrawalStatement,
  EVENT_TYPE,
  eventStatement,
  formatStatement,
  payloadDigestOf,
  signStatement,
} from '@vitrine/statements';
import type { CommitmentAcceptance, CommitmentStatement, Statement } from '@vitrine/statements';
import { formatVkey } from '@vitrine/tlog';
import { sha256, startCentre, text } from '../running-centre.ts';
import type { RunningCentre } from '../running-centre.ts';

const LOG = 'larder.example/statements';
const sources = [{ title: 'The annual report', url: 'https://larder.example/report?a=1&b=2' }];

function eventOf(kind: string, words: string): CommitmentAcceptance {
  return {
    all: [
      {
        count: 1,
        evidence: [
          {
            by: 'anyone',
            schema: { properties: { kind: { const: kind } }, required: ['kind'], type: 'object' },
            type: EVENT_TYPE,
          },
        ],
        words,
      },
    ],
  };
}

const body = (title: string, words: string): Uint8Array =>
  formatCommitmentBody({ by: 'Larder Ltd', sources, text: words, title, to: 'everyone who eats' });

async function say(
  centre: RunningCentre,
  statement: Statement,
  ...bodies: readonly (Uint8Array | string)[]
): Promise<string> {
  const envelope = text(await signStatement(statement, [centre.signer]));
  const { statements } = await centre.api.call('registerStatements', {
    body: {
      log: 'statements',
      envelopes: [envelope],
      bodies: bodies.map((bytes) => Buffer.from(bytes).toString('base64')),
    },
  });
  for (const { digest } of statements)
    await (await centre.api.call('statementEvidence', { params: { digest } })).arrayBuffer();
  return payloadDigestOf(formatStatement(statement));
}

function vkey(name: string, type: 0x01 | 0x04): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return formatVkey({ name, type, publicKey: new Uint8Array(Buffer.from(x, 'base64url')) });
}

type Terms = Partial<CommitmentStatement['predicate']> & { readonly id: string };

async function promise(centre: RunningCentre, bytes: Uint8Array, terms: Terms) {
  const predicate = {
    body: { digest: sha256(bytes) },
    due: { precision: 'none' as const },
    log: LOG,
    ...terms,
  };
  const digest = await say(centre, commitmentStatement(predicate), bytes);
  return { digest, predicate };
}

/** Starts a centre with promises on its board; every statement is published when this resolves. */
export async function startPromisingCentre(): Promise<RunningCentre> {
  const centre = await startCentre({ name: 'larder.example' });
  await promise(centre, body('A larder in every town', 'We will open a larder.\n\nIn every town.'), {
    id: 'larders',
    acceptance: eventOf('larder-opened', 'a larder is open'),
  });
  const opened = formatEventBody({ sources, text: 'It has a door & a <window>.', title: 'A larder opened' });
  await say(
    centre,
    eventStatement({
      body: { digest: sha256(opened) },
      data: { town: 'Ely' },
      happened: new Date().toISOString().slice(0, 10),
      kind: 'larder-opened',
      log: LOG,
    }),
    opened,
  );
  await promise(centre, body('An audit <of> “the” shelves & drawers', 'It will be published.'), {
    id: 'audit',
    announced: '2018-01-01',
    due: { period: '2018-Q1', precision: 'period', utcOffset: '+00:00' },
    acceptance: eventOf('audit-published', 'the audit is published'),
  });
  const rebuilds = await promise(centre, body('Rebuilds', 'Every release is rebuilt in Zurich by March.'), {
    id: 'rebuilds',
    due: { period: '2999', precision: 'period', utcOffset: '+00:00' },
    acceptance: eventOf('rebuilt', 'a release was rebuilt'),
  });
  const amended = body('Rebuilds', 'Most releases are rebuilt in Geneva by June.');
  const reason = 'The laboratory in Zurich has closed.';
  await say(
    centre,
    commitmentAmendmentStatement({
      ...rebuilds.predicate,
      body: { digest: sha256(amended) },
      commitment: rebuilds.digest,
      reason: { digest: sha256(reason) },
      version: 2,
    }),
    amended,
    reason,
  );
  const hotLine = await promise(centre, body('A hot line', 'We answer the telephone.'), { id: 'hot-line' });
  const silence = 'Nobody called.';
  await say(
    centre,
    commitmentWithdrawalStatement({
      commitment: hotLine.digest,
      id: 'hot-line',
      log: LOG,
      reason: { digest: sha256(silence) },
    }),
    silence,
  );
  const intake = 'zurich.example/intake';
  await say(
    centre,
    centreStatement({
      centre: {
        city: 'Zurich',
        country: 'CH',
        name: 'zurich.example',
        operator: 'ETH',
        region: 'Europe',
        url: 'https://zurich.example',
      },
      intake: { origin: intake, vkey: vkey(intake, 0x01) },
      log: LOG,
      mirror: vkey('zurich.example/mirror', 0x04),
      version: 1,
      witness: vkey('zurich.example/witness', 0x04),
      working: true,
    }),
  );
  return centre;
}
