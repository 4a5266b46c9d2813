/** HTTP: sessions. A challenge, signed with a key that the keys log knows, is exchanged for a token. */
import { isValidAt, openEnvelope, parseEnvelope, StatementError } from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { Router } from '../router.ts';
import { SESSION_PAYLOAD_TYPE } from './sessions.ts';
import type { Sessions } from './sessions.ts';
import { verifyWithNode } from './verify.ts';

const MAX_ENVELOPE_BYTES = 4096;

export function addSessionRoutes(
  router: Router,
  { sessions, keys, nowMs }: { sessions: Sessions; keys: () => KeysState; nowMs: () => number },
): void {
  router.on('challenge', () => Promise.resolve(sessions.challenge()));
  router.on('session', ({ body }) => {
    const state = keys();
    const atMs = Math.max(nowMs(), state.lastRegisteredAtMs);
    const valid = [...state.keys.values()].filter(
      (key) => key.voidFrom === undefined && isValidAt(key, atMs),
    );
    try {
      const envelope = parseEnvelope(
        new TextEncoder().encode(body.envelope),
        SESSION_PAYLOAD_TYPE,
        MAX_ENVELOPE_BYTES,
      );
      const [keyid, ...others] = openEnvelope(envelope, valid, verifyWithNode);
      if (keyid === undefined || others.length > 0)
        throw new CentreError('unauthenticated', 'A challenge is signed by exactly one key.');
      return Promise.resolve(sessions.open(envelope.payload, keyid));
    } catch (cause) {
      if (!(cause instanceof StatementError)) throw cause;
      throw new CentreError(
        'unauthenticated',
        `${cause.message}. The key must be in this instance’s keys log, and not revoked.`,
        { cause },
      );
    }
  });
}
