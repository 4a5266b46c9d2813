// Keys logs for tests and vectors, with real signatures. Each entry is dated a minute after the one before it.

import {
  DEFAULT_RULES,
  formatLeaf,
  formatPublicKey,
  keyAddStatement,
  type RegistrationRule,
  registrationPolicyStatement,
  rootKeysStatement,
  type Signer,
  type Statement,
  signStatement,
} from '../src/index.ts';
import { testSigner } from './test-signer.ts';

export const START_MS = Date.UTC(2026, 10, 24, 21, 0);
export const MINUTE_MS = 60_000;
export const INSTANCE = 'acme.example';
export const KEYS_ORIGIN = `${INSTANCE}/keys`;
export const ROOT_ORIGIN = `${INSTANCE}/statements`;

export const ROOT = testSigner('root');
export const PUBLISHER = testSigner('publisher');
export const ANCHOR = testSigner('anchor');

export async function leafOf(
  statement: Statement,
  signers: readonly Signer[],
  registeredAtMs: number,
): Promise<Uint8Array> {
  return formatLeaf({ registeredAtMs, envelope: await signStatement(statement, signers) });
}

export type SignedEntry = readonly [statement: Statement, signers: readonly Signer[], atMs?: number];

export async function keysLeaves(entries: readonly SignedEntry[]): Promise<Uint8Array[]> {
  return await Promise.all(
    entries.map(([statement, signers, atMs], i) =>
      leafOf(statement, signers, atMs ?? START_MS + i * MINUTE_MS),
    ),
  );
}

export function rootKeys(
  signers: readonly Signer[] = [ROOT],
  { threshold = 1, version = 1, instance = INSTANCE } = {},
): Statement {
  return rootKeysStatement({
    instance,
    keys: signers.map(formatPublicKey),
    log: `${instance}/keys`,
    threshold,
    version,
  });
}

export function registrationPolicy(
  version = 1,
  rules: readonly RegistrationRule[] = DEFAULT_RULES,
): Statement {
  return registrationPolicyStatement({ log: KEYS_ORIGIN, rules: [...rules], version });
}

export function keyAdd(key: Signer, role = 'publisher', products: string[] = ['*']): Statement {
  return keyAddStatement({ key: formatPublicKey(key), log: KEYS_ORIGIN, roles: [{ products, role }] });
}

/** Root keys, the default policy, a publisher of everything, an anchor: entries 0 to 3. */
export const BASE: readonly SignedEntry[] = [
  [rootKeys(), [ROOT]],
  [registrationPolicy(), [ROOT]],
  [keyAdd(PUBLISHER), [ROOT]],
  [keyAdd(ANCHOR, 'anchor'), [ROOT]],
];
