import { hashLeaf } from '@vitrine/tlog';
import { describe, expect, test } from 'vitest';
import {
  ANCHOR,
  BASE,
  KEYS_ORIGIN,
  keysLeaves,
  leafOf,
  MINUTE_MS,
  PUBLISHER,
  ROOT_ORIGIN,
  START_MS,
} from '../test/keys-log-builder.ts';
import { release } from '../test/statement-cases.ts';
import {
  type Acceptance,
  foldKeys,
  openAcceptance,
  parseAcceptance,
  signAcceptance,
  StatementError,
} from './index.ts';

const { state } = foldKeys(KEYS_ORIGIN, await keysLeaves(BASE));
const registeredAtMs = START_MS + 10 * MINUTE_MS;
const leafHash = hashLeaf(await leafOf(release(), [PUBLISHER], registeredAtMs));
const acceptance: Acceptance = {
  acceptedAtMs: registeredAtMs,
  leafIndex: 7,
  leafHash,
  origin: ROOT_ORIGIN,
  publishByMs: registeredAtMs + MINUTE_MS,
  registeredAtMs,
};

describe('acceptances', () => {
  test('are opened with the anchor key of their time', async () => {
    const bytes = await signAcceptance(acceptance, ANCHOR);
    expect(openAcceptance(bytes, state)).toEqual({
      ...acceptance,
      leafHash: Buffer.from(leafHash).toString('hex'),
    });
    expect(new TextDecoder().decode(bytes)).toContain('application/vnd.vitrine.acceptance+json');
  });

  test('of what is older than the anchor key are opened with the key of the time they were given', async () => {
    const again = { ...acceptance, registeredAtMs: START_MS };
    expect(openAcceptance(await signAcceptance(again, ANCHOR), state).registeredAtMs).toBe(START_MS);
  });

  test.each([
    ['given before its entry was registered', { registeredAtMs: registeredAtMs + 1 }],
    ['overdue when given', { publishByMs: registeredAtMs - 1 }],
  ])('%s are malformed', async (_name, change) => {
    const bytes = await signAcceptance({ ...acceptance, ...change }, ANCHOR);
    expect(() => parseAcceptance(bytes)).toThrow(expect.objectContaining({ code: 'malformed-acceptance' }));
  });

  test.each([
    ['by a key without the role', acceptance, PUBLISHER],
    [
      'given before the key was added',
      { ...acceptance, registeredAtMs: START_MS, acceptedAtMs: START_MS },
      ANCHOR,
    ],
  ])('%s are refused', async (_name, what, signer) => {
    const bytes = await signAcceptance(what, signer);
    expect(() => openAcceptance(bytes, state)).toThrow(StatementError);
    expect(parseAcceptance(bytes).leafIndex).toBe(7);
  });

  test('altered anywhere are refused', async () => {
    const bytes = await signAcceptance(acceptance, ANCHOR);
    // Only the envelope's outer text is free of the signature, and that has one spelling.
    for (let position = 0; position < bytes.length; position += 7) {
      const altered = bytes.slice();
      altered[position] = (altered[position] ?? 0) ^ 1;
      expect(() => openAcceptance(altered, state)).toThrow(StatementError);
    }
  });

  test('a statement is no acceptance', async () => {
    const leaf = await leafOf(release(), [ANCHOR], registeredAtMs);
    expect(() => parseAcceptance(leaf.subarray(8))).toThrow(/payload type/);
  });
});
