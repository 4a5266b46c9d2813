/** Tells what one object or pack brings with it from what keeps all of them from coming. */
import { ApiError } from '@vitrine/api';
import { CopyError, VaultError } from '../vault/vault.ts';

/** Whether others may come although this one did not: what was sent was wrong, or is not to be had. */
export function isOfOneThing(error: unknown): error is Error {
  if (error instanceof CopyError) return true;
  if (error instanceof VaultError) return !['disk-full', 'io', 'closed'].includes(error.code);
  if (!(error instanceof ApiError) || error.code === 'unreachable') return false;
  const { problem } = error;
  return problem === undefined || problem.code === 'object-corrupt' || isAboutTheRequest(problem.status);
}

/** Without a right to it, or while the server is in trouble, asking for the next thing ends the same. */
function isAboutTheRequest(status: number): boolean {
  return status < 500 && status !== 401 && status !== 403 && status !== 429;
}
