/** HTTP: what everyone must know, the proofs of forks, and the statements that end them. */
import type { Fork, Notice } from '@vitrine/api';
import {
  advanceKeys,
  FORK_RESOLUTION_TYPE,
  type ForkResolutionPredicate,
  formatLeaf,
  type KeysState,
  parseStatementEnvelope,
  StatementError,
} from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { EVIDENCE_EXTENSION } from '@vitrine/verifier';
import { parseForkEvidence } from '@vitrine/verifier/fork';
import { CentreError } from '../error.ts';
import { verifyWithNode } from '../identity/verify.ts';
import type { Router } from '../router.ts';
import type { KnownFork } from './fork-register.ts';
import { textDigestOf } from './log-checkpoint.ts';
import { evidencePath, type Monitor } from './monitor.ts';

export interface MonitorRoutesOptions {
  readonly monitor: Monitor;
  /** The C2SP vkey of a log that is held here. */
  readonly vkeyOf: (origin: string) => string | undefined;
  /** All that a reader here must know, whoever found it. */
  readonly notices: () => readonly Notice[];
  readonly nowMs: () => number;
}

export function addMonitorRoutes(
  router: Router,
  { monitor, notices, nowMs, vkeyOf }: MonitorRoutesOptions,
): void {
  router.on('notices', () =>
    Promise.resolve({
      notices: [...notices()],
      centres: monitor.seen.map((seen) => ({ ...seen, verified: [...seen.verified] })),
    }),
  );
  router.on('forks', () =>
    Promise.resolve({ forks: monitor.forks.map((fork) => describeFork(fork, vkeyOf(fork.origin))) }),
  );
  router.on('fork', ({ params }) => {
    const fork = monitor.forks.find(({ id }) => id === params.id);
    if (fork === undefined)
      return Promise.reject(new CentreError('not-found', `This centre knows no fork ${params.id}.`));
    return Promise.resolve({ bytes: fork.evidence, fileName: `fork-${fork.id}${EVIDENCE_EXTENSION}` });
  });
  router.on('resolveFork', async ({ body }) => {
    const resolution = readResolution(body.envelope, await monitor.keysState(), nowMs());
    return { forks: [...(await monitor.resolve(resolution))] };
  });
}

function describeFork(known: KnownFork, vkey: string | undefined): Fork {
  const { evidence, foundAtMs, foundBy, held, id, origin, resolvedAtMs } = known;
  const { checkpoints, claimed } = parseForkEvidence(evidence);
  const describe = (at: 0 | 1): Fork['checkpoints'][number] => ({
    note: checkpoints[at],
    size: claimed[at].treeSize,
    root: encodeHex(claimed[at].root),
    held: textDigestOf(checkpoints[at]) === held,
  });
  return {
    id,
    origin,
    vkey: vkey ?? null,
    foundAtMs,
    foundBy,
    frozen: resolvedAtMs === null,
    resolvedAtMs,
    checkpoints: [describe(0), describe(1)],
    evidence: evidencePath(id),
  };
}

/**
 * A resolution that the root keys of the keys log, as it is held here, have signed.
 *
 * @throws CentreError `malformed-envelope`, `statement-refused`
 */
function readResolution(text: string, keys: KeysState, nowMs: number): ForkResolutionPredicate {
  const envelope = new TextEncoder().encode(text);
  try {
    const { statement } = parseStatementEnvelope(envelope);
    if (statement.predicateType !== FORK_RESOLUTION_TYPE)
      throw new CentreError('statement-refused', `it is no ${FORK_RESOLUTION_TYPE}`, {
        pointer: '/body/envelope',
      });
    const registeredAtMs = Math.max(nowMs, keys.lastRegisteredAtMs);
    const { entry } = advanceKeys(keys, formatLeaf({ registeredAtMs, envelope }), verifyWithNode);
    if (!entry.counts)
      throw new CentreError('statement-refused', `${entry.reason} (${entry.code})`, {
        pointer: '/body/envelope',
      });
    return statement.predicate;
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new CentreError('malformed-envelope', `${cause.message} (${cause.code})`, {
      cause,
      pointer: '/body/envelope',
    });
  }
}
