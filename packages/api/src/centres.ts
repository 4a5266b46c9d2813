/** The transparency centres of a log, as `GET /api/centres` tells of them. Times are milliseconds since 1970. */
import * as v from 'valibot';
import { DigestSchema, SizeSchema, TimeMsSchema } from './schemas.ts';

/** What a centre has cosigned: a checkpoint of the root log of this size, at this time by its own clock. */
const CosignedSchema = v.strictObject({ size: SizeSchema, atMs: TimeMsSchema });

/**
 * What this centre has seen another show, by its own clock: what it knows, not what the log says. `verified`: the newest checkpoint of
 * each log that it was seen to show, and that was compared with what is held here and found to be of one history. `checkpointAtMs`: the
 * time of that checkpoint under the verification policy, null of logs that the policy does not name; `atMs`: when it was seen;
 * `staleSinceMs`: since when it has been older than what this centre holds.
 */
const SeenSchema = v.strictObject({
  answeredAtMs: v.nullable(TimeMsSchema),
  unreachableSinceMs: v.nullable(TimeMsSchema),
  verified: v.array(
    v.strictObject({
      origin: v.string(),
      size: SizeSchema,
      checkpointAtMs: v.nullable(TimeMsSchema),
      atMs: TimeMsSchema,
      staleSinceMs: v.nullable(TimeMsSchema),
    }),
  ),
  otherView: v.nullable(
    v.strictObject({ rootSize: SizeSchema, digest: DigestSchema, sinceMs: TimeMsSchema }),
  ),
});

/** Another centre, as this one last saw it: one that is announced, or that the operator wants watched besides. */
export const SeenCentreSchema = v.strictObject({
  name: v.string(),
  url: v.string(),
  ...SeenSchema.entries,
});

export const AnnouncedCentreSchema = v.strictObject({
  name: v.string(),
  operator: v.string(),
  city: v.string(),
  /** ISO 3166-1 alpha-2. */
  country: v.string(),
  region: v.string(),
  url: v.string(),
  /** False in a centre's last announcement. */
  working: v.boolean(),
  witnessVkey: v.string(),
  mirrorVkey: v.string(),
  intakeOrigin: v.string(),
  /** Of the announcement in force. */
  announcedAt: TimeMsSchema,
  leafIndex: SizeSchema,
  /** The newest cosignature by each of its keys that this centre knows of; null when it knows of none. */
  lastCosigned: v.strictObject({ witness: v.nullable(CosignedSchema), mirror: v.nullable(CosignedSchema) }),
  /** The last days of log time in UTC, oldest first: whether the log holds a cosignature of that day. The last one is not over. */
  days: v.array(v.strictObject({ day: v.pipe(v.string(), v.isoDate()), cosigned: v.boolean() })),
  /** Whether it is the one that answers. */
  self: v.boolean(),
  /** As the centre that answers last saw it; null of itself, of one that is closed, and before the first look. */
  seen: v.nullable(SeenSchema),
});

/** What everyone who reads here must know: it stands above everything until it no longer holds. */
export const NoticeSchema = v.strictObject({
  kind: v.picklist([
    'fork',
    'fork-resolved',
    'view-differs',
    'head-left-out',
    'quorum-missing',
    'centre-stale',
    'centre-unreachable',
    'log-closed',
  ]),
  /** In words. */
  text: v.string(),
  sinceMs: TimeMsSchema,
  /** Address of the evidence file on this centre. */
  evidence: v.optional(v.string()),
});

/** `asOfMs`: when the checkpoint of the root log, `rootOrigin`, at `rootSize` was published. */
export const CentreListSchema = v.strictObject({
  rootOrigin: v.string(),
  rootSize: SizeSchema,
  asOfMs: TimeMsSchema,
  centres: v.array(AnnouncedCentreSchema),
  notices: v.array(NoticeSchema),
});

export const NoticeListSchema = v.strictObject({
  notices: v.array(NoticeSchema),
  centres: v.array(SeenCentreSchema),
});

const ForkedCheckpointSchema = v.strictObject({
  note: v.string(),
  size: SizeSchema,
  root: DigestSchema,
  held: v.boolean(),
});

/** What came of a resolution for each fork that it concerns; none where this centre knows none. */
export const ResolvedForksSchema = v.strictObject({
  forks: v.array(
    v.variant('resolved', [
      v.strictObject({ id: v.string(), resolved: v.literal(true) }),
      v.strictObject({ id: v.string(), resolved: v.literal(false), reason: v.string() }),
    ]),
  ),
});

/**
 * A proof that a log signed two histories. `checkpoints`: the smaller first, as signed notes; `held`: what this centre held, where the
 * other contradicts it. `frozen`: nothing of the log is signed here until its root keys say which history goes on; `resolvedAtMs`: when
 * they had. Times by this centre's clock.
 */
export const ForkSchema = v.strictObject({
  id: v.string(),
  origin: v.string(),
  vkey: v.nullable(v.string()),
  foundAtMs: TimeMsSchema,
  foundBy: v.string(),
  frozen: v.boolean(),
  resolvedAtMs: v.nullable(TimeMsSchema),
  checkpoints: v.strictTuple([ForkedCheckpointSchema, ForkedCheckpointSchema]),
  evidence: v.string(),
});

/** The oldest first. */
export const ForkListSchema = v.strictObject({ forks: v.array(ForkSchema) });

export type AnnouncedCentre = v.InferOutput<typeof AnnouncedCentreSchema>;
export type Fork = v.InferOutput<typeof ForkSchema>;
export type SeenCentre = v.InferOutput<typeof SeenCentreSchema>;
export type Notice = v.InferOutput<typeof NoticeSchema>;
export type CentreList = v.InferOutput<typeof CentreListSchema>;
