/**
 * Sessions of callers who hold a key (the command line): a challenge, signed, is exchanged for a token. Local state, in memory:
 * a restart ends them all. Tokens are random, kept only as their SHA-256, and found by it, so no comparison leaks one.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { CentreError } from '../error.ts';

/** The DSSE payload type of a signed challenge; its payload is canonical JSON `{"challenge","origin"}`. */
export const SESSION_PAYLOAD_TYPE = 'application/vnd.vitrine.session+json';
const CHALLENGE_LIFE_MS = 2 * 60_000;
const TOKEN_LIFE_MS = 60 * 60_000;
/** More waiting challenges than this and the oldest is forgotten: nobody needs to be asked who they are to get one. */
const MAX_CHALLENGES = 10_000;
const MAX_TOKENS = 10_000;

const ChallengePayloadSchema = v.strictObject({ challenge: v.string(), origin: v.string() });

export interface Sessions {
  challenge(): { challenge: string; origin: string; expiresAt: number };
  /**
   * Exchanges a challenge for a token that stands for a key.
   * @param payload the signed payload's bytes, whose signature by `keyid` the caller has verified
   * @throws CentreError `unauthenticated`, `session-expired`
   */
  open(payload: Uint8Array, keyid: string): { token: string; expiresAt: number };
  /** @returns the keyid behind the Authorization header. @throws CentreError `unauthenticated`, `session-expired` */
  authenticate(authorization: string | undefined): string;
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function forgetOldest(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

/** @param origin the root log's origin, so that a challenge of one centre cannot be answered with a signature for another */
export function createSessions(origin: string, now: () => number): Sessions {
  const challenges = new Map<string, number>();
  const tokens = new Map<string, { readonly keyid: string; readonly expiresAt: number }>();
  return {
    challenge() {
      const challenge = randomBytes(32).toString('base64url');
      const expiresAt = now() + CHALLENGE_LIFE_MS;
      challenges.set(challenge, expiresAt);
      forgetOldest(challenges, MAX_CHALLENGES);
      return { challenge, origin, expiresAt };
    },
    open(payload, keyid) {
      let json: unknown;
      try {
        json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
      } catch (cause) {
        throw new CentreError('unauthenticated', 'The signed payload is not JSON.', { cause });
      }
      const parsed = v.safeParse(ChallengePayloadSchema, json);
      if (!parsed.success)
        throw new CentreError('unauthenticated', 'The signed payload must be {"challenge","origin"}.');
      if (parsed.output.origin !== origin)
        throw new CentreError(
          'unauthenticated',
          `The challenge was signed for “${parsed.output.origin.slice(0, 200)}”, not for ${origin}.`,
        );
      const expiresAt = challenges.get(parsed.output.challenge);
      challenges.delete(parsed.output.challenge);
      if (expiresAt === undefined || expiresAt < now())
        throw new CentreError(
          'session-expired',
          'The challenge is unknown, used or older than two minutes. Ask for a new one.',
        );
      const token = randomBytes(32).toString('base64url');
      const session = { keyid, expiresAt: now() + TOKEN_LIFE_MS };
      tokens.set(digestOf(token), session);
      forgetOldest(tokens, MAX_TOKENS);
      return { token, expiresAt: session.expiresAt };
    },
    authenticate(authorization) {
      const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1];
      if (token === undefined)
        throw new CentreError(
          'unauthenticated',
          'Send “Authorization: Bearer TOKEN”; POST /api/session gives a token for a signed challenge.',
        );
      const session = tokens.get(digestOf(token));
      if (session === undefined || session.expiresAt < now())
        throw new CentreError(
          'session-expired',
          'The session is unknown or has expired. Sign a new challenge.',
        );
      return session.keyid;
    },
  };
}
