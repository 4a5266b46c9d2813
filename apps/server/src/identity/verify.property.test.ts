/** node:crypto and the JavaScript that browsers use judge every signature by a passkey's key alike. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyP256 } from '@vitrine/statements/intake';
import { nodeSignature, REVIEWER, testPasskey } from '../../../../packages/statements/test/intake-world.ts';
import { verifyP256WithNode } from './verify.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 60 : 3_000;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** r ‖ s of a signature as OpenSSL writes it. */
function rawOf(der: Uint8Array): Uint8Array {
  const integers: Uint8Array[] = [];
  for (let at = 2; at < der.length; ) {
    const length = der[at + 1] ?? 0;
    integers.push(der.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return new Uint8Array(
    Buffer.concat(integers.map((integer) => Buffer.concat([Buffer.alloc(32), integer]).subarray(-32))),
  );
}

const scalar = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

function agree(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const verdict = verifyP256(spki, message, signature);
  expect(verifyP256WithNode(spki, message, signature)).toBe(verdict);
  return verdict;
}

test('signatures, true and altered', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(63), fc.nat(7), (message, at, bit) => {
      const signature = rawOf(nodeSignature('reviewer', message));
      expect(agree(REVIEWER.spki, message, signature)).toBe(true);
      const altered = signature.slice();
      altered[at] = (altered[at] ?? 0) ^ (1 << bit);
      expect(agree(REVIEWER.spki, message, altered)).toBe(false);
      expect(agree(testPasskey('other').spki, message, signature)).toBe(false);
      // The other signature of the same r: authenticators do not choose the low s.
      const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
      const mirrored = new Uint8Array(Buffer.concat([signature.subarray(0, 32), scalar(ORDER - s)]));
      expect(agree(REVIEWER.spki, message, mirrored)).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

test('scalars at the edge of what is one, signatures of another length', () => {
  const message = new Uint8Array(3);
  const edges = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, (1n << 256n) - 1n].map(scalar);
  for (const r of edges)
    for (const s of edges)
      expect(agree(REVIEWER.spki, message, new Uint8Array(Buffer.concat([r, s])))).toBe(false);
  const signature = rawOf(nodeSignature('reviewer', message));
  for (const length of [0, 63]) expect(agree(REVIEWER.spki, message, signature.slice(0, length))).toBe(false);
  expect(agree(REVIEWER.spki, message, new Uint8Array([...signature, 0]))).toBe(false);
});

test('keys in any other spelling, or off the curve', () => {
  const message = new Uint8Array(3);
  const signature = rawOf(nodeSignature('reviewer', message));
  fc.assert(
    fc.property(fc.nat(REVIEWER.spki.length - 1), fc.nat(7), (at, bit) => {
      const altered = REVIEWER.spki.slice();
      altered[at] = (altered[at] ?? 0) ^ (1 << bit);
      expect(agree(altered, message, signature)).toBe(false);
    }),
    { numRuns: RUNS },
  );
  expect(agree(REVIEWER.spki.slice(0, 90), message, signature)).toBe(false);
  expect(agree(new Uint8Array([...REVIEWER.spki, 0]), message, signature)).toBe(false);
});
