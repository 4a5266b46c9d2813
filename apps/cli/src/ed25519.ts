/** Ed25519 by OpenSSL: the same answers as the one in JavaScript that browsers use (packages/tlog ed25519.ts says why), some thirty times faster. */
import { createPublicKey, verify } from 'node:crypto';
import type { Verify } from '@vitrine/statements';

/** @see Verify of packages/statements. Never throws. */
export const verifyWithOpenssl: Verify = (spki, message, signature) => {
  try {
    return verify(
      null,
      message,
      createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
      signature,
    );
  } catch {
    return false;
  }
};
