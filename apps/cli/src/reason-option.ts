/** The reason that a statement gives in public: on the command line, or in a file. */
import { couldNotRun } from './failure.ts';
import { readText } from './release-contents.ts';

export interface ReasonOptions {
  readonly reason?: string;
  readonly reasonFile?: string;
}

const REASON_MAX_BYTES = 1024 * 1024;

/** UTF-8. @throws Failure when it is given twice or not at all, is empty or too long */
export async function readReason({ reason, reasonFile }: ReasonOptions): Promise<Uint8Array> {
  if ((reason === undefined) === (reasonFile === undefined))
    throw couldNotRun('give the reason once: --reason TEXT or --reason-file FILE');
  const bytes =
    reasonFile === undefined
      ? new TextEncoder().encode(reason ?? '')
      : await readText(reasonFile, REASON_MAX_BYTES);
  if (bytes.length > REASON_MAX_BYTES) throw couldNotRun(`the reason is over ${REASON_MAX_BYTES} bytes`);
  if (new TextDecoder().decode(bytes).trim() === '') throw couldNotRun('the reason is empty');
  return bytes;
}
