/** Watches as they travel: what a centre tells an address of, and how that goes. Times are milliseconds since 1970. */
import * as v from 'valibot';
import { DigestSchema, ProductNameSchema, SizeSchema, TimeMsSchema } from './schemas.ts';

/** What is told: what the Atom feed of the key, of the product, or of the promises has. */
export const WatchedSchema = v.union([
  v.strictObject({ keyid: DigestSchema }),
  v.strictObject({ product: ProductNameSchema }),
  v.strictObject({ promises: v.literal(true) }),
]);

/** Where it is told. Which addresses are allowed is the centre's to say. */
export const WatchUrlSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(2_048),
  v.check((text) => URL.canParse(text), 'an address, for example https://example.org/hook'),
);

export const WatchIdSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits'));

/** `whsec_` and 32 bytes in base64, as Standard Webhooks writes it. */
export const WatchSecretSchema = v.pipe(
  v.string(),
  v.regex(/^whsec_[A-Za-z0-9+/]{43}=$/, 'whsec_ and 32 bytes in base64'),
);

/**
 * - `unconfirmed`: the address has not answered a challenge yet; it is told nothing
 * - `active`: it is told
 * - `suspended`: it has not taken a delivery for days; a confirmation lets it go on where it stopped
 * - `ended`: it answered 410 Gone
 */
export const WatchStateSchema = v.picklist(['unconfirmed', 'active', 'suspended', 'ended']);

/** The only answer that has the secret. */
export const NewWatchSchema = v.strictObject({
  id: WatchIdSchema,
  secret: WatchSecretSchema,
  state: v.literal('unconfirmed'),
  /** Unless it is confirmed by then. */
  expiresAt: TimeMsSchema,
});

export const WatchSchema = v.strictObject({
  id: WatchIdSchema,
  url: v.string(),
  watch: WatchedSchema,
  state: WatchStateSchema,
  createdAt: TimeMsSchema,
  /** When it is forgotten if it stays in this state; null while it is active. */
  expiresAt: v.nullable(TimeMsSchema),
  /** The newest that the address has taken. `id`: the webhook-id. */
  lastDelivery: v.nullable(v.strictObject({ id: v.string(), at: TimeMsSchema, entries: SizeSchema })),
  /** Why the newest attempt failed; null when it did not. `attempts` since `since` have; the next is made at `nextAttemptAt`. */
  failure: v.nullable(
    v.strictObject({
      reason: v.string(),
      at: TimeMsSchema,
      attempts: SizeSchema,
      since: TimeMsSchema,
      nextAttemptAt: v.nullable(TimeMsSchema),
    }),
  ),
});

export const RemovedWatchSchema = v.strictObject({ id: WatchIdSchema, removed: v.literal(true) });

export type Watched = v.InferOutput<typeof WatchedSchema>;
export type WatchState = v.InferOutput<typeof WatchStateSchema>;
export type NewWatch = v.InferOutput<typeof NewWatchSchema>;
export type Watch = v.InferOutput<typeof WatchSchema>;
