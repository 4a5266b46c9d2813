/**
 * The announcement of 23 October 2017 and what was recorded after it: every fact with the date that its source gives, and no other.
 *
 * What is told here is told as the sources tell it. Whether a promise was kept is not decided here: each promise says what would show it,
 * in its own words, and an event counts only where its source says that very thing. What merely resembles it stands in the log beside
 * it, for readers to weigh. Where nothing was recorded the pages say “no evidence recorded here”, which is not “broken”.
 */
import type { CommitmentBody, EventBody } from '@vitrine/commitments';
import { EVENT_TYPE } from '@vitrine/statements';
import type { CommitmentAcceptance, Due } from '@vitrine/statements';

interface RecordedPromise {
  readonly id: string;
  readonly due: Due;
  readonly acceptance: CommitmentAcceptance;
  readonly body: CommitmentBody;
}

interface RecordedEvent {
  /** When the log takes it: on its day, or at the end of the period when no day was recorded. */
  readonly loggedOn: string;
  /** As precise as its source. */
  readonly happened: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;
  readonly body: EventBody;
}

export const ANNOUNCED = '2017-10-23';

const BY = 'Kaspersky Lab';
const ANNOUNCEMENT = {
  title: 'IT-Online, 23 October 2017, on the announcement of the Global Transparency Initiative',
  url: 'https://it-online.co.za/2017/10/23/kaspersky-opens-code-to-third-party-review/',
};
const STATUS_UPDATES = {
  title: 'The company’s status updates on its Global Transparency Initiative',
  url: 'https://www.kaspersky.com/blog/transparency-status-updates/23637/',
};
const STATUS_PAGE = {
  title: 'The company’s page on its Global Transparency Initiative',
  url: 'https://www.kaspersky.com/transparency-center',
};
const TECHZINE = {
  title: 'Techzine, June 2023',
  url: 'https://www.techzine.nl/blogs/security/526009/een-rondleiding-door-het-transparency-center-van-kaspersky-in-zurich/',
};

const UTC = '+00:00';

/** One requirement: an event of one of these kinds, with these facts. */
function event(
  words: string,
  kinds: readonly string[],
  facts: Readonly<Record<string, string>> = {},
): CommitmentAcceptance['all'][number] {
  const properties = {
    kind: { enum: [...kinds] },
    ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, { const: value }])),
  };
  return {
    count: 1,
    evidence: [
      {
        by: 'anyone',
        schema: { properties, required: ['kind', ...Object.keys(facts)], type: 'object' },
        type: EVENT_TYPE,
      },
    ],
    words,
  };
}

export const promises: readonly RecordedPromise[] = [
  {
    id: 'source-review',
    due: { period: '2018-Q1', precision: 'period', utcOffset: UTC },
    acceptance: {
      all: [event('an independent review of its source code', ['source-code-review'])],
    },
    body: {
      by: BY,
      sources: [ANNOUNCEMENT],
      text: 'An independent review of its source code by “an internationally recognized authority”, in the first quarter of 2018.',
      title: 'An independent review of its source code',
      to: 'the public',
    },
  },
  {
    id: 'process-review',
    due: { precision: 'none' },
    acceptance: {
      all: [event('an independent review of its internal processes', ['internal-process-review'])],
    },
    body: {
      by: BY,
      sources: [ANNOUNCEMENT],
      text: 'An independent review of its internal processes, to determine their integrity.\n\nIt was announced “along with” the review of the source code, with no date of its own.',
      title: 'An independent review of its internal processes',
      to: 'the public',
    },
  },
  {
    id: 'three-centers',
    due: { from: '2018', precision: 'between', to: '2020', utcOffset: UTC },
    acceptance: {
      all: [
        event('a center in the US', ['center-opened', 'center-operating'], { country: 'US' }),
        event('a center in Europe', ['center-opened', 'center-operating'], { region: 'Europe' }),
        event('a center in Asia', ['center-opened', 'center-operating'], { region: 'Asia' }),
      ],
    },
    body: {
      by: BY,
      sources: [ANNOUNCEMENT],
      text: 'Three “transparency centers”, in the US, Europe and Asia, where clients and governments review its code and the rules it uses to detect threats, open between 2018 and 2020.',
      title: 'Three transparency centers, in the US, Europe and Asia',
      to: 'clients and governments',
    },
  },
  {
    id: 'bounty',
    due: { precision: 'none' },
    acceptance: {
      all: [event('the bounty of up to $100K is in force', ['bounty-increased'])],
    },
    body: {
      by: BY,
      sources: [ANNOUNCEMENT],
      text: 'The bounty for flaws in its main products increased to up to $100K per discovered vulnerability (before: $300 to $5,000).\n\nNo date was given.',
      title: 'A bounty of up to $100K per discovered vulnerability',
      to: 'security researchers',
    },
  },
  {
    id: 'data-controls',
    due: { period: '2018-Q1', precision: 'period', utcOffset: UTC },
    acceptance: {
      all: [
        event('an independent party attests to controls over its data processing', [
          'data-processing-controls-attested',
        ]),
      ],
    },
    body: {
      by: BY,
      sources: [ANNOUNCEMENT],
      text: 'Additional controls to govern its data-processing practices, in coordination with an independent party that can attest to compliance, by Q1 2018.',
      title: 'Additional controls over its data processing, attested by an independent party',
      to: 'the public',
    },
  },
];

export const events: readonly RecordedEvent[] = [
  {
    loggedOn: '2018-03-01',
    happened: '2018-03-01',
    kind: 'bounty-increased',
    data: { maximumUsd: 100_000 },
    body: {
      sources: [STATUS_UPDATES],
      text: 'From 1 March 2018 the bounty is up to $100K.',
      title: 'Bounty of up to $100K in force',
    },
  },
  {
    loggedOn: '2018-11-13',
    happened: '2018-11-13',
    kind: 'center-opened',
    data: { city: 'Zurich', country: 'CH', region: 'Europe' },
    body: {
      sources: [STATUS_UPDATES],
      text: 'A European center, in Zurich, was opened on 13 November 2018.',
      title: 'A European center opened in Zurich',
    },
  },
  {
    loggedOn: '2018-11-13',
    happened: '2018-11-13',
    kind: 'audit-contracted',
    data: {},
    body: {
      sources: [STATUS_UPDATES],
      text: 'An audit by an accounting firm was contracted, 13 November 2018.',
      title: 'An audit by an accounting firm contracted',
    },
  },
  {
    loggedOn: '2018-11-13',
    happened: '2018-11-13',
    kind: 'data-move-begun',
    data: { country: 'CH' },
    body: {
      sources: [STATUS_UPDATES],
      text: 'The move of data processing to Switzerland was begun, 13 November 2018.',
      title: 'The move of data processing to Switzerland begun',
    },
  },
  {
    loggedOn: '2019-12-31',
    happened: '2019',
    kind: 'soc2-type1-report',
    data: {},
    body: {
      sources: [STATUS_PAGE],
      text: 'The first SOC 2 Type 1 report, 2019. No day is recorded: the log has it since the end of the year.',
      title: 'First SOC 2 Type 1 report',
    },
  },
  {
    loggedOn: '2020-12-31',
    happened: '2020',
    kind: 'center-operating',
    data: { city: 'Kuala Lumpur', country: 'MY', region: 'Asia' },
    body: {
      sources: [STATUS_UPDATES],
      text: 'An Asian center, in Kuala Lumpur, announced for 2019, was operating in 2020. No day is recorded: the log has it since the end of the year.',
      title: 'An Asian center operating in Kuala Lumpur',
    },
  },
  {
    loggedOn: '2022-06-30',
    happened: '2022-06',
    kind: 'center-announced',
    data: { city: 'Woburn', country: 'US', insteadOf: 'CA', region: 'North America' },
    body: {
      sources: [STATUS_UPDATES, STATUS_PAGE],
      text: 'A North American center, in Canada, had been announced for early 2021: neither the day of that announcement nor an opening is recorded. A center in the US, in Woburn, was announced in June 2022 instead. An opening is not recorded.',
      title: 'A center in Woburn, US, announced instead of one in Canada for early 2021',
    },
  },
  {
    loggedOn: '2023-05-31',
    happened: '2023-05',
    kind: 'soc2-type2-report',
    data: { periodFrom: '2022-12', periodTo: '2023-05' },
    body: {
      sources: [STATUS_PAGE],
      text: 'SOC 2 Type 2 over December 2022 to May 2023, and yearly after. The day of the report is not recorded: it is dated by the last month that it covers.',
      title: 'SOC 2 Type 2 over December 2022 to May 2023',
    },
  },
  {
    loggedOn: '2023-06-30',
    happened: '2023-06',
    kind: 'visits-counted',
    data: { visitors: 57 },
    body: {
      sources: [TECHZINE],
      text: '57 companies and officials had visited by June 2023.',
      title: '57 companies and officials had visited',
    },
  },
];
