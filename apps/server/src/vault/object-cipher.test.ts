import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ciphertextSize, openPiece, PIECE_BYTES, pieceCount, sealPiece } from './object-cipher.ts';

const newKey = (): KeyObject => createSecretKey(randomBytes(32));

const seal = (plain: Uint8Array, key: KeyObject, index: number, isLast: boolean): Buffer =>
  Buffer.concat(sealPiece(plain, key, index, isLast));

describe('object ciphertext', () => {
  test('a piece opens only with its key, index and position', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(2 ** 40),
        fc.boolean(),
        (plain, index, isLast) => {
          const key = newKey();
          const sealed = seal(plain, key, index, isLast);
          expect(sealed.length).toBe(ciphertextSize(plain.length));
          expect(openPiece(sealed, key, index, isLast)).toEqual(Buffer.from(plain));
          expect(openPiece(sealed, newKey(), index, isLast)).toBeUndefined();
          expect(openPiece(sealed, key, index + 1, isLast)).toBeUndefined();
          expect(openPiece(sealed, key, index, !isLast)).toBeUndefined();
          expect(openPiece(sealed.subarray(1), key, index, isLast)).toBeUndefined();
          expect(openPiece(sealed.subarray(0, -1), key, index, isLast)).toBeUndefined();
        },
      ),
    );
  });

  test('every altered bit is noticed', () => {
    const key = newKey();
    const sealed = seal(Buffer.from('rule'), key, 0, true);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openPiece(altered, key, 0, true)).toBeUndefined();
    }
  });

  test('the same piece sealed twice has two nonces and two ciphertexts', () => {
    const key = newKey();
    const nonces = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      nonces.add(seal(Buffer.alloc(1), key, 0, true).toString('hex'));
    }
    expect(nonces.size).toBe(3000);
  });

  test('sizes', () => {
    expect([0, 1, PIECE_BYTES, PIECE_BYTES + 1].map(pieceCount)).toEqual([1, 1, 1, 2]);
    expect([0, 1, PIECE_BYTES, PIECE_BYTES + 1].map(ciphertextSize)).toEqual([28, 29, 65_564, 65_593]);
  });
});
