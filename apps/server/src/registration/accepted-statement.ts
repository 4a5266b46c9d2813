/** What a caller is answered once a statement is durable: where it stands, and a signed acceptance. */
import type { AcceptedStatement } from '@vitrine/api';
import { signAcceptance } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import type { Appended } from '../log/log.ts';

export interface AcceptanceTerms {
  /** Of the log. */
  readonly origin: string;
  readonly payloadDigest: string;
  readonly appended: Appended;
  /** The instance's anchor key, or the key of the intake log. */
  readonly signer: Signer;
  /** The clock here; an entry's own time may be later. */
  readonly nowMs: number;
  readonly publishByMs: number;
}

export async function acceptedStatement({
  origin,
  payloadDigest,
  appended,
  signer,
  nowMs,
  publishByMs,
}: AcceptanceTerms): Promise<AcceptedStatement> {
  const registeredAt = appended.registeredAt ?? 0;
  const acceptedAtMs = Math.max(nowMs, registeredAt);
  const acceptance = await signAcceptance(
    {
      origin,
      leafIndex: appended.leafIndex,
      leafHash: appended.leafHash,
      registeredAtMs: registeredAt,
      acceptedAtMs,
      publishByMs: acceptedAtMs + publishByMs,
    },
    signer,
  );
  return {
    digest: payloadDigest,
    index: appended.leafIndex,
    registeredAt,
    duplicate: appended.duplicate,
    acceptance: new TextDecoder().decode(acceptance),
  };
}
