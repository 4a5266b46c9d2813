/**
 * How fast all commitments are recomputed: folds many of them and many evidence documents, then judges each at one time. Beside it the same
 * by trying every requirement on every document, measured on a part of the documents.
 *
 *   node --conditions=@vitrine/source bench/commitments.ts [commitments] [documents]
 */
import {
  CommitmentsFold,
  counts,
  documentOf,
  type EvidenceDocument,
  parseAcceptance,
  stateAt,
  type Told,
} from '@vitrine/commitments';
import {
  type CommitmentAcceptance,
  commitmentStatement,
  EVENT_TYPE,
  eventStatement,
  type RootStatement,
} from '@vitrine/statements';
import { report } from './figure.ts';

const commitments = Number(process.argv[2] ?? 10_000);
const documents = Number(process.argv[3] ?? 1_000_000);
const command = `node --conditions=@vitrine/source bench/commitments.ts ${commitments} ${documents}`;

const log = 'bench.example/statements';
const digest = 'ab'.repeat(32);
const startMs = Date.UTC(2026, 0, 1);
const regions = ['Africa', 'Asia', 'Europe'];
const topics = Math.ceil(commitments / regions.length);
const kinds = Array.from({ length: topics }, (_, topic) => `kind-${topic}`);
/** A tenth of the commitments are about a product. */
const products = kinds.map((_, topic) => (topic % 10 === 0 ? `product-${topic}` : undefined));
const cities = Array.from({ length: 11 }, (_, i) => `city-${i}`);

function acceptanceOf(topic: number, region: string): CommitmentAcceptance {
  const schema = {
    properties: { kind: { const: kinds[topic] ?? '' }, region: { enum: [region] }, size: { minimum: 10 } },
    required: ['kind', 'region', 'size'],
  };
  return {
    all: [
      {
        count: 3,
        distinctBy: '/city',
        evidence: [{ by: 'vendor', schema, type: EVENT_TYPE }],
        words: 'three cities',
      },
    ],
  };
}

let leafIndex = 0;
function told(statement: RootStatement, payloadDigest: string): Told {
  const entry = { origin: log, leafIndex: leafIndex++ };
  return { statement, payloadDigest, registeredAtMs: startMs + leafIndex, signers: [digest], entry };
}

const promises = Array.from({ length: commitments }, (_, i) => {
  const topic = i % topics;
  const product = products[topic];
  return told(
    commitmentStatement({
      acceptance: acceptanceOf(topic, regions[Math.floor(i / topics)] ?? ''),
      body: { digest },
      due: { period: '2026-Q2', precision: 'period', utcOffset: '+00:00' },
      id: `promise-${i}`,
      log,
      ...(product === undefined ? {} : { product }),
    }),
    i.toString(16).padStart(64, '0'),
  );
});

const evidence: EvidenceDocument[] = Array.from({ length: documents }, (_, i) => {
  const topic = (i * 7919) % topics;
  const product = products[topic];
  return documentOf(
    told(
      eventStatement({
        body: { digest },
        data: { city: cities[i % 11] ?? '', region: regions[i % 3] ?? '', size: i % 20 },
        happened: '2026-01-01',
        kind: kinds[topic] ?? '',
        log,
        ...(product === undefined ? {} : { product }),
      }),
      i.toString(16).padStart(64, '1'),
    ),
  );
});

const asOfMs = Date.UTC(2026, 6, 1);
const started = performance.now();
const startedCpu = process.threadCpuUsage();
const fold = new CommitmentsFold();
for (const promise of promises) {
  const refusal = fold.say(promise);
  if (refusal !== undefined) throw new Error(refusal.reason);
}
for (const document of evidence) fold.take(document);
const states = new Map<string, number>();
for (const facts of fold.commitments.values()) {
  const state = stateAt(facts, asOfMs)?.state ?? 'none';
  states.set(state, (states.get(state) ?? 0) + 1);
}
const elapsed = (performance.now() - started) / 1000;
const { system, user } = process.threadCpuUsage(startedCpu);
const cpu = `${((user + system) / 1e6).toFixed(2)} s of processor time`;
console.error(`${JSON.stringify(Object.fromEntries(states))} in ${elapsed.toFixed(2)} s, ${cpu}`);
if ((states.get('kept') ?? 0) < commitments / 2)
  throw new Error('the evidence keeps too few promises to show anything');

const requirements = promises.flatMap(({ statement }) =>
  'acceptance' in statement.predicate ? parseAcceptance(statement.predicate.acceptance) : [],
);
const part = evidence.slice(0, Math.ceil(2_000_000 / commitments));
const tried = performance.now();
let found = 0;
for (const document of part)
  for (const requirement of requirements) if (counts(document, requirement)) found += 1;
const allSeconds = ((performance.now() - tried) / 1000) * (documents / part.length);
console.error(
  `each requirement on each document (${found} found in ${part.length}): ${allSeconds.toFixed(0)} s for all`,
);

report({
  name: `${commitments} commitments over ${documents} documents, folded and judged`,
  value: Number(elapsed.toFixed(3)),
  unit: 's',
  peer: 'every requirement tried on every document, from a part',
  peerValue: Number(allSeconds.toFixed(1)),
  ratio: allSeconds / elapsed,
  command,
});
