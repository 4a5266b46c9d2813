import type { ForkCheckName } from '@vitrine/verifier/fork';

/** What each check of a proof asks, for readers (docs/formats/evidence.md says when it holds). */
export const forkCheckTitles: Readonly<Record<ForkCheckName, string>> = {
  policy: 'The policy can be used',
  evidence: 'The evidence file can be read',
  signatures: 'The log’s own key signed both checkpoints',
  contradiction: 'The two cannot be of one history',
};
