// A statement of every type.

import { formatVkey } from '@vitrine/tlog';
import {
  artifactStatement,
  centreStatement,
  closedStatement,
  commitmentAmendmentStatement,
  commitmentStatement,
  commitmentWithdrawalStatement,
  cosignedStatement,
  DEFAULT_RULES,
  disposalStatement,
  EVENT_TYPE,
  eventStatement,
  formatPublicKey,
  forkResolutionStatement,
  headStatement,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  registrationPolicyStatement,
  rootKeysStatement,
  type Statement,
  submissionStatement,
  withdrawalStatement,
  witnessesStatement,
} from '../src/index.ts';
import { KEYS_ORIGIN, PUBLISHER, ROOT, ROOT_ORIGIN } from './keys-log-builder.ts';
import { release } from './statement-cases.ts';
import { testSigner } from './test-signer.ts';

const DIGEST = 'a'.repeat(64);
const OTHER = testSigner('other');

const vkey = formatVkey({ name: 'acme.example/cosigner', type: 0x04, publicKey: OTHER.rawPublicKey });
const witnessVkey = formatVkey({
  name: 'zurich.example/witness',
  type: 0x04,
  publicKey: PUBLISHER.rawPublicKey,
});
const intakeVkey = formatVkey({
  name: 'zurich.example/intake',
  type: 0x01,
  publicKey: testSigner('intake').rawPublicKey,
});

const successorVkey = formatVkey({
  name: 'next.example/statements',
  type: 0x01,
  publicKey: testSigner('successor').rawPublicKey,
});

const mirrorVkey = formatVkey({
  name: 'zurich.example/mirror',
  type: 0x04,
  publicKey: testSigner('mirror').rawPublicKey,
});

export const ONE_OF_EACH: readonly Statement[] = [
  release(),
  artifactStatement(
    { name: 'hello.deb', sha256: DIGEST },
    { log: ROOT_ORIGIN, product: 'hello', release: DIGEST, sizeBytes: 1, version: '1' },
  ),
  withdrawalStatement({
    log: ROOT_ORIGIN,
    product: 'hello',
    reason: { digest: DIGEST },
    release: DIGEST,
    version: '1',
  }),
  headStatement({ head: { origin: KEYS_ORIGIN, root: DIGEST, treeSize: 4 }, log: ROOT_ORIGIN }),
  closedStatement({
    closed: { origin: ROOT_ORIGIN, root: DIGEST, treeSize: 7 },
    log: ROOT_ORIGIN,
    reason: { digest: DIGEST },
    successor: {
      entry0: DIGEST,
      origin: 'next.example/statements',
      url: 'https://next.example/logs/statements',
      vkey: successorVkey,
    },
  }),
  disposalStatement({
    log: ROOT_ORIGIN,
    objects: { count: 2, list: DIGEST },
    product: 'hello',
    reason: { digest: DIGEST },
  }),
  centreStatement({
    centre: {
      city: 'Zürich',
      country: 'CH',
      name: 'zurich.example',
      operator: 'zurich.example',
      region: 'Europe',
      url: 'https://zurich.example',
    },
    intake: { origin: 'zurich.example/intake', vkey: intakeVkey },
    log: ROOT_ORIGIN,
    mirror: vkey,
    version: 1,
    witness: witnessVkey,
    working: true,
  }),
  cosignedStatement({ checkpoint: 'a signed note', log: ROOT_ORIGIN }, DIGEST),
  commitmentStatement({
    acceptance: {
      all: [
        {
          count: 3,
          distinctBy: '/region',
          evidence: [
            {
              by: 'anyone',
              schema: { properties: { region: { enum: ['Asia', 'Europe', 'North America'] } } },
              type: EVENT_TYPE,
            },
          ],
          words: 'a centre in each of three regions',
        },
      ],
    },
    announced: '2017-10-23',
    body: { digest: DIGEST },
    due: { from: '2018', precision: 'between', to: '2020', utcOffset: '+00:00' },
    id: 'three-centres',
    log: ROOT_ORIGIN,
  }),
  commitmentAmendmentStatement({
    body: { digest: DIGEST },
    commitment: DIGEST,
    due: { period: '2018-Q1', precision: 'period', utcOffset: '-12:00' },
    id: 'three-centres',
    log: ROOT_ORIGIN,
    product: 'hello',
    reason: { digest: DIGEST },
    version: 2,
  }),
  commitmentWithdrawalStatement({
    commitment: DIGEST,
    id: 'three-centres',
    log: ROOT_ORIGIN,
    reason: { digest: DIGEST },
  }),
  eventStatement({
    body: { digest: DIGEST },
    data: { city: 'Zürich', region: 'Europe' },
    happened: '2018-11-13',
    kind: 'centre-opened',
    log: ROOT_ORIGIN,
  }),
  submissionStatement({
    addressee: ROOT_ORIGIN,
    body: { access: 'public', digest: DIGEST },
    key: formatPublicKey(OTHER),
    kind: 'letter',
    log: 'zurich.example/intake',
  }),
  rootKeysStatement({
    instance: 'acme.example',
    keys: [ROOT, OTHER, PUBLISHER].map(formatPublicKey),
    log: KEYS_ORIGIN,
    threshold: 2,
    version: 1,
  }),
  registrationPolicyStatement({ log: KEYS_ORIGIN, rules: DEFAULT_RULES.toReversed(), version: 1 }),
  witnessesStatement({
    log: KEYS_ORIGIN,
    mirrorQuorum: 1,
    quorum: 1,
    version: 1,
    witnesses: [
      { operator: 'acme.example', vkey },
      { kind: 'mirror', operator: 'zurich.example', url: 'https://zurich.example/mirror', vkey: mirrorVkey },
    ],
  }),
  keyAddStatement({
    holder: DIGEST,
    key: formatPublicKey(PUBLISHER),
    log: KEYS_ORIGIN,
    roles: [{ products: ['hello', 'world'], role: 'publisher' }],
  }),
  forkResolutionStatement({
    ended: [DIGEST],
    kept: { origin: 'acme.example/statements', root: DIGEST, treeSize: 7 },
    log: KEYS_ORIGIN,
  }),
  keyRotateStatement({ key: PUBLISHER.keyid, log: KEYS_ORIGIN, successor: formatPublicKey(OTHER) }),
  keyRevokeStatement({ key: PUBLISHER.keyid, log: KEYS_ORIGIN, reason: 'compromised', validBelow: 0 }),
];
