/** How a centre is doing, for those who run and watch it. Times are milliseconds since 1970. */
import * as v from 'valibot';
import { NoticeSchema, SeenCentreSchema } from './centres.ts';
import { LogSummarySchema, SizeSchema, TimeMsSchema, ViewDigestSchema } from './schemas.ts';

/** A log that this centre writes: `waiting` is why its newest entries are durable and not published; null when they are, or will be at once. */
export const WrittenLogStatusSchema = v.strictObject({
  ...LogSummarySchema.entries,
  waiting: v.nullable(v.strictObject({ code: v.string(), text: v.string() })),
});

/**
 * A log that another centre writes. `size`: entries held here; `publishedSize`: those that are shown. `verifiedAt`: when its server's
 * newest checkpoint was last seen and held; `problem`: why the last look failed.
 */
export const FollowedLogStatusSchema = v.strictObject({
  name: v.string(),
  origin: v.string(),
  url: v.string(),
  size: SizeSchema,
  publishedSize: SizeSchema,
  verifiedAt: v.nullable(TimeMsSchema),
  problem: v.nullable(v.string()),
});

/** One whom the writer asks for cosignatures. `sizes`: by origin, what it cosigned last. */
export const WitnessStatusSchema = v.strictObject({
  name: v.string(),
  keyName: v.string(),
  url: v.string(),
  lastCosignedAt: v.nullable(TimeMsSchema),
  sizes: v.record(v.string(), SizeSchema),
  problem: v.nullable(v.string()),
});

export const CentreStatusSchema = v.strictObject({
  name: v.string(),
  operator: v.string(),
  version: v.string(),
  roles: v.array(v.string()),
  /** Of the writer, where this centre follows one. */
  follows: v.nullable(v.string()),
  written: v.array(WrittenLogStatusSchema),
  followed: v.array(FollowedLogStatusSchema),
  /** Empty where none has an address in the policy, and at a follower. */
  witnesses: v.array(WitnessStatusSchema),
  /** The other centres, as this one last saw them. */
  others: v.array(SeenCentreSchema),
  view: v.nullable(ViewDigestSchema),
  notices: v.array(NoticeSchema),
});

export type CentreStatus = v.InferOutput<typeof CentreStatusSchema>;
