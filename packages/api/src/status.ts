/** How a centre is doing, for those who run and watch it. Times are milliseconds since 1970. */
import * as v from 'valibot';
import { NoticeSchema, SeenCentreSchema } from './centres.ts';
import { LogClosingSchema, LogSummarySchema, SizeSchema, TimeMsSchema, ViewDigestSchema } from './schemas.ts';

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
  closed: v.nullable(LogClosingSchema),
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

/** Why the writer publishes nothing: `waiting` entries are durable and accepted, and those named do not cosign. */
const MissingQuorumSchema = v.strictObject({
  waiting: SizeSchema,
  missing: v.array(v.strictObject({ name: v.string(), problem: v.string() })),
  sinceMs: TimeMsSchema,
});

const rounds = { lastDoneAt: v.nullable(TimeMsSchema), problem: v.nullable(v.string()) };

/**
 * What a follower copies of the writer's. `failing`: named by the log, or listed, and not to be had so far; `packs` is null without a
 * centre key; `admitted`: whether the writer knows that key, null before it answered; `gone`: copied, and gone at the writer without a
 * disposal.
 */
const ReplicationStatusSchema = v.strictObject({
  objects: v.strictObject({ copied: SizeSchema, bytes: SizeSchema, failing: SizeSchema, ...rounds }),
  packs: v.nullable(
    v.strictObject({
      admitted: v.nullable(v.boolean()),
      listed: v.nullable(SizeSchema),
      copied: SizeSchema,
      readable: SizeSchema,
      bytes: SizeSchema,
      failing: SizeSchema,
      gone: SizeSchema,
      ...rounds,
    }),
  ),
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
  /** Null while publications succeed, and at a follower. */
  quorumMissing: v.nullable(MissingQuorumSchema),
  /** Null at the writer. */
  replication: v.nullable(ReplicationStatusSchema),
  /** The other centres, as this one last saw them. */
  others: v.array(SeenCentreSchema),
  view: v.nullable(ViewDigestSchema),
  notices: v.array(NoticeSchema),
});

export type ReplicationStatus = v.InferOutput<typeof ReplicationStatusSchema>;
export type CentreStatus = v.InferOutput<typeof CentreStatusSchema>;
