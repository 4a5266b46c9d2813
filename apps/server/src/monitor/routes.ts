/** HTTP: what everyone must know, the proofs of forks, and the statements that end them. */
import type { Notice } from '@vitrine/api';
import {
  advanceKeys,
  FORK_RESOLUTION_TYPE,
  type ForkResolutionPredicate,
  formatLeaf,
  type KeysState,
  parseStatementEnvelope,
  StatementError,
} from '@vitrine/statements';
import { EVIDENCE_EXTENSION } from '@vitrine/verifier';
import { CentreError } from '../error.ts';
import { verifyWithNode } from '../identity/verify.ts';
import type { Router } from '../router.ts';
import type { Monitor } from './monitor.ts';

export interface MonitorRoutesOptions {
  readonly monitor: Monitor;
  /** All that a reader here must know, whoever found it. */
  readonly notices: () => readonly Notice[];
  readonly nowMs: () => number;
}

export function addMonitorRoutes(router: Router, { monitor, notices, nowMs }: MonitorRoutesOptions): void {
  router.on('notices', () =>
    Promise.resolve({
      notices: [...notices()],
      centres: monitor.seen.map((seen) => ({ ...seen, verified: [...seen.verified] })),
    }),
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
