/** /metrics (Prometheus text) and /healthz. */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ReplicationStatus } from '@vitrine/api';
import type { Logs } from '../log/log.ts';
import type { HistogramSnapshot, LogMetrics } from '../log/metrics.ts';
import type { VaultMetrics } from '../vault/vault.ts';
import type { FollowedStanding } from '../witnessing/followed-logs.ts';
import type { WitnessStanding } from '../witnessing/witness-pool.ts';
import type { WatchMetrics } from '../watches/metrics.ts';

const gauges: readonly (readonly [name: string, help: string, of: (metrics: LogMetrics) => number])[] = [
  ['size', 'Durable entries', (metrics) => metrics.size],
  ['published_size', 'Entries in the published checkpoint', (metrics) => metrics.publishedSize],
  ['queued_entries', 'Entries waiting for a batch', (metrics) => metrics.queuedEntries],
  ['queued_bytes', 'Bytes waiting for a batch', (metrics) => metrics.queuedBytes],
  ['unpublished_bytes', 'Bytes durable but not yet in tiles', (metrics) => metrics.unpublishedBytes],
  [
    'last_published_seconds',
    'Time of the last publication, seconds since 1970',
    (metrics) => metrics.lastPublishedAtMs / 1000,
  ],
  ['entries_added_total', 'Entries added since the start', (metrics) => metrics.entriesAdded],
  ['duplicates_total', 'Entries answered with an index they had already', (metrics) => metrics.duplicates],
  ['batches_total', 'Batches committed', (metrics) => metrics.batches],
  ['overloads_total', 'Groups refused because the queue was full', (metrics) => metrics.overloads],
  [
    'commit_failures_disk_full_total',
    'Commits that failed for want of space',
    (metrics) => metrics.commitFailures.diskFull,
  ],
  [
    'commit_failures_unknown_total',
    'Commits with an unknown outcome',
    (metrics) => metrics.commitFailures.unknownOutcome,
  ],
  ['publications_total', 'Checkpoints published', (metrics) => metrics.publications],
  ['publication_failures_total', 'Publications that failed', (metrics) => metrics.publicationFailures],
  ['writable', '1 while the log takes entries', (metrics) => (metrics.state === 'open' ? 1 : 0)],
];
const followedGauges: readonly (readonly [
  name: string,
  help: string,
  of: (standing: FollowedStanding) => number,
])[] = [
  ['size', 'Entries held of a log that another centre writes', ({ size }) => size],
  ['published_size', 'Entries shown of a log that another centre writes', (log) => log.publishedSize],
  [
    'last_verified_seconds',
    "When its server's newest checkpoint was last seen and held, seconds since 1970",
    ({ verifiedAtMs }) => (verifiedAtMs ?? 0) / 1000,
  ],
];
const witnessGauges: readonly (readonly [
  name: string,
  help: string,
  of: (standing: WitnessStanding) => number,
])[] = [
  [
    'last_cosigned_seconds',
    'Time in the newest cosignature of a witness that the writer asks, seconds since 1970',
    ({ lastCosignedAt }) => lastCosignedAt ?? 0,
  ],
  [
    'answering',
    '1 unless it did not cosign when it was asked last',
    ({ problem }) => (problem === null ? 1 : 0),
  ],
];
const watchGauges: readonly (readonly [name: string, help: string, of: (metrics: WatchMetrics) => number])[] =
  [
    [
      'deliveries_total',
      'Deliveries that receivers have taken since the start',
      (metrics) => metrics.deliveries,
    ],
    ['entries_total', 'Entries in these', (metrics) => metrics.entries],
    ['failures_total', 'Attempts at a delivery that failed since the start', (metrics) => metrics.failures],
    ['under_way', 'Deliveries under way', (metrics) => metrics.underWay],
    [
      'oldest_lag_seconds',
      'For how long the oldest delivery of an active watch has waited to be taken',
      (metrics) => metrics.oldestLagMs / 1000,
    ],
  ];
type ReplicatedPart = ReplicationStatus['objects'];

const replicationGauges: readonly (readonly [
  name: string,
  help: string,
  of: (part: ReplicatedPart) => number,
])[] = [
  ['copied', 'Public objects copied since the start, or packs held, of the writer', ({ copied }) => copied],
  ['bytes', 'Bytes of these', ({ bytes }) => bytes],
  ['failing', 'What is to be copied and could not be had so far', ({ failing }) => failing],
  [
    'last_done_seconds',
    'When the last round ended without a failure, seconds since 1970',
    ({ lastDoneAt }) => (lastDoneAt ?? 0) / 1000,
  ],
  ['ok', '1 unless the last round failed', ({ problem }) => (problem === null ? 1 : 0)],
];
const histograms: readonly (readonly [
  name: string,
  help: string,
  of: (metrics: LogMetrics) => HistogramSnapshot,
])[] = [
  ['append_seconds', 'From append to durable', (metrics) => metrics.appendSeconds],
  ['commit_seconds', 'Time of a commit', (metrics) => metrics.commitSeconds],
  ['publish_seconds', 'Time of a publication', (metrics) => metrics.publishSeconds],
];

export interface Observed {
  readonly logs: Logs;
  readonly followed: () => readonly FollowedStanding[];
  readonly witnesses: () => readonly WitnessStanding[];
  readonly vaultMetrics: () => VaultMetrics;
  /** Null while publications succeed, and at a follower. */
  readonly missingQuorum: () => { readonly waiting: number } | null;
  /** Null at the writer. */
  readonly replication: () => ReplicationStatus | null;
  /** The forks that this centre has proof of, and the logs that are frozen for them. */
  readonly forks: {
    readonly all: readonly { readonly resolvedAtMs: number | null }[];
    readonly frozen: readonly string[];
  };
  /** Entries of the root log that the projections have folded. */
  readonly projectedSize: () => number;
  readonly watchMetrics: () => WatchMetrics;
}

/** prom-client has no way to set a histogram, so the log's own are written here in the text format (Prometheus exposition format 0.0.4). */
function histogramText(logs: Logs): string {
  const lines: string[] = [];
  for (const [name, help, of] of histograms) {
    lines.push(`# HELP vitrine_log_${name} ${help}`, `# TYPE vitrine_log_${name} histogram`);
    for (const log of logs.names) {
      const { bounds, counts, sum, count } = of(logs.get(log).metrics());
      bounds.forEach((bound, bucket) =>
        lines.push(`vitrine_log_${name}_bucket{log="${log}",le="${bound}"} ${counts[bucket] ?? 0}`),
      );
      lines.push(
        `vitrine_log_${name}_bucket{log="${log}",le="+Inf"} ${count}`,
        `vitrine_log_${name}_sum{log="${log}"} ${sum}`,
        `vitrine_log_${name}_count{log="${log}"} ${count}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Adds GET /metrics and GET /healthz. */
export function addObservability(app: FastifyInstance, observed: Observed): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [name, help, of] of gauges) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_log_${name}`,
      help,
      labelNames: ['log'],
      registers: [registry],
      collect: () => {
        for (const log of observed.logs.names) gauge.set({ log }, of(observed.logs.get(log).metrics()));
      },
    });
  }
  for (const name of ['objects', 'packs'] as const) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_vault_${name}`,
      help: `${name} in the vault`,
      registers: [registry],
      collect: () => gauge.set(observed.vaultMetrics()[name]),
    });
  }
  for (const [name, help, of] of followedGauges) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_followed_${name}`,
      help,
      labelNames: ['origin'],
      registers: [registry],
      collect: () => {
        for (const log of observed.followed()) gauge.set({ origin: log.origin }, of(log));
      },
    });
  }
  for (const [name, help, of] of witnessGauges) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_witness_${name}`,
      help,
      labelNames: ['witness'],
      registers: [registry],
      collect: () => {
        for (const witness of observed.witnesses()) gauge.set({ witness: witness.name }, of(witness));
      },
    });
  }
  const quorumMissing: Gauge = new Gauge({
    name: 'vitrine_quorum_missing',
    help: '1 while nothing is published because too few cosign',
    registers: [registry],
    collect: () => quorumMissing.set(observed.missingQuorum() === null ? 0 : 1),
  });
  const waitingEntries: Gauge = new Gauge({
    name: 'vitrine_waiting_entries',
    help: 'Entries of the root log that are durable and wait for cosignatures',
    registers: [registry],
    collect: () => waitingEntries.set(observed.missingQuorum()?.waiting ?? 0),
  });
  for (const [name, help, of] of replicationGauges) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_replication_${name}`,
      help,
      labelNames: ['part'],
      registers: [registry],
      collect: () => {
        const { objects, packs = null } = observed.replication() ?? {};
        for (const [part, state] of Object.entries({ objects, packs: packs ?? undefined }))
          if (state !== undefined) gauge.set({ part }, of(state));
      },
    });
  }
  const forksKnown: Gauge = new Gauge({
    name: 'vitrine_forks_known',
    help: 'Proofs of misbehaviour that this centre keeps, by whether the root keys have resolved the fork',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      const resolved = observed.forks.all.filter(({ resolvedAtMs }) => resolvedAtMs !== null).length;
      forksKnown.set({ state: 'resolved' }, resolved);
      forksKnown.set({ state: 'open' }, observed.forks.all.length - resolved);
    },
  });
  const frozenLogs: Gauge = new Gauge({
    name: 'vitrine_frozen_logs',
    help: 'Logs of which nothing is signed, cosigned or published here, for they have signed two histories',
    registers: [registry],
    collect: () => frozenLogs.set(observed.forks.frozen.length),
  });
  for (const [name, help, of] of watchGauges) {
    const gauge: Gauge = new Gauge({
      name: `vitrine_watches_${name}`,
      help,
      registers: [registry],
      collect: () => gauge.set(of(observed.watchMetrics())),
    });
  }
  const watches: Gauge = new Gauge({
    name: 'vitrine_watches',
    help: 'Watches, by state',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      for (const [state, count] of Object.entries(observed.watchMetrics().states))
        watches.set({ state }, count);
    },
  });
  const projected: Gauge = new Gauge({
    name: 'vitrine_projected_size',
    help: 'Entries of the root log that the pages show',
    registers: [registry],
    collect: () => projected.set(observed.projectedSize()),
  });

  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send((await registry.metrics()) + histogramText(observed.logs)),
  );
  app.get('/healthz', async (_request, reply) => {
    const stopped = observed.logs.names.filter((name) => observed.logs.get(name).state !== 'open');
    const text =
      stopped.length === 0
        ? 'ok\n'
        : stopped.map((name) => `log ${name}: ${observed.logs.get(name).state}\n`).join('');
    return reply
      .status(stopped.length === 0 ? 200 : 503)
      .header('cache-control', 'no-store')
      .type('text/plain; charset=utf-8')
      .send(text);
  });
}
