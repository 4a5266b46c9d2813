/** Reviews as they travel: what everybody may know of organisations, engagements and opinions. Digests of bodies are names; `submissionBody` gives those that are public. */
import * as v from 'valibot';
import { DigestSchema, SizeSchema, TimeMsSchema } from './schemas.ts';

/** The view: so many entries of the root log, as of the time at which their checkpoint was published, or the newest of them registered. */
const view = { rootSize: SizeSchema, asOfMs: TimeMsSchema };

const period = v.strictObject({ from: TimeMsSchema, until: TimeMsSchema });

/** Who said it, where it stands in which intake log, and when the root log anchored it. */
const said = {
  by: DigestSchema,
  entry: v.strictObject({ origin: v.string(), leafIndex: SizeSchema }),
  atMs: TimeMsSchema,
};

const bodySchema = v.strictObject({ access: v.picklist(['parties', 'public']), digest: DigestSchema });

export const AccreditationSchema = v.strictObject({
  /** Payload digest of the statement. */
  digest: DigestSchema,
  ...said,
  scheme: v.string(),
  period,
  body: DigestSchema,
  /** Whether it holds at the time of the view. */
  holds: v.boolean(),
  ended: v.nullable(v.strictObject({ atMs: TimeMsSchema, reason: DigestSchema })),
});

export const OrganisationSummarySchema = v.strictObject({
  /** The keyid of its first key. */
  id: DigestSchema,
  version: SizeSchema,
  /** Digest of the public body that says who it is. */
  body: DigestSchema,
  /** When it was founded. */
  atMs: TimeMsSchema,
  entry: said.entry,
  /** How many people speak for it now. */
  people: SizeSchema,
  /** The schemes under which it is accredited now. */
  schemes: v.array(v.string()),
});

export const OrganisationSchema = v.strictObject({
  ...OrganisationSummarySchema.entries,
  /** The keyid of the key that speaks for it now. */
  key: DigestSchema,
  formerKeys: v.array(DigestSchema),
  /** People are key IDs: names are in no log. */
  members: v.array(
    v.strictObject({
      keyid: DigestSchema,
      kind: v.picklist(['key', 'passkey']),
      roles: v.array(v.string()),
      fromMs: TimeMsSchema,
      ended: v.nullable(
        v.strictObject({ atMs: TimeMsSchema, reason: v.string(), by: v.nullable(DigestSchema) }),
      ),
    }),
  ),
  accreditations: v.array(AccreditationSchema),
});

/** In the order in which they were founded. `next` is the `after` of the following page, null on the last. */
export const OrganisationListSchema = v.strictObject({
  ...view,
  count: SizeSchema,
  organisations: v.array(OrganisationSummarySchema),
  next: v.nullable(SizeSchema),
});
export const OrganisationDetailSchema = v.strictObject({ ...view, organisation: OrganisationSchema });

export const EngagementStateSchema = v.picklist([
  'requested',
  'granted',
  'denied',
  'accepted',
  'open',
  'over',
  'finished',
  'withdrawn',
  'revoked',
]);

export const DecisionSchema = v.strictObject({
  digest: DigestSchema,
  ...said,
  decision: v.picklist(['granted', 'denied', 'revoked']),
  /** Of the public body with the reason; null of a grant. */
  reason: v.nullable(DigestSchema),
  /** Of a grant. `terms`: digest of a public body; `detail`: how much of what is read the vendor sees. */
  grant: v.nullable(
    v.strictObject({
      detail: v.picklist(['counts', 'files', 'lines']),
      people: v.array(DigestSchema),
      period,
      releases: v.array(DigestSchema),
      terms: DigestSchema,
    }),
  ),
});

export const EngagementSummarySchema = v.strictObject({
  /** Payload digest of the request. */
  id: DigestSchema,
  ...said,
  organisation: DigestSchema,
  kind: v.picklist(['controls', 'process', 'rules', 'source', 'update']),
  product: v.nullable(v.string()),
  /** Where it is to take place. */
  centre: v.string(),
  period,
  releases: v.array(DigestSchema),
  state: EngagementStateSchema,
  /** The vendor's last word. */
  decision: v.nullable(DecisionSchema),
  /** The organisation's. */
  end: v.nullable(
    v.strictObject({
      ...said,
      outcome: v.picklist(['finished', 'withdrawn']),
      reason: v.nullable(DigestSchema),
    }),
  ),
});

/** How many there are in each state at the time of the view. */
const states = v.strictObject({
  requested: SizeSchema,
  granted: SizeSchema,
  denied: SizeSchema,
  accepted: SizeSchema,
  open: SizeSchema,
  over: SizeSchema,
  finished: SizeSchema,
  withdrawn: SizeSchema,
  revoked: SizeSchema,
});

/** In the order in which they were requested. `count` and `states`: of all pages. `next` is the `after` of the following page, null on the last. */
export const EngagementListSchema = v.strictObject({
  ...view,
  count: SizeSchema,
  states,
  engagements: v.array(EngagementSummarySchema),
  next: v.nullable(SizeSchema),
});

export const FindingStateSchema = v.picklist([
  'open',
  'responded',
  'planned',
  'remediated',
  'risk-accepted',
  'closed',
]);
const grade = v.picklist(['critical', 'high', 'information', 'low', 'major', 'medium', 'minor']);

/** A finding that everybody may know. */
export const PublicFindingSchema = v.strictObject({
  /** Payload digest of its first wording. */
  id: DigestSchema,
  number: SizeSchema,
  state: FindingStateSchema,
  publicFromMs: TimeMsSchema,
  /** The last is in force; the others stay. */
  wordings: v.array(
    v.strictObject({
      digest: DigestSchema,
      ...said,
      grade,
      body: bodySchema,
      release: v.nullable(DigestSchema),
      cvss: v.nullable(v.strictObject({ scoreTenths: SizeSchema, vector: v.string() })),
    }),
  ),
  responses: v.array(
    v.strictObject({
      digest: DigestSchema,
      ...said,
      status: v.picklist(['responded', 'planned', 'remediated', 'risk-accepted']),
      body: bodySchema,
      due: v.nullable(TimeMsSchema),
      release: v.nullable(DigestSchema),
    }),
  ),
  retests: v.array(
    v.strictObject({
      digest: DigestSchema,
      ...said,
      result: v.picklist(['closed', 'still-open']),
      body: bodySchema,
      release: v.nullable(DigestSchema),
    }),
  ),
});

export const EngagementSchema = v.strictObject({
  ...EngagementSummarySchema.entries,
  body: bodySchema,
  criteria: v.array(DigestSchema),
  people: v.array(DigestSchema),
  secondPartner: v.boolean(),
  /** In the order in which they were said. */
  decisions: v.array(DecisionSchema),
  acceptance: v.nullable(v.strictObject({ ...said, decision: DigestSchema })),
  findings: v.strictObject({
    count: SizeSchema,
    /** How many there are of each grade in each state. */
    counts: v.array(v.strictObject({ grade, state: FindingStateSchema, count: SizeSchema })),
    /** Those that everybody may know, by number. */
    public: v.array(PublicFindingSchema),
    /** The `after` of the following page of public ones, null on the last. */
    next: v.nullable(SizeSchema),
  }),
  /** How much else was said. */
  said: v.strictObject({
    evidenceRequests: SizeSchema,
    evidenceAnswers: SizeSchema,
    procedures: SizeSchema,
    managementStatements: SizeSchema,
    readings: SizeSchema,
  }),
  /** Payload digests. */
  opinions: v.array(DigestSchema),
});
export const EngagementDetailSchema = v.strictObject({ ...view, engagement: EngagementSchema });

export const OpinionSchema = v.strictObject({
  /** Its payload digest. */
  id: DigestSchema,
  ...said,
  engagement: DigestSchema,
  organisation: DigestSchema,
  /** `expired` from `expires` on, without anybody doing anything. */
  state: v.picklist(['current', 'expired', 'withdrawn']),
  kind: EngagementSummarySchema.entries.kind,
  product: v.nullable(v.string()),
  releases: v.array(DigestSchema),
  assurance: v.picklist(['limited', 'reasonable']),
  conclusion: v.picklist(['adverse', 'disclaimer', 'qualified', 'unqualified']),
  exceptions: SizeSchema,
  type: v.nullable(v.picklist([1, 2])),
  period,
  expires: TimeMsSchema,
  criteria: v.array(DigestSchema),
  /** Payload digests of the wordings that it names. */
  findings: v.array(DigestSchema),
  coverage: v.nullable(
    v.strictObject({
      bytesInScope: SizeSchema,
      bytesShown: SizeSchema,
      readings: v.array(DigestSchema),
    }),
  ),
  /** Payload digest of the management's assertion. */
  assertion: v.nullable(DigestSchema),
  /** Of the report, a public body. */
  body: DigestSchema,
  /** Of what is for the parties alone. */
  annex: v.nullable(DigestSchema),
  /** keyid of the second partner who signed. */
  partner: v.nullable(DigestSchema),
  /** By the organisation's own key, or by a person's on the centre's page. */
  signedBy: v.picklist(['organisation', 'person']),
  /** Whether access was granted, and its terms accepted, when it was given. */
  hadAccess: v.boolean(),
  /** Whether its organisation was accredited when it was given, and is now. */
  accreditedThen: v.boolean(),
  accreditedNow: v.boolean(),
  /** Whether it is the vendor's own: signed with a key of its keys log, or given by an organisation that is the vendor's. */
  byVendor: v.boolean(),
  withdrawal: v.nullable(v.strictObject({ atMs: TimeMsSchema, reason: DigestSchema, entry: said.entry })),
});

/** In the order in which they were given. `count`: of all pages. `next` is the `after` of the following page, null on the last. */
export const OpinionListSchema = v.strictObject({
  ...view,
  count: SizeSchema,
  opinions: v.array(OpinionSchema),
  next: v.nullable(SizeSchema),
});
export const OpinionDetailSchema = v.strictObject({ ...view, opinion: OpinionSchema });

export type OrganisationSummary = v.InferOutput<typeof OrganisationSummarySchema>;
export type OrganisationDetail = v.InferOutput<typeof OrganisationDetailSchema>;
export type OrganisationList = v.InferOutput<typeof OrganisationListSchema>;
export type EngagementSummary = v.InferOutput<typeof EngagementSummarySchema>;
export type EngagementDetail = v.InferOutput<typeof EngagementDetailSchema>;
export type EngagementList = v.InferOutput<typeof EngagementListSchema>;
export type PublicFinding = v.InferOutput<typeof PublicFindingSchema>;
export type OpinionDetail = v.InferOutput<typeof OpinionDetailSchema>;
export type OpinionList = v.InferOutput<typeof OpinionListSchema>;
