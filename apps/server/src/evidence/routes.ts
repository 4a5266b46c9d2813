/** HTTP: evidence files. Anyone may have them. */
import type { Router } from '../router.ts';
import type { EvidenceMaker } from './commands.ts';

export function addEvidenceRoutes(router: Router, evidence: EvidenceMaker): void {
  router.on('artifactEvidence', async ({ params, query }) => ({
    bytes: await evidence.ofArtifact({ sha256: params.sha256, ...query }),
    fileName: `${params.sha256.slice(0, 16)}.evidence`,
  }));
  router.on('statementEvidence', async ({ params, query }) => ({
    bytes: await evidence.ofStatement(params.digest, query.rootSize),
    fileName: `${params.digest.slice(0, 16)}.evidence`,
  }));
}
