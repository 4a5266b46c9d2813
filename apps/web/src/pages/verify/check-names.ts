import type { CheckName } from '@vitrine/verifier';

/** What each check asks, for readers (docs/formats/evidence.md says when it holds). */
export const checkTitles: Readonly<Record<CheckName, string>> = {
  policy: 'The policy can be used',
  evidence: 'The evidence can be read',
  'keys-log': 'The log of keys is whole',
  'root-checkpoint': 'The log’s checkpoint is signed and cosigned',
  'keys-current': 'The keys are as recent as the log',
  inclusion: 'The statements stand in the log',
  admitted: 'Their signers were allowed to make them',
  file: 'The file is the one that was named',
  release: 'The release that names it is there too',
  'not-withdrawn': 'The release was not withdrawn',
  age: 'The proof is recent enough',
};
