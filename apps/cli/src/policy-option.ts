/** The verification policy that a command is given, or the centre's own where it is given none. */
import type { ApiClient } from '@vitrine/api';
import { MAX_POLICY_BYTES } from '@vitrine/tlog';
import { EvidenceError, parseVerificationPolicy } from '@vitrine/verifier';
import { patiently } from './centre-connection.ts';
import { readBody } from './evidence-source.ts';
import { refused } from './failure.ts';
import { readBounded } from './local-file.ts';

/** The text of a policy file; what is wrong in it is the verdict's to say. @throws Failure when it cannot be read */
export async function readPolicy(file: string): Promise<string> {
  return new TextDecoder().decode(await readBounded(file, MAX_POLICY_BYTES));
}

/**
 * The policy under which the evidence of what is about to be said must hold: that of the file, or else the centre's own. Read
 * before anything is registered, so that a policy under which nothing could hold is noticed in time.
 *
 * @param origin of the centre's root log
 * @throws Failure when it cannot be used, or is of another instance; ApiError
 */
export async function policyToHold(
  file: string | undefined,
  client: ApiClient,
  origin: string,
  onWait: (reason: string) => void,
): Promise<string> {
  const policy = file === undefined ? await fetchPolicy(client, onWait) : await readPolicy(file);
  const what = file ?? 'the policy of the centre';
  let rootOrigin: string;
  try {
    ({ rootOrigin } = parseVerificationPolicy(policy));
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw refused(`${what} cannot be used, and nothing was registered: ${cause.message}`, cause);
  }
  if (rootOrigin !== origin)
    throw refused(`${what} is about ${rootOrigin}, but the centre writes ${origin}; nothing was registered`);
  return policy;
}

async function fetchPolicy(client: ApiClient, onWait: (reason: string) => void): Promise<string> {
  const response = await patiently(() => client.call('policy'), onWait);
  return new TextDecoder().decode(await readBody(response, MAX_POLICY_BYTES));
}
