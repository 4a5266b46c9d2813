/** Commitments as they travel: what is known of each, from which anyone computes how it stands at any time, and how it stands now. */
import { commitmentFacts, commitmentStanding } from '@vitrine/commitments';
import { commitmentId } from '@vitrine/statements';
import * as v from 'valibot';
import { SizeSchema, TimeMsSchema } from './schemas.ts';

export const CommitmentIdSchema = commitmentId;

/** `stateAt` of @vitrine/commitments makes `standing` of the rest, at `asOfMs`; at other times it makes what it would have been. */
export const CommitmentSchema = v.strictObject({
  ...commitmentFacts.entries,
  standing: commitmentStanding,
});

/** The view: so many entries of the root log, as of the time at which their checkpoint was published, or the newest of them registered. */
const view = { rootSize: SizeSchema, asOfMs: TimeMsSchema };

export const CommitmentDetailSchema = v.strictObject({ ...view, commitment: CommitmentSchema });

/** In the order in which they were made. `count`: of all pages. `next` is the `after` of the following page, null on the last. */
export const CommitmentListSchema = v.strictObject({
  ...view,
  count: SizeSchema,
  commitments: v.array(CommitmentSchema),
  next: v.nullable(SizeSchema),
});

export type Commitment = v.InferOutput<typeof CommitmentSchema>;
export type CommitmentDetail = v.InferOutput<typeof CommitmentDetailSchema>;
export type CommitmentList = v.InferOutput<typeof CommitmentListSchema>;
