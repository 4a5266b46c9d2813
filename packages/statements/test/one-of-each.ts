// A statement of every type.

import { formatVkey } from '@vitrine/tlog';
import {
  artifactStatement,
  DEFAULT_RULES,
  disposalStatement,
  formatPublicKey,
  headStatement,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  registrationPolicyStatement,
  rootKeysStatement,
  type Statement,
  withdrawalStatement,
  witnessesStatement,
} from '../src/index.ts';
import { KEYS_ORIGIN, PUBLISHER, ROOT, ROOT_ORIGIN } from './keys-log-builder.ts';
import { release } from './statement-cases.ts';
import { testSigner } from './test-signer.ts';

const DIGEST = 'a'.repeat(64);
const OTHER = testSigner('other');

const vkey = formatVkey({ name: 'acme.example/cosigner', type: 0x04, publicKey: OTHER.rawPublicKey });

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
  disposalStatement({
    log: ROOT_ORIGIN,
    objects: { count: 2, list: DIGEST },
    product: 'hello',
    reason: { digest: DIGEST },
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
    quorum: 1,
    version: 1,
    witnesses: [{ operator: 'acme.example', vkey }],
  }),
  keyAddStatement({
    holder: DIGEST,
    key: formatPublicKey(PUBLISHER),
    log: KEYS_ORIGIN,
    roles: [{ products: ['hello', 'world'], role: 'publisher' }],
  }),
  keyRotateStatement({ key: PUBLISHER.keyid, log: KEYS_ORIGIN, successor: formatPublicKey(OTHER) }),
  keyRevokeStatement({ key: PUBLISHER.keyid, log: KEYS_ORIGIN, reason: 'compromised', validBelow: 0 }),
];
