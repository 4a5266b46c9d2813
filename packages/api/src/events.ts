/** Events of the world as they travel: what was recorded, whether or not it is evidence for a promise. */
import { calendarPeriod } from '@vitrine/statements';
import * as v from 'valibot';
import { DigestSchema, SizeSchema, TimeMsSchema } from './schemas.ts';

export const RecordedEventSchema = v.strictObject({
  index: SizeSchema,
  registeredAt: TimeMsSchema,
  /** A calendar period in ISO 8601, as precise as its source: 2018, 2018-Q1, 2018-03, 2018-03-01. */
  happened: calendarPeriod,
  kind: v.string(),
  product: v.nullable(v.string()),
  /** Digest of the public body with its title, text and sources. */
  body: DigestSchema,
});

/** Newest entry first. `next` is the `before` of the following page, null on the last. */
export const EventListSchema = v.strictObject({
  events: v.array(RecordedEventSchema),
  next: v.nullable(SizeSchema),
});

export type RecordedEvent = v.InferOutput<typeof RecordedEventSchema>;
export type EventList = v.InferOutput<typeof EventListSchema>;
