/** One commitment as a centre knows it. */
import type { ApiClient, Commitment } from '@vitrine/api';
import { hasProblem, patiently } from './centre-connection.ts';
import { refused } from './failure.ts';

/** @throws Failure when there is none of this id; ApiError */
export async function readCommitment(
  client: ApiClient,
  id: string,
  onWait: (reason: string) => void,
): Promise<Commitment> {
  try {
    return (await patiently(() => client.call('commitment', { params: { id } }), onWait)).commitment;
  } catch (thrown) {
    if (hasProblem(thrown, 'not-found')) throw refused(`the centre has no commitment ${id}`, thrown);
    throw thrown;
  }
}
