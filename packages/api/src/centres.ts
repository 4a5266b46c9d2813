/** The transparency centres of a log, as `GET /api/centres` tells of them. Times are milliseconds since 1970. */
import * as v from 'valibot';
import { SizeSchema, TimeMsSchema } from './schemas.ts';

/** What a centre has cosigned: a checkpoint of the root log of this size, at this time by its own clock. */
const CosignedSchema = v.strictObject({ size: SizeSchema, atMs: TimeMsSchema });

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
});

/** What everyone who reads here must know: it stands above everything until it no longer holds. */
export const NoticeSchema = v.strictObject({
  kind: v.picklist(['fork', 'head-left-out', 'quorum-missing']),
  /** In words. */
  text: v.string(),
  sinceMs: TimeMsSchema,
  /** Address of the evidence file on this centre. */
  evidence: v.optional(v.string()),
});

/** `asOfMs`: when the checkpoint of the root log at `rootSize` was published. */
export const CentreListSchema = v.strictObject({
  rootSize: SizeSchema,
  asOfMs: TimeMsSchema,
  centres: v.array(AnnouncedCentreSchema),
  notices: v.array(NoticeSchema),
});

export type AnnouncedCentre = v.InferOutput<typeof AnnouncedCentreSchema>;
export type Notice = v.InferOutput<typeof NoticeSchema>;
export type CentreList = v.InferOutput<typeof CentreListSchema>;
