/** What travels over the HTTP API. Times are milliseconds since 1970, digests lower-case hex SHA-256, sizes of files bytes, sizes of logs entries. */
import * as v from 'valibot';

export const DigestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a lower-case hex SHA-256'));
/** What an object is sent for: a `public` one may be named as an artifact or a document, so that anyone may read it; a `secret` one never. */
export const VisibilitySchema = v.picklist(['secret', 'public']);
export const SizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const TimeMsSchema = SizeSchema;
export const ProductNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    'a product name: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit',
  ),
);
export const VersionSchema = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._+~:-]{0,63}$/,
    'a version: 1 to 64 of letters, digits and . _ + ~ : -, beginning with a letter or digit',
  ),
);
/** A DSSE envelope as canonical JSON text; parsed by packages/statements. */
export const EnvelopeTextSchema = v.pipe(v.string(), v.minLength(2), v.maxLength(16_384));

export const LogKindSchema = v.picklist(['statements', 'keys', 'intake', 'open']);
/**
 * The end of a log. `index`, `closedAt`: of the entry of the root log that says so; `size`, `root`: the log's last ones; `reasonDigest`:
 * of the public body that says why. `successor`: where it goes on, null where it does not; `entry0` of the successor of a root log.
 */
export const LogClosingSchema = v.strictObject({
  origin: v.string(),
  size: SizeSchema,
  root: DigestSchema,
  index: SizeSchema,
  closedAt: TimeMsSchema,
  reasonDigest: DigestSchema,
  successor: v.nullable(
    v.strictObject({
      origin: v.string(),
      url: v.string(),
      vkey: v.string(),
      entry0: v.nullable(DigestSchema),
    }),
  ),
});
export const LogSummarySchema = v.strictObject({
  name: v.string(),
  origin: v.string(),
  kind: LogKindSchema,
  vkey: v.string(),
  /** Entries in the published checkpoint. */
  size: SizeSchema,
  /** Entries accepted and durable, published or not. */
  durableSize: SizeSchema,
  /** Time of the published checkpoint's own cosignature. */
  publishedAt: TimeMsSchema,
  state: v.picklist(['following', 'writing', 'refusing', 'stopped', 'closed']),
  /** Of this log, or of the root log with which it ended; null while it goes on. */
  closed: v.nullable(LogClosingSchema),
});
export const LogDetailSchema = v.strictObject({
  ...LogSummarySchema.entries,
  checkpoint: v.string(),
  root: DigestSchema,
});

export const CentreSchema = v.strictObject({
  name: v.string(),
  version: v.string(),
  entry0: DigestSchema,
  cosigner: v.string(),
  operators: v.array(v.string()),
  products: SizeSchema,
  releases: SizeSchema,
  artifacts: SizeSchema,
  logs: v.array(LogSummarySchema),
});

export const WithdrawalSchema = v.strictObject({
  index: SizeSchema,
  registeredAt: TimeMsSchema,
  reasonDigest: DigestSchema,
  signers: v.array(DigestSchema),
});
export const ReleaseSummarySchema = v.strictObject({
  product: v.string(),
  version: v.string(),
  index: SizeSchema,
  registeredAt: TimeMsSchema,
  artifacts: SizeSchema,
  sourceFiles: SizeSchema,
  withdrawn: v.boolean(),
});
export const ReleaseArtifactSchema = v.strictObject({
  name: v.string(),
  sha256: DigestSchema,
  sizeBytes: SizeSchema,
  index: SizeSchema,
});
export const ReleaseSchema = v.strictObject({
  ...ReleaseSummarySchema.entries,
  artifacts: v.array(ReleaseArtifactSchema),
  digest: DigestSchema,
  sourceRoot: DigestSchema,
  signers: v.array(DigestSchema),
  sbom: v.nullable(v.strictObject({ format: v.picklist(['cyclonedx', 'spdx']), digest: DigestSchema })),
  provenance: v.nullable(DigestSchema),
  notes: v.nullable(DigestSchema),
  supersedes: v.nullable(v.string()),
  supersededBy: v.nullable(v.string()),
  withdrawal: v.nullable(WithdrawalSchema),
});
export const ProductSummarySchema = v.strictObject({
  product: v.string(),
  releases: SizeSchema,
  latest: ReleaseSummarySchema,
});
/** By name. `count`: of all pages. `previous` is the `before` of the page before, `next` the `after` of the page after; null at the ends. */
export const ProductListSchema = v.strictObject({
  count: SizeSchema,
  products: v.array(ProductSummarySchema),
  previous: v.nullable(v.string()),
  next: v.nullable(v.string()),
});
/** Its releases newest first, a page of them. `previous` is the `after` of the page of newer ones, `next` the `before` of the page of older ones; null at the ends. */
export const ProductSchema = v.strictObject({
  product: v.string(),
  count: SizeSchema,
  latest: ReleaseSummarySchema,
  releases: v.array(ReleaseSummarySchema),
  previous: v.nullable(SizeSchema),
  next: v.nullable(SizeSchema),
});
export const ArtifactNamingSchema = v.strictObject({
  product: v.string(),
  version: v.string(),
  name: v.string(),
  index: SizeSchema,
  digest: DigestSchema,
  registeredAt: TimeMsSchema,
  withdrawn: v.boolean(),
});
export const ArtifactSchema = v.strictObject({
  sha256: DigestSchema,
  sizeBytes: SizeSchema,
  held: v.boolean(),
  namedBy: v.array(ArtifactNamingSchema),
});
export const SearchHitSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('release'), ...ReleaseSummarySchema.entries, digest: DigestSchema }),
  v.strictObject({
    kind: v.literal('artifact'),
    product: v.string(),
    version: v.string(),
    name: v.string(),
    sha256: DigestSchema,
    sizeBytes: SizeSchema,
    index: SizeSchema,
    registeredAt: TimeMsSchema,
    withdrawn: v.boolean(),
  }),
]);
/** Newest first. `previous` is the `after` of the page of newer ones, `next` the `before` of the page of older ones; null at the ends. */
export const SearchResultSchema = v.strictObject({
  hits: v.array(SearchHitSchema),
  previous: v.nullable(SizeSchema),
  next: v.nullable(SizeSchema),
});

export const LogEntrySchema = v.strictObject({
  index: SizeSchema,
  leafHash: DigestSchema,
  sizeBytes: SizeSchema,
  registeredAt: v.nullable(TimeMsSchema),
  predicateType: v.nullable(v.string()),
  product: v.nullable(v.string()),
  /** One line in words. */
  summary: v.string(),
  /** null in open logs, where nothing is admitted or refused. */
  admitted: v.nullable(v.boolean()),
});
export const LogEntryDetailSchema = v.strictObject({
  ...LogEntrySchema.entries,
  /** The leaf's bytes, base64. */
  leaf: v.string(),
  /** Why it is not admitted, when it is not. */
  refusal: v.nullable(v.string()),
  proof: v.strictObject({ treeSize: SizeSchema, root: DigestSchema, hashes: v.array(DigestSchema) }),
  /** The published checkpoint of that size as a signed note, when it is kept. */
  checkpoint: v.nullable(v.string()),
});
export const ConsistencySchema = v.strictObject({
  from: SizeSchema,
  to: SizeSchema,
  hashes: v.array(DigestSchema),
});

export const ChallengeSchema = v.strictObject({
  challenge: v.string(),
  origin: v.string(),
  expiresAt: TimeMsSchema,
});
export const SessionSchema = v.strictObject({ token: v.string(), expiresAt: TimeMsSchema });
export const PublicationSchema = v.strictObject({
  id: v.pipe(v.string(), v.uuid()),
  state: v.picklist(['open', 'registered']),
  /** The secret in force: the first given for this product and version by a key that may still publish it, or that did. */
  snapshotSecret: DigestSchema,
  /** Payload digest of the release statement, once registered. */
  release: v.nullable(DigestSchema),
});
export const UploadSchema = v.strictObject({ offsetBytes: SizeSchema, complete: v.boolean() });
export const AcceptedStatementSchema = v.strictObject({
  digest: DigestSchema,
  index: SizeSchema,
  registeredAt: TimeMsSchema,
  duplicate: v.boolean(),
  /** The signed acceptance, a DSSE envelope as canonical JSON text. */
  acceptance: v.string(),
});
export const AcceptedSchema = v.strictObject({ statements: v.array(AcceptedStatementSchema) });

/** The largest body of a submission, in bytes. */
export const MAX_SUBMISSION_BODY_BYTES = 1024 * 1024;

export const SubmissionSchema = v.strictObject({
  /** Payload digest of the statement. */
  digest: DigestSchema,
  /** The intake log that took it in, and where it stands there. */
  origin: v.string(),
  index: SizeSchema,
  /** Of the head in the root log that made it part of the view. */
  headIndex: SizeSchema,
  registeredAt: TimeMsSchema,
  /** keyid of the one who said it. */
  signer: DigestSchema,
  kind: v.string(),
  product: v.nullable(v.string()),
  access: v.string(),
  body: DigestSchema,
});

/** Newest first. `next`: the `before` of the following page, null on the last. */
export const SubmissionListSchema = v.strictObject({
  submissions: v.array(SubmissionSchema),
  next: v.nullable(SizeSchema),
});

/** Of the view at `rootSize`, a running hash over what each entry made known; comparable within one version of the semantics. */
export const ViewDigestSchema = v.strictObject({
  rootSize: SizeSchema,
  semantics: SizeSchema,
  digest: DigestSchema,
});

/** RFC 9457 problem document. `code` is stable; docs/api.md lists every one. */
export const ProblemSchema = v.strictObject({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  code: v.string(),
  detail: v.string(),
  /** Where in the input, when that is known. */
  pointer: v.optional(v.string()),
  retryAfterMs: v.optional(SizeSchema),
  /** The two checkpoints of a log that contradict each other. */
  checkpoints: v.optional(v.array(v.string())),
  /** Address of the evidence file on this centre. */
  evidence: v.optional(v.string()),
});

export type Centre = v.InferOutput<typeof CentreSchema>;
export type LogClosing = v.InferOutput<typeof LogClosingSchema>;
export type LogSummary = v.InferOutput<typeof LogSummarySchema>;
export type LogDetail = v.InferOutput<typeof LogDetailSchema>;
export type Release = v.InferOutput<typeof ReleaseSchema>;
export type ReleaseSummary = v.InferOutput<typeof ReleaseSummarySchema>;
export type ProductSummary = v.InferOutput<typeof ProductSummarySchema>;
export type ProductList = v.InferOutput<typeof ProductListSchema>;
export type Product = v.InferOutput<typeof ProductSchema>;
export type Artifact = v.InferOutput<typeof ArtifactSchema>;
export type SearchHit = v.InferOutput<typeof SearchHitSchema>;
export type SearchResult = v.InferOutput<typeof SearchResultSchema>;
export type LogEntry = v.InferOutput<typeof LogEntrySchema>;
export type LogEntryDetail = v.InferOutput<typeof LogEntryDetailSchema>;
export type Publication = v.InferOutput<typeof PublicationSchema>;
export type Visibility = v.InferOutput<typeof VisibilitySchema>;
export type Upload = v.InferOutput<typeof UploadSchema>;
export type AcceptedStatement = v.InferOutput<typeof AcceptedStatementSchema>;
export type Problem = v.InferOutput<typeof ProblemSchema>;
