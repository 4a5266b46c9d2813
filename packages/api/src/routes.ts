/** The HTTP contract of a centre: every JSON route, its schemas and where it stands. The server serves, documents (OpenAPI) and the clients call exactly this table. */
import * as v from 'valibot';
import { CentreListSchema, ForkListSchema, NoticeListSchema, ResolvedForksSchema } from './centres.ts';
import { EventListSchema } from './events.ts';
import { CommitmentDetailSchema, CommitmentIdSchema, CommitmentListSchema } from './commitments.ts';
import { PackIdSchema, PackListSchema, PackSchema } from './packs.ts';
import {
  EngagementDetailSchema,
  EngagementListSchema,
  OpinionDetailSchema,
  OpinionListSchema,
  OrganisationDetailSchema,
  OrganisationListSchema,
} from './reviews.ts';
import { CentreStatusSchema } from './status.ts';
import {
  AcceptedSchema,
  AcceptedStatementSchema,
  ArtifactSchema,
  CentreSchema,
  ChallengeSchema,
  ConsistencySchema,
  DigestSchema,
  EnvelopeTextSchema,
  LogDetailSchema,
  LogEntrySchema,
  LogEntryDetailSchema,
  ProductListSchema,
  ProductSchema,
  ProductNameSchema,
  PublicationSchema,
  ReleaseSchema,
  SearchResultSchema,
  SessionSchema,
  SizeSchema,
  SubmissionListSchema,
  UploadSchema,
  VersionSchema,
  ViewDigestSchema,
  VisibilitySchema,
} from './schemas.ts';
import {
  NewWatchSchema,
  RemovedWatchSchema,
  WatchedSchema,
  WatchIdSchema,
  WatchSchema,
  WatchUrlSchema,
} from './watches.ts';

/** A JSON route. `path` has `:name` parameters; `query` and `body` are absent where the route takes none. */
export interface Route {
  readonly method: 'DELETE' | 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly summary: string;
  /** Whether the caller must present a session token (Authorization: Bearer). */
  readonly session: boolean;
  /** Whether the caller must present the secret of what is named in the path (Authorization: Bearer). */
  readonly secret?: true;
  readonly params?: ObjectSchema;
  readonly query?: ObjectSchema;
  /** A JSON body, or the media type of a streamed one. */
  readonly body?: v.GenericSchema | { readonly mediaType: string };
  /** A JSON response, or the media type of another one. */
  readonly response: v.GenericSchema | { readonly mediaType: string };
  /** Of a success; 200 unless it says otherwise. */
  readonly status?: 201;
}

type ObjectSchema =
  | v.ObjectSchema<v.ObjectEntries, undefined>
  | v.StrictObjectSchema<v.ObjectEntries, undefined>;

const digits = v.pipe(
  v.string(),
  v.regex(/^(0|[1-9][0-9]{0,15})$/, 'a decimal number without leading zeros'),
  v.transform(Number),
  v.safeInteger(),
);
const logName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a log name'));
const limit = v.optional(v.pipe(digits, v.minValue(1), v.maxValue(200)));
const evidenceType = { mediaType: 'application/vnd.vitrine.evidence+json' } as const;
const atomType = { mediaType: 'application/atom+xml; charset=utf-8' } as const;
const bodyText = v.pipe(v.string(), v.maxLength(1_400_000));
const anyBytes = { mediaType: 'application/octet-stream' } as const;

/** Media type of a stream of objects: each is its length (u32, big-endian) followed by its bytes, at most {@link OBJECT_FRAME_MAX_BYTES}. */
export const OBJECT_STREAM_TYPE = 'application/vnd.vitrine.objects';
/** Largest object in an object stream, in bytes; larger ones go through an upload. */
export const OBJECT_FRAME_MAX_BYTES = 8 * 1024 * 1024;
/** How many digests one `missing` request may ask about. */
export const MISSING_MAX_DIGESTS = 20_000;

export const routes = {
  centre: {
    method: 'GET',
    path: '/api/centre',
    summary: 'What this centre is, and the state of its logs',
    session: false,
    response: CentreSchema,
  },
  policy: {
    method: 'GET',
    path: '/api/policy',
    summary: 'The verification policy of this instance',
    session: false,
    response: { mediaType: 'text/plain; charset=utf-8' },
  },
  products: {
    method: 'GET',
    path: '/api/products',
    summary: 'Products with their newest release, by name: those after or before a name',
    session: false,
    query: v.strictObject({
      after: v.optional(ProductNameSchema),
      before: v.optional(ProductNameSchema),
      limit,
    }),
    response: ProductListSchema,
  },
  product: {
    method: 'GET',
    path: '/api/products/:product',
    summary: 'A product and its releases, newest first: those of entries before or after an index',
    session: false,
    params: v.strictObject({ product: ProductNameSchema }),
    query: v.strictObject({ before: v.optional(digits), after: v.optional(digits), limit }),
    response: ProductSchema,
  },
  release: {
    method: 'GET',
    path: '/api/products/:product/releases/:version',
    summary: 'A release, its artifacts and whether it was withdrawn',
    session: false,
    params: v.strictObject({ product: ProductNameSchema, version: VersionSchema }),
    response: ReleaseSchema,
  },
  search: {
    method: 'GET',
    path: '/api/search',
    summary:
      'Releases and artifacts by words, product, version, digest or registration date, newest first: those of entries before or after an index',
    session: false,
    query: v.strictObject({
      q: v.optional(v.pipe(v.string(), v.maxLength(200))),
      product: v.optional(v.pipe(v.string(), v.maxLength(64))),
      version: v.optional(v.pipe(v.string(), v.maxLength(64))),
      digest: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{4,64}$/, '4 to 64 lower-case hex digits'))),
      from: v.optional(v.pipe(v.string(), v.isoDate())),
      to: v.optional(v.pipe(v.string(), v.isoDate())),
      before: v.optional(digits),
      after: v.optional(digits),
      limit,
    }),
    response: SearchResultSchema,
  },
  artifact: {
    method: 'GET',
    path: '/api/artifacts/:sha256',
    summary: 'Every release that names an artifact with this digest',
    session: false,
    params: v.strictObject({ sha256: DigestSchema }),
    response: ArtifactSchema,
  },
  artifactContent: {
    method: 'GET',
    path: '/api/artifacts/:sha256/content',
    summary: 'The bytes of an artifact, or a range of them',
    session: false,
    params: v.strictObject({ sha256: DigestSchema }),
    response: anyBytes,
  },
  body: {
    method: 'GET',
    path: '/api/bodies/:sha256',
    summary:
      'A public body (notes, SBOM, provenance, reason) that an admitted statement names, or a range of it',
    session: false,
    params: v.strictObject({ sha256: DigestSchema }),
    response: anyBytes,
  },
  artifactEvidence: {
    method: 'GET',
    path: '/api/evidence/artifacts/:sha256',
    summary:
      'Evidence about an artifact: newest release that names it unless product and version choose another, at the newest published root size unless rootSize names an earlier published one',
    session: false,
    params: v.strictObject({ sha256: DigestSchema }),
    query: v.strictObject({
      rootSize: v.optional(digits),
      product: v.optional(ProductNameSchema),
      version: v.optional(VersionSchema),
    }),
    response: evidenceType,
  },
  statementEvidence: {
    method: 'GET',
    path: '/api/evidence/statements/:digest',
    summary: 'Evidence about a statement, by payload digest; waits up to 30 s for its publication',
    session: false,
    params: v.strictObject({ digest: DigestSchema }),
    query: v.strictObject({ rootSize: v.optional(digits) }),
    response: evidenceType,
  },
  log: {
    method: 'GET',
    path: '/api/logs/:log',
    summary: 'A log: its key, size and published checkpoint',
    session: false,
    params: v.strictObject({ log: logName }),
    response: LogDetailSchema,
  },
  entries: {
    method: 'GET',
    path: '/api/logs/:log/entries',
    summary: 'Published entries, newest first: those before or after an index',
    session: false,
    params: v.strictObject({ log: logName }),
    query: v.strictObject({ before: v.optional(digits), after: v.optional(digits), limit }),
    response: v.strictObject({ size: SizeSchema, entries: v.array(LogEntrySchema) }),
  },
  entry: {
    method: 'GET',
    path: '/api/logs/:log/entries/:index',
    summary:
      'One published entry, decoded, with its inclusion proof at the newest published size or at `size`',
    session: false,
    params: v.strictObject({ log: logName, index: digits }),
    query: v.strictObject({ size: v.optional(digits) }),
    response: LogEntryDetailSchema,
  },
  consistency: {
    method: 'GET',
    path: '/api/logs/:log/consistency',
    summary: 'A consistency proof between two published sizes',
    session: false,
    params: v.strictObject({ log: logName }),
    query: v.strictObject({ from: digits, to: digits }),
    response: ConsistencySchema,
  },
  centres: {
    method: 'GET',
    path: '/api/centres',
    summary: 'The announced transparency centres: who runs them and where, and what each has cosigned',
    session: false,
    response: CentreListSchema,
  },
  commitments: {
    method: 'GET',
    path: '/api/commitments',
    summary:
      'The commitments and how each stands, in the order in which they were made: those after an index',
    session: false,
    query: v.strictObject({ after: v.optional(digits), limit }),
    response: CommitmentListSchema,
  },
  commitment: {
    method: 'GET',
    path: '/api/commitments/:id',
    summary: 'One commitment: its versions, its evidence, and how it stands',
    session: false,
    params: v.strictObject({ id: CommitmentIdSchema }),
    response: CommitmentDetailSchema,
  },
  organisations: {
    method: 'GET',
    path: '/api/organisations',
    summary: 'The organisations that review, in the order in which they were founded',
    session: false,
    query: v.strictObject({ after: v.optional(digits), limit }),
    response: OrganisationListSchema,
  },
  organisation: {
    method: 'GET',
    path: '/api/organisations/:id',
    summary: 'An organisation: its keys, who speaks for it, who accredits it',
    session: false,
    params: v.strictObject({ id: DigestSchema }),
    response: OrganisationDetailSchema,
  },
  engagements: {
    method: 'GET',
    path: '/api/engagements',
    summary:
      'The engagements and how each stands, in the order in which they were requested; how many there are in each state',
    session: false,
    query: v.strictObject({ after: v.optional(digits), organisation: v.optional(DigestSchema), limit }),
    response: EngagementListSchema,
  },
  engagement: {
    method: 'GET',
    path: '/api/engagements/:id',
    summary:
      'An engagement: what was asked for, decided and ended; its findings as counts, and in full those that everybody may know, by number: those after one',
    session: false,
    params: v.strictObject({ id: DigestSchema }),
    query: v.strictObject({ after: v.optional(digits), limit }),
    response: EngagementDetailSchema,
  },
  opinions: {
    method: 'GET',
    path: '/api/opinions',
    summary: 'The opinions and how each stands, in the order in which they were given',
    session: false,
    query: v.strictObject({
      after: v.optional(digits),
      product: v.optional(ProductNameSchema),
      release: v.optional(DigestSchema),
      limit,
    }),
    response: OpinionListSchema,
  },
  opinion: {
    method: 'GET',
    path: '/api/opinions/:id',
    summary: 'An opinion, and how it stands',
    session: false,
    params: v.strictObject({ id: DigestSchema }),
    response: OpinionDetailSchema,
  },
  events: {
    method: 'GET',
    path: '/api/events',
    summary: 'Events of the world that were recorded, newest entry first: those of entries before an index',
    session: false,
    query: v.strictObject({ before: v.optional(digits), limit }),
    response: EventListSchema,
  },
  promisesFeed: {
    method: 'GET',
    path: '/feeds/promises.atom',
    summary: 'Atom feed: promises made, amended, withdrawn, kept, overdue, lapsed',
    session: false,
    response: atomType,
  },
  productFeed: {
    method: 'GET',
    path: '/feeds/products/:product.atom',
    summary: 'Atom feed: every statement about a product, newest first: those of entries before an index',
    session: false,
    params: v.strictObject({ product: ProductNameSchema }),
    query: v.strictObject({ before: v.optional(digits) }),
    response: atomType,
  },
  keyFeed: {
    method: 'GET',
    path: '/feeds/keys/:keyid.atom',
    summary: 'Atom feed: every statement signed with a key, newest first: those of entries before an index',
    session: false,
    params: v.strictObject({ keyid: DigestSchema }),
    query: v.strictObject({ before: v.optional(digits) }),
    response: atomType,
  },
  notices: {
    method: 'GET',
    path: '/api/notices',
    summary: 'What everyone who reads here must know, and what this centre has seen of the others',
    session: false,
    response: NoticeListSchema,
  },
  forks: {
    method: 'GET',
    path: '/api/forks',
    summary: 'The proofs of misbehaviour that this centre keeps: two checkpoints of one log each',
    session: false,
    response: ForkListSchema,
  },
  fork: {
    method: 'GET',
    path: '/api/forks/:id',
    summary: 'The proof that a log signed two histories, as an evidence file',
    session: false,
    params: v.strictObject({ id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits')) }),
    response: evidenceType,
  },
  resolveFork: {
    method: 'POST',
    path: '/api/fork-resolutions',
    summary: 'Go on with one branch of a forked log: a statement signed by the root keys',
    session: false,
    body: v.strictObject({ envelope: EnvelopeTextSchema }),
    response: ResolvedForksSchema,
  },
  status: {
    method: 'GET',
    path: '/api/status',
    summary: 'How this centre is doing: its roles, logs and witnesses, what it follows, and what is amiss',
    session: false,
    response: CentreStatusSchema,
  },
  challenge: {
    method: 'POST',
    path: '/api/session/challenge',
    summary: 'A challenge to sign',
    session: false,
    body: v.strictObject({}),
    response: ChallengeSchema,
  },
  session: {
    method: 'POST',
    path: '/api/session',
    summary: 'Exchange a signed challenge for a session token',
    session: false,
    body: v.strictObject({ envelope: EnvelopeTextSchema }),
    response: SessionSchema,
  },
  openPublication: {
    method: 'POST',
    path: '/api/publications',
    summary: 'Begin, resume or find the publication of a release; idempotent by product and version',
    session: true,
    body: v.strictObject({
      product: ProductNameSchema,
      version: VersionSchema,
      snapshotSecret: DigestSchema,
    }),
    response: PublicationSchema,
  },
  missingObjects: {
    method: 'POST',
    path: '/api/publications/:id/missing',
    summary: 'Which of these objects were not yet sent for this product with this visibility',
    session: true,
    params: v.strictObject({ id: v.pipe(v.string(), v.uuid()) }),
    body: v.strictObject({
      visibility: VisibilitySchema,
      digests: v.pipe(v.array(DigestSchema), v.maxLength(MISSING_MAX_DIGESTS)),
    }),
    response: v.strictObject({ missing: v.array(DigestSchema) }),
  },
  putObjects: {
    method: 'POST',
    path: '/api/publications/:id/objects',
    summary: 'Store a stream of small objects',
    session: true,
    params: v.strictObject({ id: v.pipe(v.string(), v.uuid()) }),
    query: v.strictObject({ visibility: VisibilitySchema }),
    body: { mediaType: OBJECT_STREAM_TYPE },
    response: v.strictObject({ objects: SizeSchema, bytes: SizeSchema }),
  },
  upload: {
    method: 'GET',
    path: '/api/publications/:id/uploads/:sha256',
    summary: 'How much of a large object has arrived',
    session: true,
    params: v.strictObject({ id: v.pipe(v.string(), v.uuid()), sha256: DigestSchema }),
    query: v.strictObject({ visibility: VisibilitySchema, sizeBytes: digits }),
    response: UploadSchema,
  },
  continueUpload: {
    method: 'PUT',
    path: '/api/publications/:id/uploads/:sha256',
    summary: 'Send the rest of a large object from an offset',
    session: true,
    params: v.strictObject({ id: v.pipe(v.string(), v.uuid()), sha256: DigestSchema }),
    query: v.strictObject({ visibility: VisibilitySchema, sizeBytes: digits, offsetBytes: digits }),
    body: anyBytes,
    response: UploadSchema,
  },
  commitPublication: {
    method: 'POST',
    path: '/api/publications/:id/commit',
    summary: 'Register the signed release and artifact statements, all or none, once every object is durable',
    session: true,
    params: v.strictObject({ id: v.pipe(v.string(), v.uuid()) }),
    body: v.strictObject({
      envelopes: v.pipe(v.array(EnvelopeTextSchema), v.minLength(1), v.maxLength(10_001)),
    }),
    response: AcceptedSchema,
  },
  vaultPacks: {
    method: 'GET',
    path: '/api/vault/packs',
    summary: 'For centres: the encrypted packs of the vault, by ID: those after one',
    session: true,
    query: v.strictObject({ after: v.optional(PackIdSchema) }),
    response: PackListSchema,
  },
  vaultPack: {
    method: 'GET',
    path: '/api/vault/packs/:pack',
    summary: 'For centres: what a pack consists of, with the SHA-256 of every part',
    session: true,
    params: v.strictObject({ pack: PackIdSchema }),
    response: PackSchema,
  },
  vaultPackObjects: {
    method: 'GET',
    path: '/api/vault/packs/:pack/objects',
    summary: 'For centres: the ciphertext of a pack, or a range of it that reaches to its end',
    session: true,
    params: v.strictObject({ pack: PackIdSchema }),
    response: anyBytes,
  },
  vaultPackTable: {
    method: 'GET',
    path: '/api/vault/packs/:pack/table',
    summary: 'For centres: the table of a pack, encrypted to its identity',
    session: true,
    params: v.strictObject({ pack: PackIdSchema }),
    response: anyBytes,
  },
  vaultPackGrant: {
    method: 'GET',
    path: '/api/vault/packs/:pack/grants/:tag',
    summary: 'For centres: the identity of a pack, encrypted to one recipient',
    session: true,
    params: v.strictObject({ pack: PackIdSchema, tag: PackIdSchema }),
    response: anyBytes,
  },
  disposalList: {
    method: 'GET',
    path: '/api/vault/disposal-lists/:sha256',
    summary: 'For centres: the list of objects that a logged disposal ends',
    session: true,
    params: v.strictObject({ sha256: DigestSchema }),
    response: anyBytes,
  },
  registerStatements: {
    method: 'POST',
    path: '/api/statements',
    summary:
      'Register signed statements (withdrawals, disposals, key statements) with their bodies in base64, all or none',
    session: false,
    body: v.strictObject({
      log: v.picklist(['statements', 'keys']),
      envelopes: v.pipe(v.array(EnvelopeTextSchema), v.minLength(1), v.maxLength(64)),
      bodies: v.pipe(v.array(v.pipe(v.string(), v.maxLength(2_000_000))), v.maxLength(64)),
    }),
    response: AcceptedSchema,
  },
  submit: {
    method: 'POST',
    path: '/api/submissions',
    summary:
      'Say something at this centre: a signed statement of an intake log with the bodies that it names in base64, `body` or `bodies`, answered by a signed acceptance',
    session: false,
    body: v.strictObject({
      envelope: EnvelopeTextSchema,
      body: v.optional(bodyText),
      bodies: v.optional(v.pipe(v.array(bodyText), v.maxLength(2))),
    }),
    response: AcceptedStatementSchema,
  },
  submissions: {
    method: 'GET',
    path: '/api/submissions',
    summary: 'What was said to the vendor at any centre and is anchored in the root log, newest first',
    session: false,
    query: v.strictObject({ before: v.optional(digits), limit }),
    response: SubmissionListSchema,
  },
  submissionBody: {
    method: 'GET',
    path: '/api/submissions/:digest/body',
    summary:
      'The public body of a submission, or of another statement of an intake log, wherever it entered: every centre copies those of the others',
    session: false,
    params: v.strictObject({ digest: DigestSchema }),
    response: anyBytes,
  },
  addWatch: {
    method: 'POST',
    path: '/api/watches',
    summary:
      'Have an address told of anything signed with a key, about a product, or of the promises, once it has answered a challenge. The answer has the secret, once',
    session: false,
    body: v.strictObject({ url: WatchUrlSchema, watch: WatchedSchema }),
    response: NewWatchSchema,
    status: 201,
  },
  watch: {
    method: 'GET',
    path: '/api/watches/:id',
    summary: 'A watch: its state, the last delivery, and what fails',
    session: false,
    secret: true,
    params: v.strictObject({ id: WatchIdSchema }),
    response: WatchSchema,
  },
  confirmWatch: {
    method: 'POST',
    path: '/api/watches/:id/confirmation',
    summary:
      'Challenge the address of a watch, again; a suspended watch that answers goes on where it stopped',
    session: false,
    secret: true,
    params: v.strictObject({ id: WatchIdSchema }),
    body: v.strictObject({}),
    response: WatchSchema,
  },
  removeWatch: {
    method: 'DELETE',
    path: '/api/watches/:id',
    summary: 'End a watch, and forget it',
    session: false,
    secret: true,
    params: v.strictObject({ id: WatchIdSchema }),
    response: RemovedWatchSchema,
  },
  viewDigest: {
    method: 'GET',
    path: '/api/view-digest',
    summary: 'The digest of the view at the published root size, or at an earlier one; equal at every centre',
    session: false,
    query: v.strictObject({ rootSize: v.optional(digits) }),
    response: ViewDigestSchema,
  },
} as const satisfies Record<string, Route>;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
