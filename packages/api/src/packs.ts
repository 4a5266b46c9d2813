/** Shapes of what a centre that replicates another's vault is given: encrypted packs, and what is needed to check copies of them. */
import * as v from 'valibot';
import { DigestSchema, SizeSchema } from './schemas.ts';

export const PackIdSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits'));

/** Packs by ID. `revision` changes with a pack's table and with its grants. */
export const PackListSchema = v.strictObject({
  packs: v.pipe(v.array(v.strictObject({ packId: PackIdSchema, revision: PackIdSchema })), v.maxLength(1000)),
  /** What the next page begins beyond; null at the end. */
  next: v.nullable(PackIdSchema),
});

/** One pack: its ciphertext's size and the SHA-256 of each 4 MiB of it (the last may be shorter), and of its table and grants. */
export const PackSchema = v.strictObject({
  packId: PackIdSchema,
  revision: PackIdSchema,
  sizeBytes: SizeSchema,
  chunks: v.pipe(v.array(DigestSchema), v.maxLength(524_288)),
  table: DigestSchema,
  grants: v.pipe(v.array(v.strictObject({ tag: PackIdSchema, sha256: DigestSchema })), v.maxLength(1024)),
});
